--- Pages: buffers without a file.
local M = {}

--- Goes to the window of a buffer, or opens one beside the current window. Returns it.
function M.show(buffer)
  local window = vim.fn.bufwinid(buffer)
  if window == -1 then
    window = vim.api.nvim_open_win(buffer, true, { split = 'right', win = 0 })
  end
  vim.api.nvim_set_current_win(window)
  return window
end

local function title_of(name)
  return 'midspan://' .. name
end

--- Returns the buffer of the page of this name, or -1.
local function find(name)
  return vim.fn.bufnr('^' .. vim.fn.escape(title_of(name), '\\^$*?[]~') .. '$')
end

--- Deletes the page of this name with all that it was set up with, if there is one.
function M.delete(name)
  local buffer = find(name)
  if buffer ~= -1 then
    vim.api.nvim_buf_delete(buffer, { force = true })
  end
end

--- Opens the page of this name beside the current window. Returns its buffer and its window.
function M.open(name, lines, filetype)
  local buffer = find(name)
  if buffer == -1 then
    buffer = vim.api.nvim_create_buf(false, true)
    vim.api.nvim_buf_set_name(buffer, title_of(name))
  end
  local window = M.show(buffer)
  vim.bo[buffer].filetype = filetype or ''
  vim.wo[window].wrap = true
  vim.wo[window].linebreak = true
  if lines then
    vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  end
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = buffer, desc = 'Midspan: close this page' })
  return buffer, window
end

--- Puts the cursor of a page's window on its last line, so that it follows what is appended.
function M.follow(buffer)
  local window = vim.fn.bufwinid(buffer)
  if window ~= -1 then
    vim.api.nvim_win_set_cursor(window, { vim.api.nvim_buf_line_count(buffer), 0 })
  end
end

--- Appends text to a page. A cursor on the last line follows, and one that the user has put elsewhere stays.
function M.append(buffer, text)
  if not vim.api.nvim_buf_is_loaded(buffer) then
    return
  end
  local window = vim.fn.bufwinid(buffer)
  local is_at_end = window ~= -1 and vim.api.nvim_win_get_cursor(window)[1] == vim.api.nvim_buf_line_count(buffer)
  local last = vim.api.nvim_buf_get_lines(buffer, -2, -1, false)[1]
  local lines = vim.split(last .. text, '\n', { plain = true })
  vim.api.nvim_buf_set_lines(buffer, -2, -1, false, lines)
  if is_at_end then
    M.follow(buffer)
  end
end

return M
