--- Turns completion off and on, everywhere or for one file type, as long as this Neovim runs.
local M = {}

local is_off = false
local off_filetypes = {}

function M.is_on(buffer)
  return not is_off and not off_filetypes[vim.bo[buffer].filetype]
end

--- Switches completion in a session of a server, for one file type, or for all without one.
local function set(client, enabled, filetype)
  local language = filetype and client.get_language_id(0, filetype)
  client:exec_cmd({
    title = '',
    command = 'midspan.setCompletion',
    arguments = { { enabled = enabled, language = language } },
  })
end

--- Toggles completion for a file type, or for all without one. Notifies the user, and returns whether it is on.
function M.toggle(filetype)
  local enabled
  if filetype then
    enabled = off_filetypes[filetype] == true
    off_filetypes[filetype] = not enabled or nil
  else
    enabled = is_off
    is_off = not enabled
  end
  for _, client in ipairs(require('midspan.server').clients()) do
    set(client, enabled, filetype)
    for buffer in pairs(client.attached_buffers) do
      require('midspan.ghost').switch(buffer, M.is_on(buffer))
    end
  end
  require('midspan.status').ask_about_shown()
  require('midspan.next_edit').refresh()
  vim.notify(('Midspan is %s%s'):format(enabled and 'on' or 'off', filetype and (' for ' .. filetype) or ''))
  vim.cmd.redrawstatus({ bang = true })
  return enabled
end

--- Tells a new server where completion is off, so that its status is right and its models get no requests.
function M.tell(client)
  if is_off then
    set(client, false)
  end
  for filetype in pairs(off_filetypes) do
    set(client, false, filetype)
  end
end

return M
