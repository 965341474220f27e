"""Actions that write the import of an undefined name."""
