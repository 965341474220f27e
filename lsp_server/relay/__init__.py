"""The process that an editor starts, and its way to the daemon. It imports nothing heavy."""
