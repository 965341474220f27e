"""A training run: settings, schedule, the loop and its validation."""
