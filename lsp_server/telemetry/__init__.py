"""What is recorded of requests: one log line, one trace, and counts by day. It never leaves the machine."""
