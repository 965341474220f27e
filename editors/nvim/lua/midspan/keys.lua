--- Keys of insert mode. A key for which Midspan has nothing to do does what it did before.
local M = {}

--- Returns the global mapping of a key, or nil.
local function global_mapping(key)
  for _, mapping in ipairs(vim.api.nvim_get_keymap('i')) do
    if vim.keycode(mapping.lhs) == vim.keycode(key) then
      return mapping
    end
  end
end

--- Does what the key does without Midspan: its global mapping (snippets, a completion plugin), or the key itself.
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
    return -- the callback has done everything
  end
  if mapping.expr ~= 1 or mapping.replace_keycodes == 1 then
    keys = vim.keycode(keys)
  end
  vim.api.nvim_feedkeys(keys, mapping.noremap == 1 and 'ni' or 'mi', false)
end

--- Maps a key in a buffer. `act(otherwise)` returns false if it does nothing; if that turns out later, it calls
--- `otherwise`.
function M.map(key, buffer, act, description)
  local function otherwise()
    press(key)
  end
  vim.keymap.set('i', key, function()
    if act(otherwise) == false then
      otherwise()
    end
  end, { buffer = buffer, desc = 'Midspan: ' .. description })
end

return M
