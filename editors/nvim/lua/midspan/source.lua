--- The window with the code that a chat is about, and the places of code that an answer names.
local M = {}

local window = nil
local links = vim.api.nvim_create_namespace('midspan.links')
local parts = {} -- by the id of the link

--- Remembers the current window, if the server knows its buffer.
function M.remember()
  if #require('midspan.server').clients(0) > 0 then
    window = vim.api.nvim_get_current_win()
  end
end

local function client_of(buffer)
  return require('midspan.server').clients(buffer)[1]
end

--- Returns the client of the buffer in that window, or nil.
function M.client()
  return window and vim.api.nvim_win_is_valid(window) and client_of(vim.api.nvim_win_get_buf(window)) or nil
end

--- Returns the document in that window as the protocol names it, and the position of its cursor as a range; nil if none.
function M.document()
  if not window or not vim.api.nvim_win_is_valid(window) then
    return nil
  end
  local client = client_of(vim.api.nvim_win_get_buf(window))
  if not client then
    return nil
  end
  local params = vim.lsp.util.make_position_params(window, client.offset_encoding)
  return params.textDocument, { start = params.position, ['end'] = params.position }
end

--- Returns the lines that list the parts of files which an answer was given.
function M.lines_of(used)
  return vim.tbl_map(function(part)
    local lines = tostring(part.firstLine + 1)
    if part.lastLine ~= part.firstLine then
      lines = ('%s-%d'):format(lines, part.lastLine + 1)
    end
    return ('- %s:%s  %s'):format(part.path, lines, part.why)
  end, used)
end

--- Makes the lines of a page that begin at `row` links to the parts.
function M.link(buffer, row, used)
  for index, part in ipairs(used) do
    local line = vim.api.nvim_buf_get_lines(buffer, row + index - 1, row + index, false)[1]
    local last = line:find('  ', 3, true) - 1
    local mark = { end_col = last, hl_group = 'Underlined' }
    parts[vim.api.nvim_buf_set_extmark(buffer, links, row + index - 1, 2, mark)] = part
  end
end

--- Opens the part in the cursor's line beside the page. Returns false where there is no link.
function M.follow()
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  local mark = vim.api.nvim_buf_get_extmarks(0, links, { row, 0 }, { row, -1 }, { limit = 1 })[1]
  local part = mark and parts[mark[1]]
  if not part then
    return false
  end
  if window and vim.api.nvim_win_is_valid(window) then
    vim.api.nvim_set_current_win(window)
  else
    vim.cmd('leftabove vsplit')
    window = vim.api.nvim_get_current_win()
  end
  local start = { line = part.firstLine, character = 0 }
  vim.lsp.util.show_document({ uri = part.uri, range = { start = start, ['end'] = start } }, 'utf-16', { focus = true })
  return true
end

return M
