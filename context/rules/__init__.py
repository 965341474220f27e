"""The rules on what may be read: ignore files, secrets, generated and binary files."""
