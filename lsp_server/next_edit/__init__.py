"""Next edits: the places that have to change after what the user has changed, offered one Tab away."""
