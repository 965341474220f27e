"""The suite about chat: whether a question is asked with the code that its answer must cite."""
