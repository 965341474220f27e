"""Training documents: from the files of a package to rows of tokens."""
