"""The layout of a prompt: snippets, the choice among them, their places, and the windows of the current file."""
