--- Actions on code: filling holes, edits by instruction, and answers about a range.
local M = {}

local function fail(err)
  vim.notify('Midspan: ' .. err.message, vim.log.levels.ERROR)
end

--- Announces a request, and maps <C-c> to `stop`. Returns a function to call when the request has ended.
local function in_progress(what, stop)
  vim.notify(('Midspan %s; stop it with <C-c>'):format(what))
  local buffer = vim.api.nvim_get_current_buf()
  vim.keymap.set('n', '<C-c>', stop, { buffer = buffer, desc = 'Midspan: stop' })
  return function()
    pcall(vim.keymap.del, 'n', '<C-c>', { buffer = buffer })
  end
end

--- Runs the code action of this kind at the cursor, if the server offers it.
function M.apply(kind)
  vim.lsp.buf.code_action({ context = { only = { kind }, diagnostics = {} }, apply = true })
end

local function preview(client, buffer)
  return function(err, answer)
    if err then
      return fail(err)
    end
    require('midspan.preview').show(client, buffer, answer)
  end
end

--- Returns the parameters without a version: Neovim sends pending changes before the request.
local function params_of(client, call)
  return { textDocument = { uri = vim.uri_from_bufnr(0) }, range = require('midspan.server').range_of(client, call) }
end

--- Edits the lines by the instruction, shown as a diff first. Asks the user for an empty instruction.
function M.edit(instruction, call)
  local client = require('midspan.server').client()
  if not client then
    return
  end
  if instruction == '' then
    vim.ui.input({ prompt = 'Midspan edit: ' }, function(typed)
      if typed and typed ~= '' then
        M.edit(typed, call)
      end
    end)
    return
  end
  local params = params_of(client, call)
  params.instruction = instruction
  local show, done = preview(client, vim.api.nvim_get_current_buf()), nil
  local stop = require('midspan.server').stream(client, 'midspan/edit', params, function() end, function(...)
    done()
    show(...)
  end)
  done = in_progress('edits', stop)
end

--- Returns the diagnostics in the lines of a command, in the form of the protocol.
local function diagnostics_of(call)
  local first, last = call.line1 - 1, call.line2 - 1
  local found = vim.iter(vim.diagnostic.get(0)):filter(function(diagnostic)
    return diagnostic.lnum <= last and (diagnostic.end_lnum or diagnostic.lnum) >= first
  end)
  return vim.lsp.diagnostic.from and vim.lsp.diagnostic.from(found:totable()) or {}
end

local stops = {} -- by the kind of a page, what stops the answer on it

local function stream_page(client, kind, params)
  local older = stops[kind]
  stops[kind] = nil
  if older then
    older()
  end
  local buffer = require('midspan.page').open(kind, { '' }, 'markdown')
  local stop
  stop = require('midspan.server').stream(client, 'midspan/answer', params, function(piece)
    if vim.api.nvim_buf_is_loaded(buffer) then
      require('midspan.page').append(buffer, piece)
    else
      stop()
    end
  end, function(err)
    local is_last = stops[kind] == stop
    if is_last then
      stops[kind] = nil
    end
    if err and is_last then
      fail(err)
    end
  end)
  stops[kind] = stop
  vim.keymap.set('n', '<C-c>', stop, { buffer = buffer, desc = 'Midspan: stop' })
end

--- Explains or reviews the lines on a page, writes tests of them, or proposes a fix of their diagnostics.
function M.answer(kind, call)
  local client = require('midspan.server').client()
  if not client then
    return
  end
  local params = params_of(client, call)
  params.kind = kind
  if kind == 'explain' or kind == 'review' then
    return stream_page(client, kind, params)
  end
  params.diagnostics = diagnostics_of(call)
  local show, done = preview(client, vim.api.nvim_get_current_buf()), nil
  local stop = require('midspan.server').stream(client, 'midspan/answer', params, function() end, function(err, answer)
    done()
    if err or kind == 'fix' then
      return show(err, answer)
    end
    vim.lsp.util.apply_workspace_edit(answer.edit, client.offset_encoding)
    require('midspan.beside').show(answer.edit)
  end)
  done = in_progress(kind == 'fix' and 'looks for a fix' or 'writes tests', stop)
end

return M
