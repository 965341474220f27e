"""The hook of MkDocs for `mkdocs.yml`: links that leave docs/ lead to the repository."""

import posixpath
import re
from typing import Any

_LINK = re.compile(r"\]\((\.\./[^)\s#]*)(#[^)\s]*)?\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Return the page's text, in which a path out of docs/ is an address."""

    def lead_out(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page.file.src_uri), found[1]))
        if path.startswith("docs/"):
            return found[0]
        kind = "raw" if path.endswith(".png") else "blob"
        return f"]({config.repo_url}/{kind}/HEAD/{path}{found[2] or ''})"

    return _LINK.sub(lead_out, markdown)
