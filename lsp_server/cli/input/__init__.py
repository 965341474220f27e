"""The options, places and settings that a command is given."""
