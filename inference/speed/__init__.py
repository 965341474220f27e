"""The speed of this machine and of the models on it, and what the last start of a model has found."""
