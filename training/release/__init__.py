"""The released model folder, its card and its curve."""
