--- A buffer that gets another name, as by `:file` or the first `:write`: the server is told at once. Neovim tells it at
--- the next write or, of a buffer that had no name, at the next `:edit`.
local M = {}

--- By buffer: the URI under which the server has it.
local uris = {}

local function open_anew(buffer)
  local uri = uris[buffer]
  local clients = require('midspan.server').clients(buffer)
  if not vim.api.nvim_buf_is_valid(buffer) or #clients == 0 or uri == vim.uri_from_bufnr(buffer) then
    return
  end
  for _, client in ipairs(clients) do
    client:notify('textDocument/didClose', { textDocument = { uri = uri } })
    vim.lsp.buf_detach_client(buffer, client.id)
  end
  vim.lsp.enable(require('midspan').options.client_name) -- the new name may lie in another project
end

--- Notes the name under which the server has just opened the buffer.
function M.attach(buffer)
  uris[buffer] = vim.uri_from_bufnr(buffer)
end

--- Watches the names of all buffers. Where `:write` names a buffer, Neovim has no event of that but BufNew.
function M.watch(group)
  vim.api.nvim_create_autocmd({ 'BufFilePost', 'BufNew' }, {
    group = group,
    callback = function(event)
      if uris[event.buf] then
        vim.schedule(function()
          open_anew(event.buf)
        end)
      end
    end,
  })
end

return M
