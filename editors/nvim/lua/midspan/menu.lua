--- What becomes of Midspan's code actions that are chosen in Neovim's own menu, or in another plugin's.
local M = {}

local RESOLVE = 'codeAction/resolve'

--- Returns an error with our name in place of its code: Neovim shows the code before the message.
local function named(err)
  return err and vim.tbl_extend('force', err, { code = 'Midspan' })
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
    return request(self, method, params, function(err, ...)
      handler(named(err), ...)
    end, buffer)
  end
end

return M
