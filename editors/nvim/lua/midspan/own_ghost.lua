--- Ghost text by extmarks, for Neovim 0.11, which has no inline completion.
local requests = require('midspan.requests')
local rest = require('midspan.rest')

local M = {}

local PAUSE_MS = 75 -- without a key before a request
local namespace = vim.api.nvim_create_namespace('midspan.ghost')

--- By buffer: the client, the pending request, the items, what stood around the cursor when they were asked for, and the
--- index of the item that is shown.
local buffers = {}

local function clear(buffer)
  if vim.api.nvim_buf_is_valid(buffer) then
    vim.api.nvim_buf_clear_namespace(buffer, namespace, 0, -1)
  end
end

--- Returns the rest of the item that is shown, or nil.
local function text_here(state)
  local item = state.items[state.index]
  return item and rest.of_item(item, state.client.offset_encoding, state.around)
end

local function show(buffer)
  clear(buffer)
  local state = buffers[buffer]
  local text = text_here(state)
  if not text or vim.api.nvim_get_current_buf() ~= buffer or not vim.startswith(vim.fn.mode(), 'i') then
    return
  end
  local lines = vim.split(text, '\n', { plain = true })
  if #state.items > 1 then
    lines[#lines] = ('%s (%d/%d)'):format(lines[#lines], state.index, #state.items)
  end
  local below = vim.tbl_map(function(line)
    return { { line, 'MidspanGhost' } }
  end, vim.list_slice(lines, 2))
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  vim.api.nvim_buf_set_extmark(buffer, namespace, row - 1, col, {
    virt_text = { { lines[1], 'MidspanGhost' } },
    virt_text_pos = 'inline',
    virt_lines = below,
    hl_mode = 'combine',
  })
end

local function end_request(state)
  if state.pending then
    state.client:cancel_request(state.pending)
    state.pending = nil
  end
end

local function ask(buffer, kind)
  local state = buffers[buffer]
  end_request(state)
  local number, around = nil, rest.around()
  number = requests.request_items(state.client, buffer, kind, function(err, result)
    if state.pending ~= number then
      return -- a newer request is pending
    end
    state.pending = nil
    if not err and result and buffers[buffer] == state and vim.api.nvim_get_current_buf() == buffer then
      state.items, state.index, state.around = result.items or {}, 1, around
      show(buffer)
      require('midspan.next_edit').ghost_changed()
    end
  end)
  state.pending = number
end

local function forget(buffer)
  local state = buffers[buffer]
  state.timer:stop()
  end_request(state)
  state.items = {}
  clear(buffer)
end

local function on_change(buffer)
  local state = buffers[buffer]
  if not state.is_on then
    return
  end
  show(buffer) -- the rest, or nothing if something else was typed
  state.timer:start(PAUSE_MS, 0, vim.schedule_wrap(function()
    local is_typing = vim.startswith(vim.fn.mode(), 'i') and vim.api.nvim_get_current_buf() == buffer
    if buffers[buffer] == state and state.is_on and is_typing then
      ask(buffer, requests.AUTOMATIC)
    end
  end))
end

function M.attach(client, buffer)
  if buffers[buffer] then
    buffers[buffer].timer:close()
  end
  buffers[buffer] = { client = client, items = {}, index = 1, timer = assert(vim.uv.new_timer()), is_on = true }
  vim.api.nvim_set_hl(0, 'MidspanGhost', { link = 'NonText', default = true })
  local group = vim.api.nvim_create_augroup('midspan.ghost.' .. buffer, {})
  local function on(events, callback)
    vim.api.nvim_create_autocmd(events, { group = group, buffer = buffer, callback = callback })
  end
  on({ 'InsertEnter', 'CursorMovedI', 'TextChangedI', 'TextChangedP' }, function()
    on_change(buffer)
  end)
  on({ 'InsertLeave', 'BufLeave' }, function()
    forget(buffer)
  end)
  on('BufWipeout', function()
    buffers[buffer].timer:close()
    buffers[buffer] = nil
  end)
end

function M.is_shown(buffer)
  return #vim.api.nvim_buf_get_extmarks(buffer, namespace, 0, -1, { limit = 1 }) > 0
end

function M.switch(buffer, on)
  if buffers[buffer] then
    buffers[buffer].is_on = on
    forget(buffer)
  end
end

local function state_here()
  local buffer = vim.api.nvim_get_current_buf()
  return buffers[buffer], buffer
end

function M.ask()
  local state, buffer = state_here()
  if state and state.is_on then
    ask(buffer, requests.INVOKED)
  end
end

local function insert(buffer, text)
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  local lines = vim.split(text, '\n', { plain = true })
  vim.api.nvim_buf_set_text(buffer, row - 1, col, row - 1, col, lines)
  vim.api.nvim_win_set_cursor(0, { row + #lines - 1, (#lines == 1 and col or 0) + #lines[#lines] })
end

function M.accept(piece)
  local state, buffer = state_here()
  local text = state and text_here(state)
  if not text or vim.fn.pumvisible() == 1 then
    return false
  end
  local item, part = state.items[state.index], piece(text)
  require('midspan.undo').as_one_step(buffer, function()
    insert(buffer, part)
  end)
  if #part < #text then
    requests.report_part(state.client, buffer, item.command, item.insertText, text, part)
    show(buffer)
  else
    forget(buffer)
    requests.report_accepted(state.client, buffer, item.command)
  end
end

function M.select(count)
  local state, buffer = state_here()
  if not state or not text_here(state) then
    return false
  end
  state.index = (state.index - 1 + count) % #state.items + 1
  show(buffer)
end

function M.dismiss()
  local state, buffer = state_here()
  if not state or not text_here(state) then
    return false
  end
  forget(buffer)
  require('midspan.next_edit').ghost_changed()
end

return M
