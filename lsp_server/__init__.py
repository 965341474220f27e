"""The edge: the command line, the daemon, and one file for each LSP feature. Nothing here imports torch."""
