"""The settings: the table of them, the places where they are written, and the values that apply."""
