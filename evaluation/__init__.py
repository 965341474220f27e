"""What `midspan eval` runs: how good the suggestions of a model are."""
