"""What of the context is shown to a model, and where it stands."""
