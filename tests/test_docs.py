"""The pages of the documentation: links lead somewhere, and commands and the protocol are those of the program."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsp_server.actions.protocol import kinds
from lsp_server.cli.main import main
from lsp_server.daemon.build_server import build_server
from lsp_server.relay import handshake
from lsp_server.server.engines import Engines
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.server.status import CHANGED
from tests.fake_engine import FakeEngine

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    page
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "editors/*/README.md",
        "benchmarks/**/*.md",
        "training/*.md",
        "inference/**/*.md",
    )
    for page in ROOT.glob(pattern)
)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r'\]\(([^)\s]+)\)|<(?:img|source)[^>]* src(?:set)?="([^"]+)"')
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def without_code(page: Path) -> str:
    """The text of a page without its blocks of code."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The anchor of each heading, as GitHub and MkDocs name it."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in _HEADING.findall(without_code(page)):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def links(text: str) -> list[str]:
    """Return the targets of the links and pictures in a text."""
    return [found[1] or found[2] for found in _LINK.finditer(text)]


def is_broken(page: Path, link: str) -> bool:
    if re.match(r"https?://", link):
        return False
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return not target.exists() or (bool(anchor) and anchor not in anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page):
    found = links(re.sub(r"`[^`\n]*`", "", without_code(page)))
    assert [link for link in found if is_broken(page, link)] == []


def test_a_link_to_a_heading_that_is_not_there_is_broken():
    assert not is_broken(DOCS / "README.md", "protocol.md#midspanstatus")
    assert is_broken(DOCS / "README.md", "protocol.md#midspannothing")
    assert is_broken(DOCS / "README.md", "nothing.md")


@pytest.mark.parametrize(
    "page", [ROOT / "ARCHITECTURE.md", DOCS / "privacy-and-security.md"], ids=lambda page: page.name
)
def test_the_files_that_a_page_names_are_there(page):
    """Paths are from the root or from `lsp_server`; names such as `midspan/chat` are the protocol's."""
    paths = re.findall(r"`(?!midspan/)(\w+/[\w/.]+)`", page.read_text(encoding="utf-8"))
    assert len(paths) > 5
    assert [path for path in paths if not (ROOT / path).exists() and not (ROOT / "lsp_server" / path).exists()] == []


def test_the_contents_name_every_page():
    contents = DOCS / "README.md"
    named = {(DOCS / link).resolve() for link in links(without_code(contents))}
    assert {page for page in PAGES if page.is_relative_to(DOCS)} - {contents} <= named


def help_of(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        main([*words, "--help"])
    return capsys.readouterr().out


def commands(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Each command below `words` that has no commands of its own, with its options, as its help tells them."""
    text = help_of(words, capsys)
    positional = re.search(r"^  [A-Z]+\n((?:    .*\n)+)", text, re.MULTILINE)  # a row for each command
    if positional is None:
        yield words, set(re.findall(r"--[a-z][a-z-]*", text)) - {"--help"}
        return
    for name in re.findall(r"^    (\w\S*)", positional[1], re.MULTILINE):
        yield from commands((*words, name), capsys)


def test_the_page_of_commands_has_every_command_with_its_options(capsys):
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    sections = re.findall(r"^### midspan (.*)\n((?:(?!#).*\n)*)", page, re.MULTILINE)
    documented = {
        name: {option for row in re.findall(r"^\| (`--.*?) \|", text, re.MULTILINE) for option in _options(row)}
        for name, text in sections
    }
    assert documented == {" ".join(words): options for words, options in commands((), capsys)}


def _options(row: str) -> list[str]:
    return re.findall(r"--[a-z][a-z-]*", row)


def test_the_page_of_the_protocol_has_every_name_of_ours():
    server = build_server(
        {}, Engines(lambda _settings: FakeEngine(lambda _before, _after: "")), SharedWorkspaces(), ROOT
    )
    registered = {*server.protocol.fm.features, *server.protocol.fm.commands}
    ours = {name for name in registered if name.startswith("midspan")}
    page = (DOCS / "protocol.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(midspan[./]\w+)`", page)) - {"midspan.toml"}
    assert named == {*ours, CHANGED, handshake.STOPPED_METHOD, handshake.LOG_METHOD}
    assert {kind for kind in kinds.ALL_KINDS if f"`{kind}`" not in page} == set()
