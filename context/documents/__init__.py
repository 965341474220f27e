"""Texts, cursors, edits and languages."""
