--- Steps of undo.
local M = {}

--- Begins a new step of undo, also while the user inserts.
function M.begin_step(buffer)
  vim.bo[buffer].undolevels = vim.bo[buffer].undolevels
end

--- Makes a change as one step of undo.
function M.as_one_step(buffer, change)
  M.begin_step(buffer)
  change()
  M.begin_step(buffer)
end

return M
