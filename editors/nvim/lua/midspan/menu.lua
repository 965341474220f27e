--- What becomes of Midspan's code actions that are chosen in Neovim's own menu, or in another plugin's.
local M = {}

M.SHOW = 'midspan.showEdit' -- a command of this plugin's: the server does not know it

local RESOLVE = 'codeAction/resolve'

--- Returns an error with our name in place of its code: Neovim shows the code before the message.
local function named(err)
  return err and vim.tbl_extend('force', err, { code = 'Midspan' })
end

--- Returns the action with a command that shows the file, where its edit is of another file than the buffer's.
local function shown(action, buffer)
  local beside = require('midspan.beside')
  if action and action.edit and beside.target(action.edit) ~= vim.uri_from_bufnr(buffer) then
    action.command = { title = action.title, command = M.SHOW, arguments = { action.edit } }
  end
  return action
end

--- Wraps the client's requests that ask for an action's edit.
function M.watch(client)
  if rawget(client, 'midspan_resolves') then
    return
  end
  client.midspan_resolves = true
  local request = client.request
  client.request = function(self, method, params, handler, buffer)
    if method ~= RESOLVE or not handler then
      return request(self, method, params, handler, buffer)
    end
    return request(self, method, params, function(err, action, ...)
      handler(named(err), shown(action, vim._resolve_bufnr(buffer)), ...)
    end, buffer)
  end
end

--- The command: shows the file of an edit that Neovim has applied.
function M.show(command)
  require('midspan.beside').show(command.arguments[1])
end

return M
