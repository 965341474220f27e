--- The rest of an item's text at the cursor, and pieces of the rest.
local M = {}

--- Returns what stands in the cursor's line before and behind it. Once that has changed, as where a line was begun anew
--- or a plugin has closed a bracket that was typed, text that was made for the place fits no longer.
function M.around()
  local line, col = vim.api.nvim_get_current_line(), vim.api.nvim_win_get_cursor(0)[2]
  return { before = line:sub(1, col), behind = line:sub(col + 1) }
end

--- Returns the part of `text` that is not typed yet, where `text` begins at `row` and `col` (from 0, in bytes) and was
--- made for a place with `around`. Returns nil when all of it is typed, or something else.
function M.at_cursor(text, row, col, around)
  local cursor_row, cursor_col = unpack(vim.api.nvim_win_get_cursor(0))
  cursor_row = cursor_row - 1
  if cursor_row < row or (cursor_row == row and cursor_col < col) or M.around().behind ~= around.behind then
    return nil
  end
  local found, lines = pcall(vim.api.nvim_buf_get_text, 0, row, 0, cursor_row, cursor_col, {})
  local before = found and table.concat(lines, '\n')
  if not before or before:sub(1, col) ~= around.before:sub(1, col) then
    return nil
  end
  local typed = before:sub(col + 1)
  if not vim.startswith(text, typed) or #typed == #text then
    return nil
  end
  return text:sub(#typed + 1)
end

--- Returns the same for an item as the server sent it.
function M.of_item(item, encoding, around)
  local start = item.range.start
  local line = vim.api.nvim_buf_get_lines(0, start.line, start.line + 1, false)[1]
  if not line or line == '' and start.character > 0 then
    return nil -- Neovim returns column 0 for every place of an empty line
  end
  -- Strict: a line that has become too short has no such column.
  local found, col = pcall(vim.str_byteindex, line, encoding, start.character, true)
  return found and M.at_cursor(item.insertText, start.line, col, around) or nil
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
