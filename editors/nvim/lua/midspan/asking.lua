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

local function run(client, buffer, command, ...)
  if not command then
    return
  end
  local arguments = vim.list_extend({ unpack(command.arguments) }, { ... })
  client:exec_cmd({ title = command.title, command = command.command, arguments = arguments }, { bufnr = buffer })
end

--- Says that all of an item stands in the text now.
function M.tell_accepted(client, buffer, command)
  run(client, buffer, command)
end

--- Says that a part does: of an item's `text`, `rest` was left before `part` of it was taken.
function M.tell_part(client, buffer, command, text, rest, part)
  run(client, buffer, command, vim.fn.strchars(text:sub(1, #text - #rest + #part)))
end

return M
