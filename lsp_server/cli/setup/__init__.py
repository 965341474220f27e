"""`midspan setup`: finds the editors and configures them, proposes a model, tries a completion, and takes all back."""
