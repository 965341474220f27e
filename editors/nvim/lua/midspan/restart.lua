--- Stops the relay and starts another for the same buffers. The daemon and its models keep running.
local WAIT_MS = 5000

local function all_stopped(clients)
  return vim.iter(clients):all(function(client)
    return client.rpc.is_closing() -- Neovim calls a client stopped as soon as it is asked to stop
  end)
end

return function()
  local clients = require('midspan.server').clients()
  for _, client in ipairs(clients) do
    client:stop()
  end
  local ended = vim.wait(WAIT_MS, function()
    return all_stopped(clients)
  end, 20)
  if not ended then
    for _, client in ipairs(clients) do
      client.rpc.terminate()
    end
  end
  vim.lsp.enable(require('midspan').options.client_name)
end
