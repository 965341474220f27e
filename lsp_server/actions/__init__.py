"""Code actions: the list of them at a place, and the edit or answer of each."""
