"""Actions in which the chat model rewrites, explains, reviews or tests code."""
