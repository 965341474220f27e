"""Syntax trees, definitions, imports and comments of a document."""
