"""The models that engines are compared on, and the programs of the other engines."""
