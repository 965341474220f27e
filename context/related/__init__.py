"""The snippets that may matter at a cursor, from every source, with their scores."""
