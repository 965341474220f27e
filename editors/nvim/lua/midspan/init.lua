--- Midspan in Neovim: starts the server, and maps the keys of ghost text and next edits. Commands are in commands.lua.
local M = {}

--- The options of `setup`; `:help midspan-setup` says what each means.
local defaults = {
  cmd = { 'midspan', 'serve' },
  filetypes = {
    'bash', 'c', 'clojure', 'cmake', 'cpp', 'cs', 'css', 'cuda', 'dart', 'dockerfile', 'elixir', 'erlang', 'go',
    'graphql', 'haskell', 'html', 'java', 'javascript', 'javascriptreact', 'json', 'jsonc', 'julia', 'kotlin', 'less',
    'lua', 'make', 'markdown', 'objc', 'ocaml', 'perl', 'php', 'proto', 'python', 'r', 'rst', 'ruby', 'rust', 'sass',
    'scala', 'scss', 'sh', 'sql', 'svelte', 'swift', 'terraform', 'toml', 'typescript', 'typescriptreact', 'vim', 'vue',
    'xml', 'yaml', 'zig', 'zsh',
  },
  root_markers = { '.git' },
  client_name = 'midspan',
  keys = {
    accept = '<Tab>',
    accept_word = '<C-Right>',
    accept_line = '<C-End>',
    next = '<M-n>',
    previous = '<M-p>',
    ask = '<M-a>',
    dismiss = '<C-]>',
    next_edit = '<Tab>',
    dismiss_edit = '<Esc>',
    ask_edit = '<M-e>',
  },
  settings = {},
}

local function ghost()
  return require('midspan.ghost')
end

local function nothing() end

--- Accepts the ghost text. Returns false, and does nothing, when there is no ghost text or a completion menu is open.
--- `otherwise` is called if the ghost text turns out later not to fit the typed text. For mappings of your own.
function M.accept(otherwise)
  return ghost().accept(require('midspan.rest').all, otherwise or nothing)
end

--- Accepts the next word of the ghost text, as `accept`.
function M.accept_word(otherwise)
  return ghost().accept(require('midspan.rest').word, otherwise or nothing)
end

--- Accepts the next line of the ghost text, as `accept`.
function M.accept_line(otherwise)
  return ghost().accept(require('midspan.rest').line, otherwise or nothing)
end

--- Shows the next candidate; returns false when there is no ghost text.
function M.next()
  return ghost().select(1)
end

--- Shows the previous candidate; returns false when there is no ghost text.
function M.previous()
  return ghost().select(-1)
end

--- Requests several lines and several candidates, in the middle of a line too.
function M.ask()
  return ghost().ask()
end

--- Dismisses the ghost text, or else the next edit; returns false when there is neither.
function M.dismiss()
  if ghost().dismiss() == false then
    return M.dismiss_edit()
  end
end

--- Jumps to the next edit, or accepts it when the cursor is there; returns false when none is shown.
function M.next_edit()
  return require('midspan.next_edit').accept()
end

--- Dismisses the next edit; returns false when none is shown.
function M.dismiss_edit()
  return require('midspan.next_edit').dismiss()
end

--- Requests next edits now.
function M.ask_edit()
  return require('midspan.next_edit').ask()
end

--- Returns a word for the statusline; "" in a buffer without Midspan.
function M.statusline()
  return require('midspan.status').line()
end

--- The actions of keys with their modes, in the order in which they are tried where one key has several.
local ACTIONS = {
  { 'accept', 'i', 'accept the ghost text' },
  { 'accept_word', 'i', 'accept the next word' },
  { 'accept_line', 'i', 'accept the next line' },
  { 'next', 'i', 'next candidate' },
  { 'previous', 'i', 'previous candidate' },
  { 'ask', 'i', 'request ghost text now' },
  { 'dismiss', 'i', 'dismiss the ghost text or the next edit' },
  { 'next_edit', 'in', 'jump to the next edit, accept it' },
  { 'dismiss_edit', 'n', 'dismiss the next edit' },
  { 'ask_edit', 'in', 'request next edits now' },
}

--- Returns by mode and key the actions that the user wants there, and their descriptions.
local function actions_by_key()
  local found = { i = {}, n = {} }
  for _, action in ipairs(ACTIONS) do
    local name, modes, description = unpack(action)
    local key = M.options.keys[name]
    for mode in (key and modes or ''):gmatch('.') do
      local code = vim.keycode(key) -- a key has several names
      local entry = found[mode][code] or { key = key, acts = {}, descriptions = {} }
      found[mode][code] = entry
      table.insert(entry.acts, M[name])
      table.insert(entry.descriptions, description)
    end
  end
  return found
end

local function map_keys(buffer)
  for mode, keys in pairs(actions_by_key()) do
    for _, entry in pairs(keys) do
      require('midspan.keys').map(mode, entry.key, buffer, entry.acts, table.concat(entry.descriptions, '; '))
    end
  end
end

local function attach(client, buffer)
  require('midspan.menu').watch(client)
  require('midspan.rename').attach(buffer)
  require('midspan.status').attach(buffer)
  ghost().attach(client, buffer)
  require('midspan.next_edit').attach(buffer)
  map_keys(buffer)
  local switch = require('midspan.switch')
  if not switch.is_on(buffer) then
    ghost().switch(buffer, false)
    switch.tell(client)
  end
end

local function capabilities()
  return {
    textDocument = { inlineCompletion = { dynamicRegistration = false } }, -- Neovim 0.11 does not announce this
    experimental = { midspan = { status = true } },
  }
end

local function init_options()
  return next(M.options.settings) and M.options.settings or vim.empty_dict()
end

--- Vouches for the settings of `setup`. A plugin that takes settings from the project, such as neoconf, may have put
--- others in their place, and nobody vouches for those.
local function vouch(params)
  local is_ours = vim.deep_equal(params.initializationOptions, init_options())
  params.capabilities = vim.tbl_deep_extend('force', params.capabilities, {
    experimental = { midspan = { userSettings = is_ours } },
  })
end

--- Takes the options and returns the configuration of the language client.
local function configure(options)
  M.options = vim.tbl_deep_extend('force', defaults, options or {})
  local group = vim.api.nvim_create_augroup('midspan', {})
  vim.api.nvim_create_autocmd('LspAttach', {
    group = group,
    callback = function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if client and client.name == M.options.client_name then
        attach(client, event.buf)
      end
    end,
  })
  require('midspan.rename').watch(group)
  require('midspan.commands').create()
  return {
    cmd = M.options.cmd,
    filetypes = M.options.filetypes,
    root_markers = M.options.root_markers,
    capabilities = capabilities(),
    commands = { [require('midspan.menu').SHOW] = require('midspan.menu').show },
    handlers = { ['midspan/statusChanged'] = require('midspan.status').changed },
    init_options = init_options(),
    before_init = vouch,
    on_init = function(client)
      require('midspan.model').tell(client)
    end,
  }
end

local default_config

--- Returns the configuration of the language client with the default options, for `vim.lsp.enable('midspan')` without
--- `setup`; an empty one after `setup`, which has given Neovim its own. Neovim may ask for it several times.
function M.default_config()
  default_config = default_config or (M.options and {} or configure())
  return default_config
end

--- Starts Midspan in all buffers of its file types, those that are already open included.
function M.setup(options)
  if vim.fn.has('nvim-0.11') == 0 then
    vim.notify('Midspan needs Neovim 0.11 or newer', vim.log.levels.ERROR)
    return
  end
  local config = configure(options)
  vim.lsp.config(M.options.client_name, config)
  vim.lsp.enable(M.options.client_name)
end

return M
