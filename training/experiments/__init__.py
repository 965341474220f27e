"""Measurements of checkpoints, of shapes and of a released model."""
