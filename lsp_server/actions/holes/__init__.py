"""Actions in which the completion model fills a hole in the document."""
