"""Measurements of what a keystroke waits for and computes."""
