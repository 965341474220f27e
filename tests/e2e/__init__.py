"""The real editors. A package, because a fixture that is shared by its modules ends with it."""
