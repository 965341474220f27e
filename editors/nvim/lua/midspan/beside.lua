--- Edits of one other file, which may be new: it is shown beside the current window, and the user writes it.
local M = {}

--- Returns the URI of the first file that an edit changes, and the changes in it.
function M.target(edit)
  local change = vim.iter(edit.documentChanges or {}):find(function(one)
    return one.textDocument
  end)
  if change then
    return change.textDocument.uri, change.edits
  end
  return next(edit.changes or {})
end

--- Shows the file of an edit that has been applied. A folder that it lacks is made when it is written.
function M.show(edit)
  local uri, edits = M.target(edit)
  local buffer = vim.uri_to_bufnr(uri)
  vim.bo[buffer].buflisted = true
  if vim.fn.filereadable(vim.uri_to_fname(uri)) == 0 and vim.api.nvim_buf_get_lines(buffer, -2, -1, false)[1] == '' then
    vim.api.nvim_buf_set_lines(buffer, -2, -1, false, {}) -- Neovim ends the last line itself
  end
  local window = require('midspan.page').show(buffer)
  local row = edits[1].range.start.line + 1
  vim.api.nvim_win_set_cursor(window, { math.min(row, vim.api.nvim_buf_line_count(buffer)), 0 })
  vim.api.nvim_create_autocmd('BufWritePre', {
    buffer = buffer,
    once = true,
    callback = function(event)
      vim.fn.mkdir(vim.fs.dirname(event.match), 'p')
    end,
  })
end

return M
