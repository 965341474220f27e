--- Midspan in Neovim: starts the server, shows its ghost text and gives it keys. Commands are in commands.lua.
local M = {}

--- The options of `setup`; `:help midspan-setup` says what each means.
local defaults = {
  cmd = { 'midspan', 'serve' },
  filetypes = {
    'c', 'cpp', 'go', 'java', 'javascript', 'javascriptreact', 'lua', 'python', 'rust', 'sh', 'typescript',
    'typescriptreact',
  },
  root_markers = { '.git' },
  keys = {
    accept = '<Tab>',
    accept_word = '<C-Right>',
    accept_line = '<C-End>',
    next = '<M-n>',
    previous = '<M-p>',
    ask = '<M-a>',
    dismiss = '<C-]>',
  },
  settings = {},
}

local function ghost()
  return require('midspan.ghost')
end

local function nothing() end

--- Accepts the ghost text. Returns false, and does nothing, when there is none or a completion menu is open.
--- `otherwise` is called when it turns out later that it no longer fits what was typed. For mappings of your own.
function M.accept(otherwise)
  return ghost().accept(require('midspan.rest').all, otherwise or nothing)
end

--- The same, of its first word.
function M.accept_word(otherwise)
  return ghost().accept(require('midspan.rest').word, otherwise or nothing)
end

--- The same, of its first line.
function M.accept_line(otherwise)
  return ghost().accept(require('midspan.rest').line, otherwise or nothing)
end

--- Shows the next candidate; false when nothing is shown.
function M.next()
  return ghost().select(1)
end

--- Shows the candidate before; false when nothing is shown.
function M.previous()
  return ghost().select(-1)
end

--- Asks for several lines and several candidates, in the middle of a line too.
function M.ask()
  return ghost().ask()
end

--- Takes the ghost text away; false when there is none.
function M.dismiss()
  return ghost().dismiss()
end

--- A word for the statusline: what Midspan does now. "" where it does not run.
function M.statusline()
  return require('midspan.status').line()
end

local DESCRIPTIONS = {
  accept = 'accept the ghost text',
  accept_word = 'accept its next word',
  accept_line = 'accept its next line',
  next = 'next candidate',
  previous = 'candidate before',
  ask = 'ask now',
  dismiss = 'take the ghost text away',
}

local function map_keys(buffer)
  for action, key in pairs(M.options.keys) do
    if key then
      require('midspan.keys').map(key, buffer, M[action], DESCRIPTIONS[action])
    end
  end
end

local function attach(client, buffer)
  ghost().attach(client, buffer)
  map_keys(buffer)
  local switch = require('midspan.switch')
  if not switch.is_on(buffer) then
    ghost().switch(buffer, false)
    switch.tell(client)
  end
end

local function capabilities()
  return {
    textDocument = { inlineCompletion = { dynamicRegistration = false } }, -- 0.11 does not say so itself
    experimental = { midspan = { status = true } },
  }
end

--- Starts Midspan in the buffers of its file types, those that are open already too.
function M.setup(options)
  if vim.fn.has('nvim-0.11') == 0 then
    vim.notify('Midspan needs Neovim 0.11 or newer', vim.log.levels.ERROR)
    return
  end
  M.options = vim.tbl_deep_extend('force', defaults, options or {})
  vim.lsp.config('midspan', {
    cmd = M.options.cmd,
    filetypes = M.options.filetypes,
    root_markers = M.options.root_markers,
    capabilities = capabilities(),
    handlers = { ['midspan/statusChanged'] = require('midspan.status').changed },
    init_options = next(M.options.settings) and M.options.settings or vim.empty_dict(),
  })
  vim.api.nvim_create_autocmd('LspAttach', {
    group = vim.api.nvim_create_augroup('midspan', {}),
    callback = function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if client and client.name == 'midspan' then
        attach(client, event.buf)
      end
    end,
  })
  require('midspan.commands').create()
  vim.lsp.enable('midspan')
end

return M
