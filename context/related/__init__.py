"""What in the workspace may matter at a cursor."""
