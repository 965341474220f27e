"""textDocument/inlineCompletion, from the keystroke to the ghost text and what becomes of it."""
