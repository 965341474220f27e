"""Actions that have the chat model rewrite, explain, review or test code."""
