"""Text for the terminal: without what would steer it, or have its reader see another text than is there."""


def visible_text(text: str) -> str:
    """Over as many lines as it has."""
    return "".join(c if c in "\n\t" or c.isprintable() else "\ufffd" for c in text)


def visible_line(text: str) -> str:
    """On one line."""
    return visible_text(text.replace("\n", " "))
