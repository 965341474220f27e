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
    vim.health.error('Midspan needs Neovim 0.11 or newer')
    return
  end
  vim.health.ok(vim.lsp.inline_completion and "Neovim shows the ghost text" or "Midspan shows the ghost text")
  local options = require('midspan').options
  if not options then
    vim.health.warn('setup was not called', "Add require('midspan').setup{} to your init.lua")
    return
  end
  local program = options.cmd[1]
  if vim.fn.executable(program) == 0 then
    vim.health.error(program .. ' cannot be executed', 'Install it, or give its full path: setup{ cmd = { … } }')
    return
  end
  local attached = #require('midspan.server').clients()
  vim.health.info(attached > 0 and 'The server is running' or 'The server starts when you open a file of its types')
  local done = vim.system(doctor_command(options), { text = true, timeout = DOCTOR_MS }):wait()
  local report = vim.trim(done.stdout ~= '' and done.stdout or done.stderr)
  local say = done.code == 0 and vim.health.ok or vim.health.error
  say(table.concat(doctor_command(options), ' ') .. ':\n' .. report)
end

return M
