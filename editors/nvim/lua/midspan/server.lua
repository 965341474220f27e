--- The server of a buffer, its program, and requests whose answers are streamed.
local M = {}

--- Returns the clients of Midspan, or those that are attached to a buffer; none before `setup`.
function M.clients(buffer)
  local options = require('midspan').options
  return options and vim.lsp.get_clients({ name = options.client_name, bufnr = buffer }) or {}
end

--- Returns the client of the current buffer, else of the window that a chat is about, or another one; nil for none.
function M.find()
  return M.clients(0)[1] or require('midspan.source').client() or M.clients()[1]
end

--- Returns the same. Notifies the user when there is none.
function M.client()
  local client = M.find()
  if not client then
    vim.notify('Midspan does not run here. Open a file of its types, or see :checkhealth midspan', vim.log.levels.WARN)
  end
  return client
end

--- Returns the command line of another command of the server's program.
function M.program(...)
  local command = {}
  for _, word in ipairs(require('midspan').options.cmd) do
    if word == 'serve' then
      break
    end
    table.insert(command, word)
  end
  return vim.list_extend(command, { ... })
end

--- Returns the whole lines of a command's range, in the form of the protocol.
function M.range_of(client, call)
  local last = vim.api.nvim_buf_get_lines(0, call.line2 - 1, call.line2, false)[1] or ''
  return {
    start = { line = call.line1 - 1, character = 0 },
    ['end'] = { line = call.line2 - 1, character = vim.str_utfindex(last, client.offset_encoding) },
  }
end

local tokens = 0

--- Sends a request. Calls `on_piece(text)` for each piece of its answer, and `on_end(error, result)` once.
--- `on_progress(words)`, if there is one, is called with the progress until then. Returns a function that cancels the
--- request.
function M.stream(client, method, params, on_piece, on_end, on_progress)
  tokens = tokens + 1
  local token = 'midspan-' .. tokens
  local work_token = token .. '-work'
  params.partialResultToken = token
  params.workDoneToken = on_progress and work_token
  local watch = vim.api.nvim_create_autocmd('LspProgress', {
    callback = function(event)
      local progress = event.data.params
      if event.data.client_id ~= client.id then
        return
      end
      if progress.token == token and progress.value.text then
        on_piece(progress.value.text)
      elseif progress.token == work_token then
        on_progress(progress.value.message or '')
      end
    end,
  })
  local has_ended = false
  local function finish(err, result)
    if not has_ended then
      has_ended = true
      vim.api.nvim_del_autocmd(watch)
      on_end(err, result)
    end
  end
  -- Without a buffer, Neovim first sends the pending changes of all buffers.
  local sent, id = client:request(method, params, finish)
  return function()
    if sent and not has_ended then
      client:cancel_request(id)
      -- Neovim may drop the answer to a cancelled request.
      finish({ code = vim.lsp.protocol.ErrorCodes.RequestCancelled, message = 'The request was cancelled.' })
    end
  end
end

return M
