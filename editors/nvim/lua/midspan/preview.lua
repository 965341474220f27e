--- A proposed edit beside its file, as Neovim's diff; <CR> applies the edit, q rejects it.
local M = {}

local function refuse(message)
  vim.notify('Midspan: ' .. message, vim.log.levels.WARN)
end

--- Shows an edit. `answer` has `edit`, and the new `text` of its `range`, as the result of midspan/edit.
function M.show(client, buffer, answer)
  local tick = vim.api.nvim_buf_get_changedtick(buffer)
  local window = vim.fn.bufwinid(buffer)
  if window == -1 then
    return refuse('the edit was not applied, because its file is not in a window any more')
  end
  vim.api.nvim_set_current_win(window)
  local lines = vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
  local page = require('midspan.page')
  page.delete('edit') -- one that was left without an answer
  local proposed, beside = page.open('edit', lines)
  local whole = { range = answer.range, newText = answer.text }
  vim.lsp.util.apply_text_edits({ whole }, proposed, client.offset_encoding)
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
      return refuse('the edit was not applied, because the file has changed since')
    end
    vim.lsp.util.apply_workspace_edit(answer.edit, client.offset_encoding)
  end
  vim.keymap.set('n', '<CR>', accept, { buffer = proposed, desc = 'Midspan: apply the edit' })
  vim.keymap.set('n', 'q', close, { buffer = proposed, desc = 'Midspan: reject the edit' })
  vim.notify('<CR> applies the edit, q rejects it')
end

return M
