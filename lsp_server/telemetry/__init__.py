"""Logs, traces and usage counts of the requests. None of them leaves the machine."""
