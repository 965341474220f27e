"""A recording of 300 keys in three files, and the waits of a client that the keys are given to."""
