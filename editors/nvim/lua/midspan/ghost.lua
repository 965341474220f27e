--- Ghost text: Neovim's own from 0.12 on, else Midspan's. Both modules have these functions:
---
---   attach(client, buffer)   shows ghost text in the buffer from now on
---   switch(buffer, on)       turns ghost text and its requests on or off
---   accept(piece, otherwise) inserts a piece (see rest.lua); returns false when there is no ghost text or a menu is
---                            open; calls `otherwise` if that turns out later
---   select(count)            shows another candidate; returns false when there is no ghost text
---   ask()                    requests several lines and candidates, in the middle of a line too
---   dismiss()                dismisses the ghost text; returns false when there is none
return require(vim.lsp.inline_completion and 'midspan.builtin_ghost' or 'midspan.own_ghost')
