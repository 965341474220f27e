"""A workspace on the disk: its index, its watch, and views of both with the open buffers."""
