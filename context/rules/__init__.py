"""Which files may be read: ignore files, secrets, generated and binary files."""
