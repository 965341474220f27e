--- The status of the server, for the statusline.
local M = {}

--- By client: the parameters of the last midspan/statusChanged.
local last = {}

local function redraw()
  vim.cmd.redrawstatus({ bang = true })
end

--- Handler of midspan/statusChanged.
function M.changed(_, status, context)
  last[context.client_id] = status
  vim.schedule(redraw)
end

--- Returns "midspan", "midspan ..." while it works, "midspan off", "midspan loading", "midspan error". Behind "midspan"
--- stands the place of a next edit that is not on the screen: "midspan ↓ line 120".
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
  local state = vim.tbl_get(status or {}, 'completion', 'state')
  if state and state ~= 'ready' then
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
