"""The files of a release: pages written from the command line, versions that agree, what the .vsix brings."""

import configparser
import json
import os
import plistlib
import re
import runpy
import shlex
import shutil
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lsp_server.cli.main import build_parser
from midspan import __version__
from setup import describe

ROOT = Path(__file__).parents[1]
PACKAGING = ROOT / "packaging"
VSIX = ROOT / "editors/vscode/midspan.vsix"


def run_script(name: str) -> dict[str, Any]:
    """Return what a script of packaging/ defines; the folder is no package, because its name is that of one on PyPI."""
    return runpy.run_path(str(PACKAGING / name))


def test_completions_and_man_page_are_those_of_the_command_line(tmp_path):
    # Where they differ, run packaging/write_pages.py.
    script = run_script("write_pages.py")
    script["write_pages"](tmp_path)
    for name in script["COMPLETIONS"].values():
        assert (tmp_path / name).read_text() == (PACKAGING / name).read_text()
    written, kept = ((folder / script["MAN_PAGE"]).read_text() for folder in (tmp_path, PACKAGING))
    assert set(written.split()) == set(kept.split())  # the versions of Python break lines and order words differently


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("midspan do", {"doctor"}),
        ("midspan model p", {"pull"}),
        ("midspan complete --sh", {"--show"}),
        ("midspan serve --quant int", {"int8", "int4"}),
        ("midspan complete ar", {"area.py"}),
    ],
)
def test_bash_completes_commands_options_values_and_files(tmp_path, typed, offered):
    (tmp_path / "area.py").touch()
    words = shlex.split(typed)
    script = f"""
        source {shlex.quote(str(PACKAGING / "completions/midspan"))}
        COMP_WORDS=({typed}) COMP_CWORD={len(words) - 1} COMP_LINE={shlex.quote(typed)} COMP_POINT={len(typed)}
        {{ read -r _ _ function _; }} < <(complete -p midspan | sed 's/.*-F/x x/')
        $function midspan {shlex.quote(words[-1])} {shlex.quote(words[-2])} 2> /dev/null
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == offered


def test_man_shows_the_page_without_a_warning():
    done = subprocess.run(
        ["man", "--warnings", "--local-file", PACKAGING / "man/midspan.1"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert "show the last requests" in done.stdout


def test_all_packages_have_the_version_of_the_program():
    package = json.loads((ROOT / "editors/vscode/package.json").read_text(encoding="utf-8"))
    header = (ROOT / "editors/emacs/midspan.el").read_text(encoding="utf-8")
    assert package["version"] == __version__
    assert f";; Version: {__version__}\n" in header


def test_the_values_of_a_release_are_filled_in(tmp_path):
    for name in ("emacs/midspan", "homebrew/midspan.rb", "lspconfig/midspan.lua", "mason/package.yaml"):
        copy = tmp_path / name
        copy.parent.mkdir()
        copy.write_bytes((PACKAGING / name).read_bytes())
    sdist = tmp_path.with_suffix(".tar.gz")
    sdist.write_bytes(b"abc")
    run_script("fill_in.py")["fill_in"](tmp_path, sdist)
    texts = {path.name: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert not [name for name, text in texts.items() if re.search(r"@[A-Z0-9]+@", text)]
    assert f"midspan@{__version__}" in texts["package.yaml"]
    assert f"/releases/download/v{__version__}/midspan-{__version__}.tar.gz" in texts["midspan.rb"]
    assert "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" in texts["midspan.rb"]
    assert "    'python',\n" in texts["midspan.lua"]


def test_the_owner_is_written_into_every_address(tmp_path):
    named = ("README.md", "mkdocs.yml", "pyproject.toml", "docs/editors/neovim.md", "editors/emacs/midspan.el")
    files = [ROOT / name for name in named] + [path for path in PACKAGING.rglob("*") if path.is_file()]
    for path in files:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    for words in (["init", "--quiet"], ["add", "--all", "--force"]):
        subprocess.run(["git", "-C", tmp_path, *words], check=True)
    write_owner = run_script("write_owner.py")["write_owner"]
    changed = {path.relative_to(tmp_path).as_posix() for path in write_owner(tmp_path, "an-owner")}
    ours = ("emacs/midspan", "homebrew/midspan.rb", "lspconfig/midspan.lua", "mason/package.yaml")
    assert changed == {*named, *(f"packaging/{name}" for name in ours)}
    text = "".join((tmp_path / name).read_text(encoding="utf-8") for name in changed)
    assert set(re.findall(r"github\.com/([\w-]+)/midspan", text)) == {"an-owner"}
    assert set(re.findall(r"['\"]([\w-]+)/midspan['\"]", text)) == {"an-owner"}  # of lazy.nvim and of MELPA
    with pytest.raises(ValueError, match="a/b"):
        write_owner(tmp_path, "a/b")


def test_the_files_that_a_package_installs_or_names_are_there():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    data = [name for names in project["tool"]["setuptools"]["data-files"].values() for name in names]
    formula = (PACKAGING / "homebrew/midspan.rb").read_text()
    named = re.findall(r'"((?:packaging|requirements)/[^"]+)"', formula)
    assert len(data) == 4
    assert [name for name in [*data, *named] if not (ROOT / name).is_file()] == []


def test_the_agent_of_launchd_starts_the_daemon():
    agent = plistlib.loads((PACKAGING / "service/midspan.plist").read_bytes())
    assert agent["ProgramArguments"][-1].endswith("midspan daemon start")
    assert agent["RunAtLoad"]
    assert agent["AbandonProcessGroup"]  # the daemon outlives the command that starts it


def test_the_unit_of_systemd_starts_and_stops_the_daemon():
    unit = configparser.ConfigParser(interpolation=None)
    unit.read(PACKAGING / "service/midspan.service")
    commands = [unit["Service"][name].split() for name in ("ExecStart", "ExecStop")]
    assert commands == [["/usr/bin/env", "midspan", "daemon", word] for word in ("start", "stop")]
    for command in commands:
        build_parser().parse_args(command[2:])  # which ends the test if there is no such command


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_finds_no_fault_in_the_unit(tmp_path):
    (tmp_path / "man/man1").mkdir(parents=True)
    shutil.copy(PACKAGING / "man/midspan.1", tmp_path / "man/man1")
    own = {"XDG_RUNTIME_DIR": str(tmp_path), "MANPATH": str(tmp_path / "man")}
    command = ["systemd-analyze", "--user", "verify", str(PACKAGING / "service/midspan.service")]
    done = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("ruby"), reason="there is no Ruby here")
def test_ruby_finds_no_fault_in_the_formula():
    command = ["ruby", "--disable-gems", "-wc", str(PACKAGING / "homebrew/midspan.rb")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("Syntax OK\n", "")


@pytest.mark.skipif(not VSIX.exists(), reason="the extension is not packaged: make editors/vscode/midspan.vsix")
def test_the_extension_brings_what_a_marketplace_shows():
    with zipfile.ZipFile(VSIX) as archive:
        names = {name.lower() for name in archive.namelist()}
        package = json.loads(archive.read("extension/package.json"))
        readme = archive.read("extension/readme.md").decode()
    icon = f"extension/{package['icon']}"
    assert {icon, "extension/license.txt", "extension/changelog.md"} <= names
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", readme)
    assert pictures
    assert {f"extension/{picture}" for picture in pictures} <= names
    assert package["extensionKind"] == ["workspace"]  # it starts a program where the files are
    assert not package["capabilities"]["virtualWorkspaces"]["supported"]
    assert package["capabilities"]["untrustedWorkspaces"]["supported"] == "limited"
    assert {"color", "theme"} <= package["galleryBanner"].keys()


def test_the_readme_of_the_package_leads_to_the_repository():
    links = "![a film](docs/film.gif) [pages](docs/README.md#a) [code](https://a.org/b) [here](#try-it)"
    file = "https://github.com/an-owner/midspan"
    assert describe(links, file) == (
        f"![a film]({file}/raw/HEAD/docs/film.gif) [pages]({file}/blob/HEAD/docs/README.md#a)"
        " [code](https://a.org/b) [here](#try-it)"
    )
