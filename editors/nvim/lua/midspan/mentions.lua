--- Completes "@" in a question with the files, folders and symbols that it may name, as the user types.
local M = {}

local KINDS = { file = 'f', folder = 'd', symbol = 's' }
-- "@" where a word begins, and the letters behind it.
local MENTION = vim.regex([[\(^\|[^[:alnum:]_@/.\\]\)\zs@\(\(file\|folder\|symbol\):\)\?\("[^"]*\|[[:alnum:]_./\\#$~+-]*\)$]])

--- Returns what is typed behind the "@" before the cursor, and the byte column of the "@", from 0.
local function typed()
  local before = vim.api.nvim_get_current_line():sub(1, vim.api.nvim_win_get_cursor(0)[2])
  local start = MENTION:match_str(before)
  if start then
    return before:sub(start + 2), start
  end
end

local function as_words(items)
  return vim.tbl_map(function(item)
    local place = item.line and ('%s:%d'):format(item.path, item.line + 1) or item.path
    -- The server has found what is like the typed letters; Neovim would keep only what begins with them.
    return { word = item.insert, abbr = item.name, menu = place, kind = KINDS[item.kind], equal = 1 }
  end, items)
end

local function params_of(query)
  return { query = query, textDocument = require('midspan.source').document() }
end

--- The omnifunc of a page.
function M.omnifunc(findstart, base)
  if findstart == 1 then
    local _, start = typed()
    return start or -3
  end
  local client = require('midspan.server').client()
  local response = client and client:request_sync('midspan/chatReferences', params_of(base:sub(2)), 2000)
  return response and response.result and as_words(response.result.items) or {}
end

--- Opens the menu for what is typed, when the server has answered and the user has typed nothing since.
local function offer(buffer)
  local query, start = typed()
  local client = require('midspan.server').find()
  if not query or not client or vim.fn.complete_info({ 'selected' }).selected ~= -1 then
    return
  end
  client:request('midspan/chatReferences', params_of(query), function(_, result)
    local is_here = vim.api.nvim_get_current_buf() == buffer and vim.fn.mode() == 'i'
    if result and is_here and typed() == query then
      vim.fn.complete(start + 1, as_words(result.items))
    end
  end)
end

--- Completes mentions in a page.
function M.attach(buffer)
  vim.bo[buffer].omnifunc = "v:lua.require'midspan.mentions'.omnifunc"
  pcall(vim.api.nvim_set_option_value, 'completeopt', 'menuone,noselect', { buf = buffer })
  vim.api.nvim_create_autocmd({ 'TextChangedI', 'TextChangedP' }, {
    group = vim.api.nvim_create_augroup('midspan.mentions', {}),
    buffer = buffer,
    callback = function()
      offer(buffer)
    end,
  })
end

return M
