"""Numbers of bytes in words."""


def size_in_words(size_bytes: int) -> str:
    """E.g. ``1.2 GB``."""
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"
