--- Selects the model for completion, and downloads it if need be.
local M = {}

local BUILT_IN = 'built-in'

local function use(name)
  local model = name == BUILT_IN and vim.NIL or name
  for _, client in ipairs(require('midspan.server').clients()) do
    local settings = vim.tbl_deep_extend('force', require('midspan').options.settings, { completion = { model = model } })
    client:notify('midspan/userSettings', settings)
  end
  vim.notify('Midspan now completes with ' .. (name == BUILT_IN and 'the built-in model' or name))
end

local function pull(name)
  local function on_output(_, data)
    local line = data and vim.trim(data:match('([^\r\n]*)[\r\n]*$') or '')
    if line and line ~= '' then
      vim.schedule(function()
        vim.api.nvim_echo({ { 'midspan model pull: ' .. line } }, false, {})
      end)
    end
  end
  local command = require('midspan.server').program('model', 'pull', name)
  vim.system(command, { text = true, stderr = on_output, stdout = on_output }, vim.schedule_wrap(function(done)
    if done.code == 0 then
      use(name)
    else
      vim.notify('Midspan could not download ' .. name .. '; :messages says why', vim.log.levels.ERROR)
    end
  end))
end

--- Returns the models for completion: the built-in one, those on this machine, then those of the catalogue.
local function completing(listing)
  local found, seen = { { name = BUILT_IN, is_here = true } }, {}
  for _, part in ipairs({ 'here', 'catalogue' }) do
    for _, model in ipairs(listing[part]) do
      if vim.list_contains(model.use, 'completion') and not seen[model.name] then
        seen[model.name] = true
        table.insert(found, { name = model.name, is_here = part == 'here', size_bytes = model.size_bytes })
      end
    end
  end
  return found
end

local function describe(model)
  if model.name == BUILT_IN then
    return 'built-in, small, completes Python, needs no download'
  end
  return ('%s, %.1f GB%s'):format(model.name, model.size_bytes / 1e9, model.is_here and '' or ', not downloaded yet')
end

local function take(model)
  if model then
    (model.is_here and use or pull)(model.name)
  end
end

--- Uses the model of this name. Without a name, lets the user choose.
function M.choose(name)
  local command = require('midspan.server').program('model', 'list', '--json')
  vim.system(command, { text = true }, vim.schedule_wrap(function(done)
    if done.code ~= 0 then
      vim.notify('Midspan: ' .. vim.trim(done.stderr), vim.log.levels.ERROR)
      return
    end
    local models = completing(vim.json.decode(done.stdout))
    if not name then
      vim.ui.select(models, { prompt = 'The model for completion', format_item = describe }, take)
      return
    end
    local named = vim.iter(models):find(function(model)
      return model.name == name
    end)
    take(named or { name = name, is_here = false })
  end))
end

return M
