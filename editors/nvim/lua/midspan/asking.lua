--- The request for an item, and what the server is told when a part of one is accepted.
local M = {}

M.METHOD = 'textDocument/inlineCompletion'
M.INVOKED, M.AUTOMATIC = 1, 2

--- Asks at the cursor of the current window. Returns the request's id, or nil.
function M.ask(client, buffer, kind, handler)
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.context = { triggerKind = kind }
  local sent, id = client:request(M.METHOD, params, handler, buffer)
  return sent and id or nil
end

--- Says that so much of an item stands in the text now. `characters` is nil for all of it.
function M.tell_accepted(client, buffer, command, characters)
  if not command then
    return
  end
  local arguments = vim.list_extend({}, command.arguments)
  table.insert(arguments, characters)
  client:exec_cmd({ title = command.title, command = command.command, arguments = arguments }, { bufnr = buffer })
end

return M
