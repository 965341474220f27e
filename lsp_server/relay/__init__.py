"""The process that an editor starts, and its connection to the daemon. The room imports nothing heavy."""
