"""The architectures, a file each, and their configs."""
