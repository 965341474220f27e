"""The command line: one file for each command, which imports nothing heavy before the command runs."""
