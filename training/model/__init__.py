"""The trainable model, its optimizers, and its weights on the disk."""
