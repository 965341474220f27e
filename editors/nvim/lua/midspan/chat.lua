--- A conversation on a page. The text below the last heading is the question; <CR> sends it, <C-c> stops the answer.
local M = {}

local YOU, MIDSPAN, CLEAR = '## You', '## Midspan', '/clear'
local STILL = 'Midspan is still answering; stop it with <C-c>'

local messages = {}
local stop = nil
local references = {}
local owner = nil -- the root of the project whose conversation the page has
local progress = vim.api.nvim_create_namespace('midspan.progress')

local function page()
  return require('midspan.page')
end

local function source()
  return require('midspan.source')
end

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
  local last = vim.api.nvim_buf_get_lines(buffer, -2, -1, false)[1]
  page().append(buffer, (last == '' and '' or '\n') .. '\n' .. YOU .. '\n\n')
end

--- Lists what an answer was given, with links.
local function add_used(buffer, used)
  if used and #used > 0 then
    page().append(buffer, ('\n\nRead %d %s of your code:\n\n'):format(#used, #used == 1 and 'place' or 'places'))
    local row = vim.api.nvim_buf_line_count(buffer) - 1
    page().append(buffer, table.concat(source().lines_of(used), '\n') .. '\n')
    source().link(buffer, row, used)
  end
end

--- Shows the progress of an answer in words behind the text of the page; "" takes it away.
local function show_progress(buffer, words)
  if vim.api.nvim_buf_is_loaded(buffer) then
    vim.api.nvim_buf_clear_namespace(buffer, progress, 0, -1)
    if words ~= '' then
      local row = vim.api.nvim_buf_line_count(buffer) - 1
      vim.api.nvim_buf_set_extmark(buffer, progress, row, 0, { virt_text = { { words, 'Comment' } } })
    end
  end
end

--- Begins a new conversation, also for later.
function M.start_over(buffer)
  M.stop()
  messages = {}
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, { YOU, '', '' })
  local client = client_here()
  if client then
    client:request('midspan/conversation', { action = 'clear', textDocument = (source().document()) }, function() end)
  end
end

local function finish(buffer, err, result)
  stop = nil
  show_progress(buffer, '')
  if result then
    table.insert(messages, { role = 'assistant', content = result.text })
    add_used(buffer, result.used)
    if #(result.unknown or {}) > 0 then
      page().append(buffer, '\n> Nothing here has the name ' .. table.concat(result.unknown, ', '))
    end
  else
    table.remove(messages) -- an unanswered question does not belong to the conversation; the page keeps its text
    page().append(buffer, '\n> ' .. err.message:gsub('\n', ' '))
  end
  add_heading(buffer)
end

--- Sends the question below the last heading.
function M.send(buffer)
  if stop then
    return vim.notify(STILL)
  end
  local client, text = client_here(), question(buffer)
  if not client or text == '' then
    return
  end
  if text == CLEAR then
    return M.start_over(buffer)
  end
  table.insert(messages, { role = 'user', content = text, references = #references > 0 and references or nil })
  references = {}
  page().follow(buffer)
  page().append(buffer, '\n\n' .. MIDSPAN .. '\n\n')
  local document, selection = source().document()
  local params = { messages = messages, keep = true, textDocument = document, selection = selection }
  stop = require('midspan.server').stream(client, 'midspan/chat', params, function(piece)
    if not vim.api.nvim_buf_is_loaded(buffer) then
      return M.stop() -- the user has deleted the page
    end
    show_progress(buffer, '')
    page().append(buffer, piece)
  end, function(...)
    finish(buffer, ...)
  end, function(words)
    show_progress(buffer, words)
  end)
end

--- Stops the answer.
function M.stop()
  if stop then
    stop()
  end
end

local function show_messages(buffer, kept)
  messages = kept
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, { '' })
  for index, message in ipairs(kept) do
    local heading = message.role == 'user' and YOU or MIDSPAN
    page().append(buffer, (index == 1 and '' or '\n\n') .. heading .. '\n\n' .. message.content)
    add_used(buffer, message.used)
  end
  add_heading(buffer)
end

--- Shows the conversation that was kept for the workspace, if the user has not begun another one. Then calls `after`.
local function restore(client, buffer, after)
  local empty = vim.api.nvim_buf_get_changedtick(buffer)
  local params = { action = 'get', textDocument = (source().document()) }
  client:request('midspan/conversation', params, function(_, result)
    if result and #result.messages > 0 and vim.api.nvim_buf_get_changedtick(buffer) == empty then
      show_messages(buffer, result.messages)
    end
    after()
  end)
end

local function map_keys(buffer)
  vim.keymap.set('n', '<CR>', function()
    if not source().follow() then
      M.send(buffer)
    end
  end, { buffer = buffer, desc = 'Midspan: send the question, or open the place in this line' })
  vim.keymap.set({ 'n', 'i' }, '<C-c>', M.stop, { buffer = buffer, desc = 'Midspan: stop the answer' })
  vim.keymap.set('n', '<C-n>', function()
    M.start_over(buffer)
  end, { buffer = buffer, desc = 'Midspan: new conversation' })
end

--- Opens the page. The next question refers to the range of the command; words after `chat` are sent at once.
function M.open(call)
  if stop then
    if #call.fargs > 1 or call.range > 0 then
      return vim.notify(STILL)
    end
    return page().open('chat', nil, 'markdown')
  end
  source().remember()
  local client = client_here()
  if not client then
    return
  end
  local root = client.root_dir or ''
  local is_other = owner ~= nil and owner ~= root
  if is_other then
    messages, references = {}, {}
  end
  owner = root
  if call.range > 0 then
    local range = require('midspan.server').range_of(client, call)
    table.insert(references, { uri = vim.uri_from_bufnr(0), range = range })
  end
  local buffer = page().open('chat', nil, 'markdown')
  map_keys(buffer)
  require('midspan.mentions').attach(buffer)
  local words = table.concat(call.fargs, ' ', 2)
  local function ask()
    if words ~= '' then
      page().append(buffer, words)
      M.send(buffer)
    end
  end
  local is_new = is_other or vim.api.nvim_buf_line_count(buffer) < 3
  if is_new then
    vim.api.nvim_buf_set_lines(buffer, 0, -1, false, { YOU, '', '' })
  end
  vim.api.nvim_win_set_cursor(0, { vim.api.nvim_buf_line_count(buffer), 0 })
  if is_new then
    restore(client, buffer, ask)
  else
    ask()
  end
end

return M
