"""The current folder, which may be removed while a shell or an editor stands in it."""

import os


def has_current_folder() -> bool:
    """Return whether the current folder is there."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True
