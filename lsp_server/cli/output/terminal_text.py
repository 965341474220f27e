"""Text for the terminal, without characters that would control it or show its reader another text."""


def visible_text(text: str) -> str:
    """The text, over as many lines as it has."""
    return "".join(c if c in "\n\t" or c.isprintable() else "\ufffd" for c in text)


def visible_line(text: str) -> str:
    """The text on one line."""
    return visible_text(text.replace("\n", " "))


def visible_source_line(line: str) -> str:
    """A line of a file, without its line end."""
    return visible_text(line.rstrip("\r\n"))
