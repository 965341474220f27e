"""Benchmarks of a session: its first suggestion, and its rest."""
