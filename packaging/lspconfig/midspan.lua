---@brief
---
--- https://github.com/OWNER/midspan
---
--- Midspan completes code, chats and edits with a model on your own machine. It has a model built in:
--- ```sh
--- pip install midspan
--- ```
---
--- Neovim 0.12 shows its completions as ghost text:
--- ```lua
--- vim.lsp.enable('midspan')
--- vim.lsp.inline_completion.enable()
--- vim.keymap.set('i', '<Tab>', function()
---   if not vim.lsp.inline_completion.get() then
---     return '<Tab>'
---   end
--- end, { expr = true, desc = 'Accept the inline completion' })
--- ```
---
--- Midspan's own plugin, in the folder `editors/nvim` of its repository, adds next edits, the chat, code actions and
--- ghost text for Neovim 0.11.

---@type vim.lsp.Config
return {
  cmd = { 'midspan', 'serve' },
  filetypes = {
@FILETYPES@
  },
  root_markers = { '.git' },
}
