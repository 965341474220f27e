"""The folder of what an evaluation keeps."""

from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """The folder of results and wheels; its name stays, so that results of earlier versions are found again."""
    return user_cache_path("midspan") / "quality"
