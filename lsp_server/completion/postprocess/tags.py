"""Tags of HTML, XML and JSX: the lexer of elements, and surplus closing tags."""

import re

_LANGUAGES = {"html", "javascriptreact", "svelte", "typescriptreact", "vue", "xml"}
_START = re.compile(r"<!--.*?-->|<(?P<end>/?)(?P<name>[A-Za-z][\w.:-]*|(?=>))", re.DOTALL)
_WITHIN = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`|=>|/>|[{}<>]")


def has_tags(language: str) -> bool:
    """Return whether the language has tags, so that closing tags can be judged."""
    return language in _LANGUAGES


def surplus_tag(above: str, text: str, below: str) -> int | None:
    """Return the offset of a closing tag in the text that the document has directly below too; None without one."""
    if "</" not in text or (behind := _START.match(below.lstrip())) is None or not behind["end"]:
        return None
    unopened = len(_pair(above + below)[1])
    surplus = len(_pair(above + text + below)[1]) - unopened
    if surplus <= 0:
        return None
    at = text.rfind(f"</{behind['name']}")
    is_last = at >= 0 and text.find(">", at) == len(text.rstrip()) - 1
    if is_last and len(_pair(above + text[:at] + below)[1]) <= unopened:
        return at
    pairs, alone = _pair(above + text)
    foreign = sorted(
        [end for end, start in pairs.items() if start < len(above) <= end] + [end for end in alone if end >= len(above)]
    )
    if len(foreign) < surplus:
        return None
    at = foreign[-surplus] - len(above)
    if not text.startswith(f"</{behind['name']}", at):
        return None
    return at if len(_pair(above + text[:at] + below)[1]) <= unopened else None


def _pair(text: str) -> tuple[dict[int, int], list[int]]:
    """Pair closing tags with opening tags, and list closing tags without one. Tags such as `<br>` may stay open."""
    pairs: dict[int, int] = {}
    alone: list[int] = []
    stack: list[tuple[str, int]] = []
    for tag in _START.finditer(text):
        name = tag["name"]
        if name is None:
            continue
        if not tag["end"]:
            if not _is_empty(text, tag.end()):
                stack.append((name, tag.start()))
            continue
        depth = next((d for d in range(len(stack) - 1, -1, -1) if stack[d][0] == name), None)
        if depth is None:
            alone.append(tag.start())
        else:
            pairs[tag.start()] = stack[depth][1]
            del stack[depth:]
    return pairs, alone


def _is_empty(text: str, start: int) -> bool:
    """Return whether a tag ends in "/>". Braces hold JavaScript, whose signs do not count."""
    depth = 0
    for part in _WITHIN.finditer(text, start):
        sign = part.group()
        if sign in "{}":
            depth += 1 if sign == "{" else -1
        elif depth == 0 and sign in (">", "/>", "<"):
            return sign == "/>"
    return False
