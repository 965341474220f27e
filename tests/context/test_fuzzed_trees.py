import os
import random
import threading
from pathlib import Path

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.index.database import index_path
from context.index.index import Index
from context.index.workspace import Workspace
from context.prompt.pack import Budget, pack
from context.related.collect import collect
from context.rules.rules import Rules
from tests.context.tree import SECONDS, bytes_on_disk

SUFFIXES = [".py", ".ts", ".go", ".rs", ".java", ".c", ".txt", ".md", "", ".json"]
LINES = [
    "import os\n",
    "from .a import *\n",
    "def f{n}(x: \n",
    "class C{n}(f{n}):\n    def m(self): return 'é'\n",
    'import {{ q }} from "./b{n}"\n',
    "func G{n}() {{\n",
    "#include <b{n}.h>\n",
    "\t\x0c\r\n",
    "use crate::x{n}::{{y, z}};\n",
    "🙂" * 30 + "\n",
    "(((((((((" * 40,
]


def grow(root: Path, outside: Path, rng: random.Random) -> None:
    """Make folders, files, links in circles and out of the root, pipes, and names and bytes that are no UTF-8."""
    folders = [os.fsencode(root)]
    for number in range(60):
        folder = rng.choice(folders)
        name = rng.choice([b"a", b"b%d" % number, b"\xff\xfe%d" % number, b" .. %d" % number, "ü".encode()])
        path = os.path.join(folder, name)
        suffix = rng.choice(SUFFIXES).encode()
        if os.path.lexists(path) or os.path.lexists(path + suffix):
            continue
        match rng.randrange(9):
            case 0 | 1:
                os.mkdir(path)
                folders.append(path)
            case 2:
                os.symlink(rng.choice([*folders, b".", b"..", os.fsencode(outside), path]), path)
            case 3:
                os.mkfifo(path + suffix)
            case 4:
                Path(os.fsdecode(path + suffix)).write_bytes(rng.randbytes(rng.randrange(300)))
            case 5:
                Path(os.fsdecode(path + suffix)).write_text("unreadable_zebra\n")
                os.chmod(path + suffix, 0)
            case _:
                text = "".join(rng.choice(LINES).format(n=rng.randrange(9)) for _ in range(rng.randrange(40)))
                Path(os.fsdecode(path + suffix)).write_text(text)


@pytest.mark.parametrize("seed", range(12))
def test_any_tree_is_indexed_and_asked_and_nothing_outside_it_is_read(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "secret.py").write_text("def outside_zebra(): ...\n")
    grow(root, outside, rng)
    index = Index(index_path(root, tmp_path / "cache"))
    index.update(Rules(root))
    workspace = Workspace(root, tmp_path / "cache")
    paths = [path for (path,) in index.read("SELECT path FROM files")]
    assert all(not path.startswith("/") and ".." not in path.split("/") for path in paths)
    assert all((root / path).resolve().is_relative_to(root.resolve()) for path in paths)
    for path in paths[:12]:
        text = (root / path).read_text(encoding="utf-8")
        snapshot = Snapshot(Document(path, text, "python", 1), rng.randint(0, len(text)))
        packed = pack(snapshot, collect(snapshot, workspace), Budget(500), len)
        assert packed.tokens <= 500
        assert "outside_zebra" not in packed.context
    assert b"outside_zebra" not in bytes_on_disk(tmp_path / "cache")
    workspace.close()
    index.close()


def test_files_that_change_and_go_while_they_are_read(tmp_path: Path) -> None:
    rng = random.Random(3)
    root = tmp_path / "root"
    root.mkdir()
    stop = threading.Event()

    def disturb() -> None:
        while not stop.is_set():
            path = root / f"f{rng.randrange(30)}.py"
            match rng.randrange(4):
                case 0:
                    path.unlink(missing_ok=True)
                case 1 if not path.is_symlink():
                    path.write_bytes(rng.randbytes(100))
                case 2:
                    path.unlink(missing_ok=True)
                    path.symlink_to(tmp_path)
                case _ if not path.is_symlink():
                    path.write_text(f"def g{rng.randrange(99)}(): ...\n" * rng.randrange(200))

    thread = threading.Thread(target=disturb)
    thread.start()
    index = Index(index_path(root, tmp_path / "cache"))
    try:
        for _ in range(40):
            index.update(Rules(root))
    finally:
        stop.set()
        thread.join(SECONDS)
    index.update(Rules(root))
    rules = Rules(root)
    allowed = {file.path for file in rules.walk() if rules.why(file.path).included}
    assert {path for (path,) in index.read("SELECT path FROM files")} == allowed
    index.close()
