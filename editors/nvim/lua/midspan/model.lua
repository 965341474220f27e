--- Selects the model for completion or for chat, and downloads it if need be.
local M = {}

--- By use: the choice of no model of the list, and what it means.
local WITHOUT = {
  completion = {
    name = 'built-in',
    about = 'built-in, small, completes Python, needs no download',
    done = 'Midspan now completes with the built-in model',
  },
  chat = { name = 'none', about = 'none, no chat', done = 'Midspan has no chat model now' },
}

local WITH = { completion = 'Midspan now completes with %s', chat = 'Midspan now chats and edits with %s' }

--- By use: the model that was selected since Neovim began.
local selected = {}

--- Tells a server which models were selected, if any: its settings at the start do not.
function M.tell(client)
  if next(selected) then
    local settings = vim.tbl_deep_extend('force', require('midspan').options.settings, selected)
    client:notify('midspan/userSettings', settings)
  end
end

local function use(section, name)
  local without = WITHOUT[section]
  selected[section] = { model = name == without.name and vim.NIL or name }
  for _, client in ipairs(require('midspan.server').clients()) do
    M.tell(client)
  end
  vim.notify(name == without.name and without.done or WITH[section]:format(name))
end

local function pull(section, name)
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
      use(section, name)
    else
      vim.notify('Midspan could not download ' .. name .. '; :messages says why', vim.log.levels.ERROR)
    end
  end))
end

--- Returns the models for a use: none of the list, those on this machine, then those of the catalogue.
local function offered(listing, section)
  local found, seen = { { name = WITHOUT[section].name, is_here = true } }, {}
  for _, part in ipairs({ 'here', 'catalogue' }) do
    for _, model in ipairs(listing[part]) do
      if not model.problem and vim.list_contains(model.use, section) and not seen[model.name] then
        seen[model.name] = true
        table.insert(found, vim.tbl_extend('force', model, { is_here = part == 'here' }))
      end
    end
  end
  return found
end

local function is_value(value)
  return value ~= nil and value ~= vim.NIL
end

--- Returns the marks of a model: the same as those of VS Code and Emacs.
local function advice(model, section)
  if vim.list_contains(model.recommended or {}, section) then
    return 'recommended: the largest that is fast enough here'
  elseif not is_value(model.form) then
    return 'needs more memory than this machine has'
  elseif vim.list_contains(model.fast_enough or {}, section) then
    return 'fast enough here'
  end
  return is_value(model.tokens_per_s) and 'slow here' or nil
end

local function describe(model, section, now)
  local without = WITHOUT[section]
  local is_now = model.name == now or (now == '' and model.name == without.name)
  local words = { is_now and '* ' .. model.name or model.name }
  if model.name == without.name then
    words = { is_now and '* ' .. without.about or without.about }
  else
    table.insert(words, ('%.1f GB'):format(model.size_bytes / 1e9))
    table.insert(words, is_value(model.tokens_per_s) and ('about %.0f tokens/s'):format(model.tokens_per_s) or nil)
    table.insert(words, advice(model, section))
    table.insert(words, not model.is_here and 'not downloaded yet' or nil)
  end
  table.insert(words, is_now and 'in use' or nil)
  return table.concat(words, ', ')
end

local function take(section, model)
  if model then
    (model.is_here and use or pull)(section, model.name)
  end
end

--- Calls `with_name` with the name of the model that is in use: "" without one, nil when no server says.
local function ask_now(section, with_name)
  local client = require('midspan.server').clients()[1]
  local sent = client
    and client:request('midspan/status', vim.empty_dict(), function(_, status)
      with_name(vim.tbl_get(status or {}, section, 'model'))
    end)
  if not sent then
    with_name(nil)
  end
end

--- Uses the model of this name for "completion" or "chat". Without a name, lets the user choose.
function M.choose(section, name)
  local command = require('midspan.server').program('model', 'list', '--json')
  vim.system(command, { text = true }, vim.schedule_wrap(function(done)
    if done.code ~= 0 then
      vim.notify('Midspan: ' .. vim.trim(done.stderr), vim.log.levels.ERROR)
      return
    end
    local models = offered(vim.json.decode(done.stdout), section)
    if name then
      local named = vim.iter(models):find(function(model)
        return model.name == name
      end)
      return take(section, named or { name = name, is_here = false })
    end
    ask_now(section, function(now)
      local function format_item(model)
        return describe(model, section, now)
      end
      vim.ui.select(models, { prompt = 'The model for ' .. section, format_item = format_item }, function(model)
        take(section, model)
      end)
    end)
  end))
end

return M
