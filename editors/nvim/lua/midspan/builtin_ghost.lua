--- Ghost text by vim.lsp.inline_completion, for Neovim 0.12 or newer.
local requests = require('midspan.requests')
local rest = require('midspan.rest')
local undo = require('midspan.undo')

local M = {}

local ACCEPT_MS = 1000 -- an upper bound; acceptance takes one turn of the event loop
local NAMESPACE = 'nvim.lsp.inline_completion'

--- By buffer: the client, the items of the last answer, what stood around the cursor when they were asked for, Neovim's
--- own handler of answers, and whether a user has asked before Neovim did.
local buffers = {}

local function fits(state)
  for _, item in ipairs(state.items) do
    if rest.of_item(item, state.client.offset_encoding, state.around) then
      return true
    end
  end
  return false
end

local function clear(buffer)
  vim.api.nvim_buf_clear_namespace(buffer, vim.api.nvim_create_namespace(NAMESPACE), 0, -1)
end

--- Hides an item that does not fit the typed text: Neovim would show it until the next answer.
local function hide_stale(buffer)
  local state = buffers[buffer]
  if state and not fits(state) then
    clear(buffer)
  end
end

--- Wraps the client's requests, so that Neovim's handler gets no item that does not fit the text any more.
local function watch(client)
  local request = client.request
  if rawget(client, 'midspan_is_watched') then
    return
  end
  client.midspan_is_watched = true
  client.request = function(self, method, params, handler, buffer)
    local state = method == requests.METHOD and handler and buffers[vim._resolve_bufnr(buffer or 0)]
    if not state then
      return request(self, method, params, handler, buffer)
    end
    state.handler = handler
    if state.is_asked then
      state.is_asked, params.context.triggerKind = false, requests.INVOKED
    end
    local around = rest.around()
    return request(self, method, params, function(err, result, context, ...)
      if result and vim.api.nvim_get_current_buf() == context.bufnr then
        state.items, state.around = result.items or {}, around
        if not fits(state) then
          state.items = {}
          result = { items = {} }
        end
      end
      handler(err, result, context, ...)
      require('midspan.next_edit').ghost_changed()
    end, buffer)
  end
end

local function group_name(buffer)
  return 'midspan.ghost.' .. buffer
end

--- Returns whether our autocommand runs after that of Neovim, which shows the item again wherever the cursor is.
local function runs_last(buffer)
  local is_ours = false
  for _, command in ipairs(vim.api.nvim_get_autocmds({ event = 'CursorMovedI', buffer = buffer })) do
    if command.group_name == group_name(buffer) then
      is_ours = true
    elseif vim.startswith(command.group_name or '', NAMESPACE) then
      is_ours = false
    end
  end
  return is_ours
end

--- Hides stale items whenever the cursor or the text moves, after Neovim has shown them.
local function follow_cursor(buffer)
  local group = vim.api.nvim_create_augroup(group_name(buffer), {})
  vim.api.nvim_create_autocmd({ 'InsertEnter', 'CursorMovedI', 'TextChangedI', 'TextChangedP' }, {
    group = group,
    buffer = buffer,
    callback = function()
      hide_stale(buffer)
      -- Neovim makes its autocommands anew when the buffer is read again, or ghost text is turned on again.
      if not runs_last(buffer) then
        follow_cursor(buffer)
        vim.schedule(function()
          hide_stale(buffer)
        end)
      end
    end,
  })
  vim.api.nvim_create_autocmd('BufWipeout', {
    group = group,
    buffer = buffer,
    callback = function()
      buffers[buffer] = nil
    end,
  })
end

function M.attach(client, buffer)
  buffers[buffer] = { client = client, items = {} }
  watch(client)
  M.switch(buffer, true)
end

function M.switch(buffer, on)
  vim.lsp.inline_completion.enable(on, { bufnr = buffer })
  follow_cursor(buffer)
end

local function state_here()
  local buffer = vim.api.nvim_get_current_buf()
  return buffers[buffer], buffer
end

--- Has Neovim make its first request, which brings its handler.
local function ask_first(buffer)
  for _, command in ipairs(vim.api.nvim_get_autocmds({ event = 'CursorMovedI', buffer = buffer })) do
    if vim.startswith(command.group_name or '', NAMESPACE) then
      vim.api.nvim_exec_autocmds('CursorMovedI', { group = command.group, buffer = buffer })
    end
  end
end

function M.ask()
  local state, buffer = state_here()
  if state and state.handler then
    requests.request_items(state.client, buffer, requests.INVOKED, state.handler)
  elseif state then
    state.is_asked = true
    ask_first(buffer)
  end
end

--- Returns the item with only `piece` of its rest, at the cursor, and whether more is left. Neovim keeps an item while
--- the user types its text, and would insert the whole item where it began.
local function item_for(item, piece)
  local state, buffer = state_here()
  local row, col = item.range:to_extmark()
  local text = rest.at_cursor(item.insert_text, row, col, state.around)
  if not text then
    return nil
  end
  local part = piece(text)
  local cursor_row, cursor_col = unpack(vim.api.nvim_win_get_cursor(0))
  local cursor = { line = cursor_row - 1, character = cursor_col }
  local is_part = #part < #text
  if is_part then
    state.items = vim.tbl_filter(function(candidate)
      return candidate.insertText == item.insert_text
    end, state.items)
    requests.report_part(state.client, buffer, item.command, item.insert_text, text, part)
    item.command = nil
  end
  item.insert_text = part
  item.range = vim.range.lsp(0, { start = cursor, ['end'] = cursor }, 'utf-8')
  return item, is_part
end

--- Shows the rest of an item of which a part was accepted: Neovim would show none until the next answer, and the next
--- key may come before that.
local function show_rest()
  local state = state_here()
  if fits(state) then
    state.handler(nil, { items = state.items }, { client_id = state.client.id })
  end
end

function M.accept(piece, otherwise)
  if vim.fn.pumvisible() == 1 then
    return false
  end
  local part, is_part
  local is_shown = vim.lsp.inline_completion.get({
    on_accept = function(item)
      part, is_part = item_for(item, piece)
      if not part then
        otherwise()
        return nil
      end
      undo.begin_step(0)
      return part
    end,
  })
  if is_shown then
    -- Neovim accepts at its next turn. The wait keeps keys that are already typed behind that.
    local accepted = false
    vim.schedule(function()
      accepted = true
    end)
    vim.wait(ACCEPT_MS, function()
      return accepted
    end, 1)
    if is_part then
      show_rest()
    end
    undo.begin_step(0)
  end
  return is_shown
end

function M.is_shown(buffer)
  return #vim.api.nvim_buf_get_extmarks(buffer, vim.api.nvim_create_namespace(NAMESPACE), 0, -1, { limit = 1 }) > 0
end

function M.select(count)
  if not M.is_shown(0) then
    return false
  end
  vim.lsp.inline_completion.select({ count = count })
end

function M.dismiss()
  local state, buffer = state_here()
  if not state or not M.is_shown(buffer) then
    return false
  end
  vim.lsp.inline_completion.get({
    on_accept = function()
      return nil -- Neovim has removed the item
    end,
  })
  vim.schedule(require('midspan.next_edit').ghost_changed)
end

return M
