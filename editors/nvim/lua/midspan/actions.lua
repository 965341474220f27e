--- Actions on code: holes that are filled, edits by instruction, and answers about a range.
local M = {}

local function fail(err)
  vim.notify('Midspan: ' .. err.message, vim.log.levels.ERROR)
end

--- Shows that something goes on until it has ended; the keys <C-c> end it.
local function in_progress(what, stop)
  vim.notify(('Midspan %s; <C-c> stops it'):format(what))
  local buffer = vim.api.nvim_get_current_buf()
  vim.keymap.set('n', '<C-c>', stop, { buffer = buffer, desc = 'Midspan: stop' })
  return function()
    pcall(vim.keymap.del, 'n', '<C-c>', { buffer = buffer })
  end
end

--- Runs the code action of this kind at the cursor, if there is one.
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

--- No version: changes that Neovim has yet to send go out with the request, and count.
local function params_of(client, call)
  return { textDocument = { uri = vim.uri_from_bufnr(0) }, range = require('midspan.server').range_of(client, call) }
end

--- Edits the lines as the instruction says, shown as a diff first. Without an instruction the user is asked for one.
function M.edit(instruction, call)
  local client = require('midspan.server').client()
  if not client then
    return
  end
  if instruction == '' then
    vim.ui.input({ prompt = 'Midspan edit: ' }, function(said)
      if said and said ~= '' then
        M.edit(said, call)
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

--- Diagnostics that touch the lines of a command, as the server sends and takes them.
local function diagnostics_of(call)
  local first, last = call.line1 - 1, call.line2 - 1
  local found = vim.iter(vim.diagnostic.get(0)):filter(function(diagnostic)
    return diagnostic.lnum <= last and (diagnostic.end_lnum or diagnostic.lnum) >= first
  end)
  return vim.lsp.diagnostic.from and vim.lsp.diagnostic.from(found:totable()) or {}
end

local function stream_page(client, kind, params)
  local buffer = require('midspan.page').open(kind, { '' }, 'markdown')
  local stop
  stop = require('midspan.server').stream(client, 'midspan/answer', params, function(piece)
    if vim.api.nvim_buf_is_valid(buffer) then
      require('midspan.page').append(buffer, piece)
    else
      stop()
    end
  end, function(err)
    if err then
      fail(err)
    end
  end)
  vim.keymap.set('n', '<C-c>', stop, { buffer = buffer, desc = 'Midspan: stop' })
end

--- Explains or reviews the lines on a page, or proposes tests for them or a fix of their diagnostics.
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
  end)
  done = in_progress(kind == 'fix' and 'looks for a fix' or 'writes tests', stop)
end

return M
