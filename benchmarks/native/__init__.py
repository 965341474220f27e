"""Measurements of the native step beside the torch model, and of what long contexts cost it."""
