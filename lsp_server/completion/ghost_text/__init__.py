"""The texts that may be on the screen, and what the document has of them."""
