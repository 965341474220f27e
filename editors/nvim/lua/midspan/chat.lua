--- A conversation on a page. The text below the last heading is the question; <CR> sends it, <C-c> stops the answer.
local M = {}

local YOU, MIDSPAN = '## You', '## Midspan'

local messages = {}
local stop = nil
local references = {}

local function client_here()
  return require('midspan.server').client()
end

--- Returns the text below the last "## You".
local function question(buffer)
  local lines = vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
  for index = #lines, 1, -1 do
    if lines[index] == YOU then
      return vim.trim(table.concat(vim.list_slice(lines, index + 1), '\n'))
    end
  end
  return ''
end

local function add_heading(buffer)
  local page = require('midspan.page')
  local last = vim.api.nvim_buf_get_lines(buffer, -2, -1, false)[1]
  page.append(buffer, (last == '' and '' or '\n') .. '\n' .. YOU .. '\n\n')
end

--- Sends the question below the last heading.
function M.send(buffer)
  if stop then
    vim.notify('Midspan is still answering; stop it with <C-c>')
    return
  end
  local client, text = client_here(), question(buffer)
  if not client or text == '' then
    return
  end
  table.insert(messages, { role = 'user', content = text, references = #references > 0 and references or nil })
  references = {}
  local page = require('midspan.page')
  page.append(buffer, '\n\n' .. MIDSPAN .. '\n\n')
  stop = require('midspan.server').stream(client, 'midspan/chat', { messages = messages }, function(piece)
    page.append(buffer, piece)
  end, function(err, result)
    stop = nil
    if result then
      table.insert(messages, { role = 'assistant', content = result.text })
    else
      table.remove(messages) -- an unanswered question does not belong to the conversation; the page keeps its text
      page.append(buffer, '\n> ' .. err.message:gsub('\n', ' '))
    end
    add_heading(buffer)
  end)
end

--- Stops the answer.
function M.stop()
  if stop then
    stop()
  end
end

--- Opens the page. The next question refers to the range of the command; words after `chat` are sent at once.
function M.open(call)
  local client = client_here()
  if not client then
    return
  end
  if call.range > 0 then
    local range = require('midspan.server').range_of(client, call)
    table.insert(references, { uri = vim.uri_from_bufnr(0), range = range })
  end
  local buffer = require('midspan.page').open('chat', nil, 'markdown')
  vim.keymap.set('n', '<CR>', function()
    M.send(buffer)
  end, { buffer = buffer, desc = 'Midspan: send the question' })
  vim.keymap.set({ 'n', 'i' }, '<C-c>', M.stop, { buffer = buffer, desc = 'Midspan: stop the answer' })
  vim.keymap.set('n', '<C-n>', function()
    M.stop()
    messages = {}
    vim.api.nvim_buf_set_lines(buffer, 0, -1, false, { YOU, '', '' })
  end, { buffer = buffer, desc = 'Midspan: new conversation' })
  if vim.api.nvim_buf_line_count(buffer) < 3 then
    vim.api.nvim_buf_set_lines(buffer, 0, -1, false, { YOU, '', '' })
  end
  vim.api.nvim_win_set_cursor(0, { vim.api.nvim_buf_line_count(buffer), 0 })
  local words = table.concat(call.fargs, ' ', 2)
  if words ~= '' then
    require('midspan.page').append(buffer, words)
    M.send(buffer)
  end
end

return M
