"""The requests of `benchmarks.draft`."""
