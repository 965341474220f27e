--- Keys in a buffer. A key for which Midspan has nothing to do does what it did before.
local M = {}

--- Returns the global mapping of a key, or nil.
local function global_mapping(mode, key)
  for _, mapping in ipairs(vim.api.nvim_get_keymap(mode)) do
    if vim.keycode(mapping.lhs) == vim.keycode(key) then
      return mapping
    end
  end
end

--- Does what the key does without Midspan: its global mapping (snippets, a completion plugin), or the key itself.
local function press(mode, key)
  local mapping = global_mapping(mode, key)
  local count = mode == 'n' and vim.v.count > 0 and tostring(vim.v.count) or ''
  if not mapping then
    vim.api.nvim_feedkeys(count .. vim.keycode(key), 'ni', false)
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
  vim.api.nvim_feedkeys(count .. keys, mapping.noremap == 1 and 'ni' or 'mi', false)
end

--- Does the first of the acts from `index` on that does something, or what the key does without Midspan.
local function try(acts, index, mode, key)
  local function otherwise()
    try(acts, index + 1, mode, key)
  end
  if not acts[index] then
    press(mode, key)
  elseif acts[index](otherwise) == false then
    otherwise()
  end
end

--- Maps a key of a mode in a buffer to acts, which are tried in order. `act(otherwise)` returns false if it does
--- nothing; if that turns out later, it calls `otherwise`.
function M.map(mode, key, buffer, acts, description)
  vim.keymap.set(mode, key, function()
    try(acts, 1, mode, key)
  end, { buffer = buffer, desc = 'Midspan: ' .. description })
end

return M
