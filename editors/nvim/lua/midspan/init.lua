--- Midspan in Neovim 0.12: starts the server and gives its grey text a key.
local M = {}

local ACCEPT_MS = 1000 -- a bound only; it takes one turn of the event loop

--- What `setup` changes; README.md says what each means.
local defaults = {
  cmd = { 'midspan', 'serve' },
  filetypes = {
    'c', 'cpp', 'go', 'java', 'javascript', 'javascriptreact', 'lua', 'python', 'rust', 'sh', 'typescript',
    'typescriptreact',
  },
  root_markers = { '.git' },
  accept_key = '<Tab>',
  settings = {},
}

--- The mapping that a key has in every buffer, if it has one.
local function global_mapping(key)
  for _, mapping in ipairs(vim.api.nvim_get_keymap('i')) do
    if vim.keycode(mapping.lhs) == vim.keycode(key) then
      return mapping
    end
  end
end

--- Does what the key would do without Midspan: its global mapping (snippets, a completion plugin), or itself.
local function press(key)
  local mapping = global_mapping(key)
  if not mapping then
    vim.api.nvim_feedkeys(vim.keycode(key), 'ni', false)
    return
  end
  local keys = mapping.rhs
  if mapping.callback then
    keys = mapping.callback()
  elseif mapping.expr == 1 then
    keys = vim.api.nvim_eval(mapping.rhs)
  end
  if not keys or (mapping.callback and mapping.expr ~= 1) then
    return -- the callback did its work
  end
  if mapping.expr ~= 1 or mapping.replace_keycodes == 1 then
    keys = vim.keycode(keys)
  end
  vim.api.nvim_feedkeys(keys, mapping.noremap == 1 and 'ni' or 'mi', false)
end

--- What is left of an item at the cursor, or nil when something else was typed since it was asked for.
---
--- Neovim keeps an item while one types on, and would insert all of it where it began.
local function rest_of(item)
  local start_row, start_col = item.range:to_extmark()
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  row = row - 1
  if row < start_row or (row == start_row and col < start_col) then
    return nil
  end
  local found, lines = pcall(vim.api.nvim_buf_get_text, 0, start_row, start_col, row, col, {})
  local typed = found and table.concat(lines, '\n')
  if not typed or not vim.startswith(item.insert_text, typed) or #typed == #item.insert_text then
    return nil
  end
  local cursor = { line = row, character = col }
  item.insert_text = item.insert_text:sub(#typed + 1)
  item.range = vim.range.lsp(0, { start = cursor, ['end'] = cursor }, 'utf-8')
  return item
end

--- Accepts the grey text. `otherwise` is called when it no longer fits what was typed.
--- Returns false, and does nothing, when there is none or a completion menu is open. For mappings of your own.
function M.accept(otherwise)
  if vim.fn.pumvisible() == 1 then
    return false
  end
  return vim.lsp.inline_completion.get({
    on_accept = function(item)
      local rest = rest_of(item)
      if not rest and otherwise then
        otherwise()
      end
      return rest
    end,
  })
end

local function map_accept(key, buffer)
  local function accept_or_press()
    local function as_before()
      press(key)
    end
    if not M.accept(as_before) then
      as_before()
      return
    end
    -- Neovim accepts at its next turn. Keys that have been typed already come after that.
    local accepted = false
    vim.schedule(function()
      accepted = true
    end)
    vim.wait(ACCEPT_MS, function()
      return accepted
    end, 1)
  end
  vim.keymap.set('i', key, accept_or_press, { buffer = buffer, desc = 'Midspan: accept the grey text' })
end

--- Starts Midspan in the buffers of its file types, those that are open already too.
function M.setup(options)
  if vim.fn.has('nvim-0.12') == 0 then
    vim.notify('Midspan needs Neovim 0.12 or newer', vim.log.levels.ERROR)
    return
  end
  M.options = vim.tbl_extend('force', defaults, options or {})
  vim.lsp.config('midspan', {
    cmd = M.options.cmd,
    filetypes = M.options.filetypes,
    root_markers = M.options.root_markers,
    init_options = next(M.options.settings) and M.options.settings or vim.empty_dict(),
  })
  vim.api.nvim_create_autocmd('LspAttach', {
    group = vim.api.nvim_create_augroup('midspan', {}),
    callback = function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if not client or client.name ~= 'midspan' then
        return
      end
      vim.lsp.inline_completion.enable(true, { bufnr = event.buf })
      if M.options.accept_key then
        map_accept(M.options.accept_key, event.buf)
      end
    end,
  })
  vim.lsp.enable('midspan')
end

return M
