"""What is known of a workspace on the disk: its index, its watch, and views of both."""
