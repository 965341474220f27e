"""The text of a prompt: reads a workspace, finds what matters at a cursor, and packs it within a budget of tokens.

`packer` is the door: `ContextPacker.pack`. The rooms, lowest first:

- `documents`: texts, cursors, edits and languages.
- `syntax`: syntax trees, definitions, imports and comments of one document.
- `rules`: which files may be read: ignore files, secrets, generated and binary files.
- `index`: a workspace on the disk: its database, its watch, and views of both with the open buffers.
- `prompt`: snippets, the choice among them, their places and the windows of the current file.
- `related`: the sources of snippets, and their scores.
- `question`: the files and definitions that a question in words is about.

The package imports `midspan` only, knows no LSP type and no torch, and counts tokens with a function that it is given.
Offsets and columns are code points, lines count from 0.
"""
