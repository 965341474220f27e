--- :checkhealth midspan
local M = {}

local DOCTOR_MS = 120000 -- a large model takes a while to load

local function doctor_command(options)
  local command = require('midspan.server').program('doctor')
  local model = vim.tbl_get(options.settings, 'completion', 'model')
  if model then
    vim.list_extend(command, { '--model', vim.fs.normalize(model) })
  end
  return command
end

function M.check()
  vim.health.start('midspan')
  if vim.fn.has('nvim-0.11') == 0 then
    vim.health.error('Neovim 0.11 or newer is needed')
    return
  end
  vim.health.ok(vim.lsp.inline_completion and "Ghost text is Neovim's own" or "Ghost text is Midspan's own, by extmarks")
  local options = require('midspan').options
  if not options then
    vim.health.warn('setup has not been called', "Add require('midspan').setup{} to your init.lua")
    return
  end
  local program = options.cmd[1]
  if vim.fn.executable(program) == 0 then
    vim.health.error(program .. ' cannot be run', 'Install it, or give its whole path: setup{ cmd = { … } }')
    return
  end
  local attached = #vim.lsp.get_clients({ name = 'midspan' })
  vim.health.info(attached > 0 and 'The server is running' or 'The server is not running; open a file of its types')
  local done = vim.system(doctor_command(options), { text = true, timeout = DOCTOR_MS }):wait()
  local report = vim.trim(done.stdout ~= '' and done.stdout or done.stderr)
  local say = done.code == 0 and vim.health.ok or vim.health.error
  say(table.concat(doctor_command(options), ' ') .. ':\n' .. report)
end

return M
