"""The file in the user's cache that keeps what the last starts of models have found. Importing this is cheap."""

from pathlib import Path

import platformdirs


def starts_path() -> Path:
    """Return the path; the file exists once a local model has run for this user."""
    return platformdirs.user_cache_path("midspan") / "last-starts.json"
