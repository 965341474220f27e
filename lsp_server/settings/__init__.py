"""What the user can set, where it is written, and what holds."""
