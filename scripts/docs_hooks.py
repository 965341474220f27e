"""The hooks of MkDocs for `mkdocs.yml`: links that leave docs/ lead to the repository, and pictures come along."""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

_ROOT = Path(__file__).parents[1]
_LINK = re.compile(r"\]\((\.\./[^)\s#]*)(#[^)\s]*)?\)")
_PICTURES = "repository"  # the folder of the site with the pictures from outside docs/


def on_files(files: Any, *, config: Any, **_: Any) -> Any:
    """Add the pictures outside docs/ that pages show."""
    for page in [file for file in files if file.is_documentation_page()]:
        for link in _LINK.finditer(page.content_string):
            path = _path_of(page.src_uri, link[1])
            name = f"{_PICTURES}/{path}"
            if _is_picture_outside(path) and files.get_file_from_path(name) is None:
                files.append(File.generated(config, name, abs_src_path=str(_ROOT / path)))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Return the page's text, in which a path out of docs/ is an address, or a picture of the site."""

    def lead_out(found: re.Match[str]) -> str:
        path = _path_of(page.file.src_uri, found[1])
        if path.startswith("docs/"):
            return found[0]
        if _is_picture_outside(path):
            return f"]({posixpath.relpath(f'{_PICTURES}/{path}', posixpath.dirname(page.file.src_uri) or '.')})"
        return f"]({config.repo_url}/blob/HEAD/{path}{found[2] or ''})"

    return _LINK.sub(lead_out, markdown)


def _path_of(page: str, link: str) -> str:
    """Return the path in the repository to which a page of docs/ links."""
    return posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link))


def _is_picture_outside(path: str) -> bool:
    return path.endswith(".png") and not path.startswith("docs/")
