--- A next edit as a change of whole lines, and where it stands on the screen.
local edit_diff = require('midspan.edit_diff')

local M = {}

--- Returns the buffer of the edit's file if it is loaded, or nil.
function M.buffer(edit)
  -- A whole name: bufnr() takes a part of one too, and shop.py is a part of shop.pyi.
  local buffer = vim.fn.bufnr('^' .. vim.fn.escape(vim.uri_to_fname(edit.textDocument.uri), '\\*?[]{},') .. '$')
  return buffer ~= -1 and vim.api.nvim_buf_is_loaded(buffer) and buffer or nil
end

--- Returns the lines of the edit's range, in its buffer or on the disk, and the number of all lines.
local function lines_of(edit, buffer)
  local first, last = edit.range.start.line, edit.range['end'].line
  if buffer then
    return vim.api.nvim_buf_get_lines(buffer, first, last + 1, false), vim.api.nvim_buf_line_count(buffer)
  end
  local found, lines = pcall(vim.fn.readfile, vim.uri_to_fname(edit.textDocument.uri))
  if not found then
    return nil
  end
  return vim.list_slice(lines, first + 1, last + 1), #lines
end

--- Returns whether the edit is of the text as it is now. An edit of a file that was not open has no version.
local function is_current(edit, buffer)
  local version = edit.textDocument.version
  if type(version) ~= 'number' then
    return not (buffer and vim.bo[buffer].modified)
  end
  return buffer and vim.lsp.util.buf_versions[buffer] == version
end

local function byte_col(line, encoding, character)
  return vim.str_byteindex(line, encoding, character, false)
end

--- Returns the edit as whole lines: `olds` from `row` on become `news`. Returns nil when it does not fit or is empty.
function M.of(edit, encoding)
  local buffer = M.buffer(edit)
  local olds, count
  if is_current(edit, buffer) then
    olds, count = lines_of(edit, buffer)
  end
  local from, to = edit.range.start, edit.range['end']
  if not olds or to.line > count then
    return nil
  end
  local first, last = olds[1] or '', olds[to.line - from.line + 1] or ''
  local head = first:sub(1, byte_col(first, encoding, from.character))
  local text = head .. edit.text:gsub('\r\n', '\n') .. last:sub(byte_col(last, encoding, to.character) + 1)
  local news = vim.split(text, '\n', { plain = true })
  if to.line == count and news[#news] == '' then
    table.remove(news) -- the line behind the last one
  end
  local common, tail = edit_diff.common(olds, news)
  local change = {
    buffer = buffer,
    row = from.line + common,
    olds = vim.list_slice(olds, common + 1, #olds - tail),
    news = vim.list_slice(news, common + 1, #news - tail),
  }
  return (#change.olds > 0 or #change.news > 0) and change or nil
end

--- Returns the row at which the user sees the change, from 0.
function M.row(change)
  return #change.olds == 0 and math.max(change.row - 1, 0) or change.row
end

--- Sets the change's `place` beside the cursor, and `where` in words when the place is not on the screen.
function M.locate(change, edit)
  local row, cursor = M.row(change), vim.api.nvim_win_get_cursor(0)[1] - 1
  if change.buffer ~= vim.api.nvim_get_current_buf() then
    change.place = 'elsewhere'
    change.where = ('→ %s:%d'):format(vim.fs.basename(vim.uri_to_fname(edit.textDocument.uri)), row + 1)
  elseif cursor >= row and cursor <= math.max(row, change.row + #change.olds - 1) then
    change.place = 'here'
  elseif row < vim.fn.line('w0') - 1 then
    change.place, change.where = 'above', ('↑ line %d'):format(row + 1)
  elseif row > vim.fn.line('w$') - 1 then
    change.place, change.where = 'below', ('↓ line %d'):format(row + 1)
  else
    change.place = 'shown'
  end
end

--- Puts the cursor where the change begins, in the current window, and opens folds.
function M.go(change)
  local old, new = change.olds[1], change.news[1]
  local part = old and new and edit_diff.words(old, new)[1]
  vim.api.nvim_win_set_cursor(0, { math.min(M.row(change) + 1, vim.api.nvim_buf_line_count(0)), part and part.col or 0 })
  vim.cmd('normal! zv')
end

--- Makes the edit, whose change this is, as one step of undo, and puts the cursor behind the last new word.
function M.apply(change, edit, encoding)
  local buffer = change.buffer
  require('midspan.undo').as_one_step(buffer, function()
    vim.lsp.util.apply_text_edits({ { range = edit.range, newText = edit.text } }, buffer, encoding)
  end)
  if #change.news > 0 then
    local row = change.row + #change.news - 1
    local old, new = change.olds[#change.olds] or '', change.news[#change.news]
    local parts = edit_diff.words(old, new)
    local last = parts[#parts]
    vim.api.nvim_win_set_cursor(0, { row + 1, last and last.new_col + #last.new or #new })
  end
end

return M
