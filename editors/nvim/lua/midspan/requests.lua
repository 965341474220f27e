--- The request for items, and the reports of acceptance to the server.
local M = {}

M.METHOD = 'textDocument/inlineCompletion'
M.INVOKED, M.AUTOMATIC = 1, 2

--- Requests items at the cursor of the current window. Returns the request's id, or nil.
function M.request_items(client, buffer, kind, handler)
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.context = { triggerKind = kind }
  local sent, id = client:request(M.METHOD, params, handler, buffer)
  return sent and id or nil
end

local function run(client, buffer, command, ...)
  if not command then
    return
  end
  local arguments = vim.list_extend({ unpack(command.arguments) }, { ... })
  client:exec_cmd({ title = command.title, command = command.command, arguments = arguments }, { bufnr = buffer })
end

--- Reports that a whole item was accepted.
function M.report_accepted(client, buffer, command)
  run(client, buffer, command)
end

--- Reports that `part` was accepted, where `rest` is the rest of an item's `text` before.
function M.report_part(client, buffer, command, text, rest, part)
  run(client, buffer, command, vim.fn.strchars(text:sub(1, #text - #rest + #part)))
end

return M
