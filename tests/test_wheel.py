"""A wheel carries the native step to a machine without a compiler, and an installation without it works too.

The source distribution is made first and the wheel from it, as `python -m build` does.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from setup import LIBRARY, find_compiler
from tests.older_state import COMMITS, unpack_state

ROOT = Path(__file__).parents[1]
PACKAGES = ("context", "evaluation", "inference", "kernels", "lsp_server", "midspan")
FILES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md")
FOLDERS = ("packaging", "requirements")
PAGES = ("bash-completion/completions/midspan", "fish/vendor_completions.d/midspan.fish", "man/man1/midspan.1")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution."""
    tree, folder = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("sdist")
    for package in (*PACKAGES, *FOLDERS):
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__", LIBRARY.name))
    shutil.copytree(ROOT / "editors", tree / "editors", ignore=shutil.ignore_patterns("node_modules"))
    for name in FILES:
        shutil.copy(ROOT / name, tree)
    make = f"from setuptools.build_meta import build_sdist; build_sdist({str(folder)!r})"
    subprocess.run([sys.executable, "-c", make], cwd=tree, check=True, capture_output=True)
    (made,) = folder.iterdir()
    return made


@pytest.fixture
def unpacked(archive: Path, tmp_path: Path) -> Path:
    """The folder of the unpacked source distribution."""
    shutil.unpack_archive(archive, tmp_path / "sdist", filter="data")
    (folder,) = (tmp_path / "sdist").iterdir()
    return folder


@pytest.fixture(scope="module")
def wheel(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel with the native step, made from the source distribution."""
    if not find_compiler():
        pytest.skip("no C++ compiler")
    folder = tmp_path_factory.mktemp("release")
    shutil.unpack_archive(archive, folder / "sdist", filter="data")
    (source,) = (folder / "sdist").iterdir()
    _lend_library(source)
    return build_wheel(source, folder / "wheel")


def _lend_library(source: Path) -> None:
    """Put this repository's library where the build would, so that it does not take minutes to compile it again."""
    sources = ("*.cpp", "*.h")
    assert _names(source / LIBRARY.parent, *sources) == _names(ROOT / LIBRARY.parent, *sources)
    built = source / f"build/lib.{sysconfig.get_platform()}-{sys.implementation.cache_tag}" / LIBRARY
    built.parent.mkdir(parents=True)
    if (ROOT / LIBRARY).exists():
        shutil.copy(ROOT / LIBRARY, built)


def _names(folder: Path, *patterns: str) -> set[str]:
    return {file.name for pattern in patterns for file in folder.glob(pattern)}


def pip(*words: str, cwd: Path, **variables: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    subprocess.run(command, cwd=cwd, env=os.environ | variables, check=True)


def build_wheel(source: Path, folder: Path, **variables: str) -> Path:
    pip("wheel", ".", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), cwd=source, **variables)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """Install a wheel into an environment that has the dependencies of this one; return its folder of programs."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    programs = folder / "bin"
    found = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([programs / "python", "-c", found], check=True, capture_output=True, text=True)
    # A line of such a file is a folder to import from. Files like this one in that folder count for nothing, so this
    # environment's own Midspan is not seen.
    (Path(done.stdout.strip()) / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    pip("--python", str(programs / "python"), "install", "--no-deps", "--ignore-installed", str(wheel), cwd=folder)
    return programs


def lent_dependencies(folder: Path) -> Path:
    """Make a wheel whose environment imports the packages of this one, in place of 1.3 GB to install."""
    wheel, info = folder / "lent-1.0-py3-none-any.whl", "lent-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("lent.pth", sysconfig.get_path("purelib"))
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: lent\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def install_by_uv(wheel: Path, folder: Path) -> Path:
    """Install a wheel as a tool, without asking an index; return the folder of programs that it is to be found in."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = "\n".join(Requirement(line).name for line in project["dependencies"])
    (folder / "lent.txt").write_text(names, encoding="utf-8")
    own = {name: str(folder / name) for name in ("UV_TOOL_DIR", "UV_TOOL_BIN_DIR", "UV_CACHE_DIR")}
    lent = ["--excludes", str(folder / "lent.txt"), "--with", str(lent_dependencies(folder))]
    options = ["--offline", "--no-index", *lent, "--python", sys.executable]
    command = [sys.executable, "-m", "uv", "tool", "install", "--quiet", *options, str(wheel)]
    subprocess.run(command, env=os.environ | own, check=True)
    return folder / "UV_TOOL_BIN_DIR"


def install_by_pipx(wheel: Path, folder: Path) -> Path:
    """Install a wheel as an application, without asking an index; return the folder of programs.

    uv fills the environment: pip would have to be of its newest release, which pipx fetches.
    """
    own = {name: str(folder / name) for name in ("PIPX_HOME", "PIPX_BIN_DIR", "PIPX_MAN_DIR", "UV_CACHE_DIR")}
    own["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    offline = ["--backend", "uv", "--pip-args=--offline --no-deps", "--preinstall", str(lent_dependencies(folder))]
    command = [sys.executable, "-m", "pipx", "install", "--quiet", *offline, "--python", sys.executable, str(wheel)]
    subprocess.run(command, env=os.environ | own, check=True)
    assert (folder / "PIPX_MAN_DIR/man1/midspan.1").is_file()  # so that `man midspan` shows it
    return folder / "PIPX_BIN_DIR"


def run_midspan(programs: Path, home: Path, *words: str) -> str:
    """Run the installed command where the PATH has nothing else, and return what it prints."""
    own = {name: str(home / name) for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
    runtime = {name: os.environ[name] for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME")}
    env = {"PATH": str(programs), "OMP_NUM_THREADS": "1", **own, **runtime}
    command = [str(programs / "midspan"), *words]
    done = subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout


def try_it(programs: Path, home: Path) -> tuple[str | None, str]:
    """Complete a line with the built-in model.

    Return the instruction set that computed, and what `midspan doctor` says about the native step.
    """
    home.mkdir()
    (home / "area.py").write_text("def area(width, height):\n    return \n", encoding="utf-8")
    assert run_midspan(programs, home, "complete", "area.py:2:12", "--all").strip()
    report = json.loads(run_midspan(programs, home, "doctor", "--json"))
    assert report["trial"]["text"]
    (finding,) = (finding for finding in report["findings"] if finding["subject"] == "native step")
    assert not finding["is_wrong"]
    return report["engine"]["instruction_set"], f"{finding['what']} {finding['fix']}"


def _finds_its_clients(packages: Path, repository: Path) -> None:
    """The files that `midspan setup` gives to editors, beside the packages."""
    for folder, pattern in (("editors/nvim/lua", "**/*.lua"), ("editors/nvim/doc", "*"), ("editors/emacs", "*.el")):
        names = {file.relative_to(repository) for file in (repository / folder).glob(pattern)}
        assert names
        assert names == {file.relative_to(packages) for file in (packages / folder).glob(pattern)}


def _keeps_what_an_older_version_left(programs: Path, home: Path) -> None:
    env = {"PATH": str(programs), "OMP_NUM_THREADS": "1", **unpack_state(COMMITS[0], home)}
    env["XDG_RUNTIME_DIR"] = os.environ["XDG_RUNTIME_DIR"]

    def midspan(*words: str) -> str:
        command = [str(programs / "midspan"), *words]
        return subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, check=True).stdout

    assert midspan("complete", "shop/shop.py:3:9", "--all") == "wonderful\n"  # what the model of its store writes
    assert json.loads(midspan("stats", "--days", "400", "--json"))["total"]["characters"] == 14


def test_a_wheel_brings_the_native_step_to_a_machine_without_a_compiler(wheel, tmp_path):
    kind = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    assert wheel.name.endswith(f"-py3-none-{kind}.whl") or sys.platform == "darwin"
    if sys.platform == "linux":
        check = [sys.executable, "-m", "auditwheel", "show", str(wheel)]
        said = subprocess.run(check, capture_output=True, text=True, check=True).stdout
        assert '"manylinux_' in said  # not "linux_": it needs no library but the C library's
    programs = install(wheel, tmp_path / "venv")
    assert [name for name in PAGES if not (tmp_path / "venv/share" / name).is_file()] == []
    (installed,) = (tmp_path / "venv").rglob(LIBRARY.name)
    assert not [*installed.parent.glob("*.cpp"), *installed.parent.glob("*.h")]
    isa, said = try_it(programs, tmp_path / "home")
    assert isa is not None
    _finds_its_clients(installed.parents[2], ROOT)
    _keeps_what_an_older_version_left(programs, tmp_path / "older")
    assert f"The native step serves with the instruction set {isa}." in said


@pytest.mark.parametrize("install_tool", [install_by_uv, install_by_pipx])
def test_a_tool_installer_brings_a_program_that_completes(
    install_tool: Callable[[Path, Path], Path], wheel: Path, tmp_path: Path
) -> None:
    (tmp_path / "tool").mkdir()
    programs = install_tool(wheel, tmp_path / "tool")
    assert [program.name for program in programs.iterdir()] == ["midspan"]
    (tmp_path / "area.py").write_text("def area(width, height):\n    return \n", encoding="utf-8")
    assert run_midspan(programs, tmp_path, "complete", "area.py:2:12", "--all").strip()


def test_without_a_compiler_torch_serves_and_doctor_says_what_to_install(unpacked, tmp_path):
    wheel = build_wheel(unpacked, tmp_path / "wheel", PATH=str(tmp_path / "no programs"), CXX="")
    assert wheel.name.endswith("-py3-none-any.whl")
    isa, said = try_it(install(wheel, tmp_path / "venv"), tmp_path / "home")
    assert isa is None
    assert "does not serve" in said
    assert "Install a C++ compiler" in said


def test_a_compiler_that_fails_is_no_error(unpacked, tmp_path):
    wheel = build_wheel(unpacked, tmp_path / "wheel", CXX=f"{sys.executable} -c 1/0")
    assert wheel.name.endswith("-py3-none-any.whl")
