"""The model's own confidence, and the part of a text that is likely enough right to be shown unasked."""
