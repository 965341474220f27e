"""What one action is asked with, runs in, and answers with."""
