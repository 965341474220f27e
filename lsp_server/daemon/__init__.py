"""The processes that serve editors: the shared daemon, and the standalone server of a single editor."""
