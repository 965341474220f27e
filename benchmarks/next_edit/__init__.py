"""Measurements of next edits."""
