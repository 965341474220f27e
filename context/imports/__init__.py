"""Statements that import a name, and where a new one stands."""
