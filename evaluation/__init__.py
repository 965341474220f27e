"""The evaluation of a model's completions, for `midspan eval`."""
