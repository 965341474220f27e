"""The meaning of a name at a place of a file: its scopes, and the other places of the same thing."""
