--- A proposed edit beside the text that it changes, as Neovim's diff; <CR> takes it, q does not.
local M = {}

--- The buffer's lines as they would be: `range` (LSP, whole lines) replaced by `text`.
local function changed_lines(buffer, first, last, text)
  local lines = vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
  local new = vim.split((text:gsub('\n$', '')), '\n', { plain = true })
  return vim.list_extend(vim.list_extend(vim.list_slice(lines, 1, first), new), lines, last + 2)
end

local function refuse(message)
  vim.notify('Midspan: ' .. message, vim.log.levels.WARN)
end

--- Shows it. `answer` has `edit`, `text` and its `range`, as midspan/edit gives them; `first` and `last` are the lines
--- that were asked about, from 0. The server may have changed more than these to fix something.
function M.show(client, buffer, first, last, answer)
  if answer.range then
    local start, stop = answer.range.start, answer.range['end']
    first, last = start.line, stop.character == 0 and stop.line > start.line and stop.line - 1 or stop.line
  end
  local tick = vim.api.nvim_buf_get_changedtick(buffer)
  local window = vim.fn.bufwinid(buffer)
  if window == -1 then
    return refuse('the file is in no window any more; nothing was changed')
  end
  vim.api.nvim_set_current_win(window)
  local proposed, beside = require('midspan.page').open('edit', changed_lines(buffer, first, last, answer.text))
  vim.bo[proposed].filetype = vim.bo[buffer].filetype
  vim.bo[proposed].modifiable = false
  vim.api.nvim_win_call(window, vim.cmd.diffthis)
  vim.api.nvim_win_call(beside, vim.cmd.diffthis)

  local function close()
    vim.api.nvim_win_call(window, vim.cmd.diffoff)
    vim.api.nvim_buf_delete(proposed, { force = true })
  end
  local function accept()
    local is_same = vim.api.nvim_buf_get_changedtick(buffer) == tick
    close()
    if not is_same then
      return refuse('the file has changed since; nothing was changed')
    end
    vim.lsp.util.apply_workspace_edit(answer.edit, client.offset_encoding)
  end
  vim.keymap.set('n', '<CR>', accept, { buffer = proposed, desc = 'Midspan: take the edit' })
  vim.keymap.set('n', 'q', close, { buffer = proposed, desc = 'Midspan: leave the text as it is' })
  vim.notify('<CR> takes the edit, q leaves the text as it is')
end

return M
