"""What a name at a place of a file means: its scopes, and the other places of the same thing."""
