--- Next edits: what follows from the user's last changes, shown as a diff. One key jumps to it and then accepts it.
local edit_change = require('midspan.edit_change')
local view = require('midspan.edit_view')

local M = {}

M.METHOD = 'midspan/nextEdit'

local DISMISS = 'midspan.dismissNextEdit'
local PAUSE_MS = 100 -- without a key before a request; the server waits longer
local BESIDE_LINES = 5 -- a cursor move this close to the last change requests too
local INVOKED, AUTOMATIC = 1, 2

--- The next edit, its change when it came, and the client that sent it; nil when there is none.
local current
--- The pending request: its client and id; nil when there is none.
local pending
local timer = assert(vim.uv.new_timer())
--- By buffer: the row of the last change by the user.
local changed_rows = {}
--- By buffer: the tick after the last acceptance, which is no change by the user.
local accepted_ticks = {}
--- The place of an edit that is not on the screen, in words, or "".
local where = ''

--- Returns the buffer's client, if its server knows next edits and no other plugin shows them: sidekick.nvim shows those
--- of clients with "copilot" in their names.
local function client_of(buffer)
  local client = require('midspan.server').clients(buffer)[1]
  local is_ours = client and not client.name:lower():find('copilot', 1, true)
  return is_ours and vim.tbl_get(client.server_capabilities, 'experimental', 'midspan', 'nextEdit') and client or nil
end

local function is_typing_or_reading()
  local mode = vim.api.nvim_get_mode().mode
  return mode == 'n' or vim.startswith(mode, 'i')
end

--- Returns the change that is to be shown now, or nil. Ghost text at the cursor and a menu go first.
local function change_here()
  local buffer = vim.api.nvim_get_current_buf()
  if not current or not is_typing_or_reading() or vim.fn.pumvisible() == 1 then
    return nil
  end
  if not client_of(buffer) or not require('midspan.switch').is_on(buffer) then
    return nil
  end
  if require('midspan.ghost').is_shown(buffer) then
    return nil
  end
  local change = current.change
  if edit_change.buffer(current.edit) then
    change = edit_change.of(current.edit, current.client.offset_encoding)
  end
  if not change or not vim.deep_equal(change.olds, current.change.olds) then
    return nil
  end
  edit_change.locate(change, current.edit)
  return change
end

--- Draws the edit as it stands beside the cursor now, or removes it.
function M.refresh()
  local change = change_here()
  local before = where
  where = change and change.where or ''
  if change then
    view.draw(change, require('midspan').options.keys.next_edit or '', current.edit.why)
    if not current.is_reported then
      current.is_reported = true
      current.client:notify('textDocument/didShowInlineEdit', { item = current.edit })
    end
  else
    view.clear()
  end
  if where ~= before then
    vim.cmd.redrawstatus()
  end
end

--- Returns the place of an edit that is not on the screen for the statusline, or "".
function M.where()
  return where
end

local function end_request()
  timer:stop()
  if pending then
    pending.client:cancel_request(pending.id)
    pending = nil
  end
end

local function forget()
  end_request()
  current = nil
  M.refresh()
end

local function take(client, edits)
  for _, edit in ipairs(edits) do
    local change = edit_change.of(edit, client.offset_encoding)
    if change then
      current = { client = client, edit = edit, change = change }
      break
    end
  end
  M.refresh()
end

local function params_of(client, buffer, kind)
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  local near = vim.tbl_filter(function(diagnostic)
    return math.abs(diagnostic.lnum - params.position.line) <= 2 * BESIDE_LINES
  end, vim.diagnostic.get(buffer))
  params.textDocument.version = vim.lsp.util.buf_versions[buffer]
  params.context = { triggerKind = kind, diagnostics = vim.lsp.diagnostic.from(near) }
  return params
end

local function ask(kind)
  end_request()
  local buffer = vim.api.nvim_get_current_buf()
  local client = client_of(buffer)
  if not client or not require('midspan.switch').is_on(buffer) then
    return
  end
  local this = { client = client }
  local sent
  sent, this.id = client:request(M.METHOD, params_of(client, buffer, kind), function(err, result)
    if pending ~= this then
      return -- a newer request is pending
    end
    pending = nil
    if not err and result and vim.api.nvim_get_current_buf() == buffer then
      take(client, result.edits or {})
    end
  end, buffer)
  pending = sent and this or nil
end

local function ask_soon()
  timer:start(PAUSE_MS, 0, vim.schedule_wrap(function()
    if is_typing_or_reading() then
      ask(AUTOMATIC)
    end
  end))
end

local function on_change(buffer)
  if accepted_ticks[buffer] ~= vim.api.nvim_buf_get_changedtick(buffer) then
    changed_rows[buffer] = vim.api.nvim_win_get_cursor(0)[1]
    forget()
    ask_soon()
  end
end

local function on_move(buffer)
  M.refresh()
  local changed = changed_rows[buffer]
  if changed and not current and not pending then
    local distance = math.abs(vim.api.nvim_win_get_cursor(0)[1] - changed)
    if distance > 0 and distance <= BESIDE_LINES then
      ask_soon()
    end
  end
end

local function on_enter(buffer)
  local client = client_of(buffer)
  if client then
    client:notify('textDocument/didFocus', { textDocument = { uri = vim.uri_from_bufnr(buffer) } })
  end
  M.refresh()
end

--- Requests again where the server may have had a reason to answer nothing, and has it no more.
local function ask_again(buffer)
  if changed_rows[buffer] and not current and buffer == vim.api.nvim_get_current_buf() then
    ask_soon()
  end
end

--- Follows the ghost text, which was answered or dismissed.
function M.ghost_changed()
  local buffer = vim.api.nvim_get_current_buf()
  M.refresh()
  if not require('midspan.ghost').is_shown(buffer) then
    ask_again(buffer)
  end
end

--- Shows next edits of the buffer from now on.
function M.attach(buffer)
  local group = vim.api.nvim_create_augroup('midspan.next_edit.' .. buffer, {})
  local function on(events, callback)
    vim.api.nvim_create_autocmd(events, {
      group = group,
      buffer = buffer,
      callback = function()
        callback(buffer)
      end,
    })
  end
  on({ 'TextChanged', 'TextChangedI', 'TextChangedP' }, on_change)
  on({ 'CursorMoved', 'CursorMovedI' }, on_move)
  local others = { 'InsertEnter', 'InsertLeave', 'ModeChanged', 'BufLeave', 'CompleteDone', 'WinScrolled' }
  on(others, vim.schedule_wrap(M.refresh))
  on('BufEnter', on_enter)
  on('DiagnosticChanged', ask_again)
  on('BufUnload', function()
    changed_rows[buffer], accepted_ticks[buffer] = nil, nil
  end)
  if buffer == vim.api.nvim_get_current_buf() then
    on_enter(buffer)
  end
end

--- Requests next edits now.
function M.ask()
  ask(INVOKED)
end

local function jump(change)
  local edit = current.edit
  local place = { uri = edit.textDocument.uri, range = { start = edit.range.start, ['end'] = edit.range.start } }
  local shown, problem = pcall(vim.lsp.util.show_document, place, current.client.offset_encoding)
  if not shown then
    return vim.notify('Midspan: ' .. problem, vim.log.levels.WARN)
  end
  edit_change.go(change)
  M.refresh()
end

--- Tells the server that the edit was accepted or, by the command DISMISS, dismissed.
local function report(accepted, buffer, name)
  local command = accepted.edit.command
  accepted.client:exec_cmd(
    { title = command.title, command = name or command.command, arguments = command.arguments },
    { bufnr = buffer }
  )
end

local function apply(change)
  local accepted, buffer = current, change.buffer
  current = nil
  end_request()
  edit_change.apply(change, accepted.edit, accepted.client.offset_encoding)
  accepted_ticks[buffer] = vim.api.nvim_buf_get_changedtick(buffer)
  M.refresh()
  report(accepted, buffer)
  ask(AUTOMATIC)
end

--- Jumps to the next edit, or accepts it when the cursor is there. Returns false when none is shown.
function M.accept()
  local change = change_here()
  if not change then
    return false
  end
  (change.place == 'here' and apply or jump)(change)
end

--- Dismisses the next edit. Returns false when none is shown.
function M.dismiss()
  if not change_here() then
    return false
  end
  report(current, vim.api.nvim_get_current_buf(), DISMISS)
  forget()
end

return M
