--- Ghost text: Neovim's own from 0.12 on, else a layer of ours with the same faces. Both have these functions:
---
---   attach(client, buffer)   from now on the buffer has ghost text
---   switch(buffer, on)       off: nothing is shown or asked for
---   accept(piece, otherwise) inserts a piece (see rest.lua); false when there is nothing, or a menu is open;
---                            `otherwise` is called when that turns out later
---   select(count)            another candidate; false when nothing is shown
---   ask()                    as a key does: several lines and candidates, in the middle of a line too
---   dismiss()                takes it away; false when nothing is shown
return require(vim.lsp.inline_completion and 'midspan.builtin_ghost' or 'midspan.own_ghost')
