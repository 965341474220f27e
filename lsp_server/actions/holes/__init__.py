"""Actions that have the completion model fill a hole in the document."""
