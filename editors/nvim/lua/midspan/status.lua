--- The status of the server, for the statusline.
local M = {}

--- By client: the parameters of the last midspan/statusChanged.
local last = {}

--- By buffer: whether completion is off in this document alone.
local off_here = {}

local function redraw()
  vim.cmd.redrawstatus({ bang = true })
end

local function state_of(status)
  return vim.tbl_get(status or {}, 'completion', 'state')
end

--- Asks the server about the document of a buffer.
local function ask_about(buffer)
  local client = require('midspan.server').clients(buffer)[1]
  if client then
    client:request('midspan/status', { uri = vim.uri_from_bufnr(buffer) }, function(_, status)
      local is_off = state_of(status) == 'off'
      if off_here[buffer] ~= is_off then
        off_here[buffer] = is_off
        redraw()
      end
    end, buffer)
  end
end

--- Asks the servers about the documents in all windows.
function M.ask_about_shown()
  local buffers = {}
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    buffers[vim.api.nvim_win_get_buf(window)] = true
  end
  for buffer in pairs(buffers) do
    ask_about(buffer)
  end
end

--- Asks the server about the document now, and whenever something may have changed that it goes by.
function M.attach(buffer)
  local group = vim.api.nvim_create_augroup('midspan.status.' .. buffer, {})
  vim.api.nvim_create_autocmd({ 'BufEnter', 'BufWritePost' }, {
    group = group,
    buffer = buffer,
    callback = function()
      ask_about(buffer)
    end,
  })
  vim.api.nvim_create_autocmd('CursorHold', { group = group, buffer = buffer, callback = M.ask_about_shown })
  ask_about(buffer)
end

--- Handler of midspan/statusChanged.
function M.changed(_, status, context)
  local before = last[context.client_id]
  last[context.client_id] = status
  vim.schedule(redraw)
  if not before or not vim.deep_equal(before.completion, status.completion) then
    M.ask_about_shown()
  end
end

--- Returns "midspan", "midspan ..." while it works, "midspan off", "midspan off here" where it is off in this file alone,
--- "midspan loading", "midspan error". Behind "midspan" stands the place of a next edit that is not on the screen:
--- "midspan ↓ line 120".
function M.line()
  local buffer = vim.api.nvim_get_current_buf()
  local client = require('midspan.server').clients(buffer)[1]
  if not client then
    return ''
  end
  if not require('midspan.switch').is_on(buffer) then
    return 'midspan off'
  end
  local status = last[client.id]
  local state = state_of(status)
  if state ~= 'off' and off_here[buffer] then
    return 'midspan off here'
  elseif state and state ~= 'ready' then
    return 'midspan ' .. state
  end
  local where = require('midspan.next_edit').where()
  if where ~= '' then
    return 'midspan ' .. where
  end
  return status and (status.busy or 0) > 0 and 'midspan ...' or 'midspan'
end

--- Returns why the current buffer has no client, in words.
local function why_absent()
  local filetype = vim.bo.filetype
  if filetype == '' then
    return 'this buffer has no file type; `:set filetype=…` gives it one'
  end
  local is_known = vim.list_contains(require('midspan').options.filetypes, filetype)
  return is_known and 'this buffer is no file' or ('the option `filetypes` lacks %s'):format(filetype)
end

--- Requests the status of the current buffer, and shows it.
function M.show()
  local client = require('midspan.server').client()
  if not client then
    return
  end
  local absent = not require('midspan.server').clients(0)[1] and why_absent()
  local params = absent and vim.empty_dict() or { uri = vim.uri_from_bufnr(0) }
  client:request('midspan/status', params, function(err, status)
    if err then
      vim.notify('Midspan: ' .. err.message, vim.log.levels.ERROR)
      return
    end
    local lines = absent and { 'nothing is completed here: ' .. absent } or {}
    for _, name in ipairs({ 'completion', 'chat' }) do
      local part = status[name] or {}
      local reason = part.reason and part.reason ~= vim.NIL and (': ' .. part.reason) or ''
      local model = part.model and part.model ~= vim.NIL and part.model ~= '' and (' by ' .. part.model) or ''
      table.insert(lines, ('%s%s: %s%s'):format(name, model, part.state or 'unknown', reason))
    end
    vim.notify(table.concat(lines, '\n'))
  end)
end

return M
