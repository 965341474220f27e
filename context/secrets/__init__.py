"""Secrets in texts: where they stand, and what stands for them in prompts, in the index and in caches."""
