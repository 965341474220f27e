--- The rest of an item's text at the cursor, and pieces of the rest.
local M = {}

--- Returns the part of `text` that is not typed yet, where `text` begins at `row` and `col` (from 0, in bytes). Returns
--- nil when all of it is typed, or something else.
function M.at_cursor(text, row, col)
  local cursor_row, cursor_col = unpack(vim.api.nvim_win_get_cursor(0))
  cursor_row = cursor_row - 1
  if cursor_row < row or (cursor_row == row and cursor_col < col) then
    return nil
  end
  local found, lines = pcall(vim.api.nvim_buf_get_text, 0, row, col, cursor_row, cursor_col, {})
  local typed = found and table.concat(lines, '\n')
  if not typed or not vim.startswith(text, typed) or #typed == #text then
    return nil
  end
  return text:sub(#typed + 1)
end

--- Returns the same for an item as the server sent it.
function M.of_item(item, encoding)
  local start = item.range.start
  local line = vim.api.nvim_buf_get_lines(0, start.line, start.line + 1, false)[1]
  if not line or line == '' and start.character > 0 then
    return nil -- Neovim returns column 0 for every place of an empty line
  end
  -- Strict: a line that has become too short has no such column.
  local found, col = pcall(vim.str_byteindex, line, encoding, start.character, true)
  return found and M.at_cursor(item.insertText, start.line, col) or nil
end

--- Returns what stands behind the cursor in its line. Once that has changed, as where a plugin has closed a bracket that
--- was typed, text that was made for the place may repeat it.
function M.behind()
  return vim.api.nvim_get_current_line():sub(vim.api.nvim_win_get_cursor(0)[2] + 1)
end

--- Returns the first word of a text with the white space before it, or the first run of other characters.
function M.word(text)
  return text:match('^%s*[%w_\128-\255]+') or text:match('^%s*[^%w_%s\128-\255]+') or text
end

--- Returns the first line that is not empty.
function M.line(text)
  return text:match('^\n*[^\n]*')
end

function M.all(text)
  return text
end

return M
