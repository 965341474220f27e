"""Text for a terminal or an editor: without what would steer it, or have its reader see another text than is there."""


def visible_text(text: str) -> str:
    """Replace what does not print, over as many lines as the text has."""
    return "".join(c if c in "\n\t" or c.isprintable() else "\ufffd" for c in text)


def visible_line(text: str) -> str:
    """Replace what does not print, and put the text on one line."""
    return visible_text(text.replace("\n", " "))


def visible_source_line(line: str) -> str:
    """Replace what does not print in a line of a file, and leave out its line end."""
    return visible_text(line.rstrip("\r\n"))
