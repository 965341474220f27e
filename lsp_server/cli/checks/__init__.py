"""The checks of `midspan doctor`, one file each, and the examination that runs them."""
