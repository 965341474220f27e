"""How commands print what they know."""
