"""The processes that serve editors: the shared daemon, and one that serves a single editor on its own."""
