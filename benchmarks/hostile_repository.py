"""Repositories as an attacker would write them, from seeds: trees, ignore files, settings, sources, model folders."""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inference.local_engine import BUILTIN_MODEL

SUFFIXES = [".py", ".js", ".ts", ".go", ".rs", ".java", ".c", ".cpp", ".md", ".json", ".txt", ""]
# Each repeated piece is slow for some parser, regular expression or counter of brackets.
BOMBS = [
    "{\n", "}\n", "[]", "[", "(", "((\n", "<", "<a ", "/*", "'", '"""\n', "`${", "#if 1\n", "\\\n", "eyJ-", "token ",
    "key=", "-----BEGIN ", "a.", "é", "\U0001f642", "\r", "\x00", "\ufeff", "\t", " ", "f(", "if x:\n ", "import a\n",
    "from .a import *\n", "def f(): pass\n", "class A(B):\n", "http://", "A" * 64, "0" * 40, "x = 1;", "::", "?.",
    "=> ", "@a\n",
]  # fmt: skip
PATTERNS = [
    "*a*a*a*a*ab", "**/**/**/x", "[z-a]", "[[:alpha:]]", "***", "a/**/", "!*", "\\", "[", "?" * 500, "*" * 2000,
    "/" * 300, "\ufeff*.py", "{a,b}", "!/a/../b", "\x00", "# x", " ",
]  # fmt: skip
SETTINGS = [
    'completion.model = "./m"',
    'chat.model = "./m"',
    'completion.model = "remote:http://127.0.0.1:9"',
    'completion.model = "../.."',
    'completion.model = "/proc/self/root"',
    "completion.cache_bytes = 1e26",
    "completion.cache_bytes = 9223372036854775807",
    "completion.max_tokens = -1",
    "completion.max_tokens = 99999999999999999999999",
    "completion = 1",
    "[completion]\nmodel = []",
    'completion.disabled_globs = ["*a*a*a*a*ab", "\\u0000"]',
    'log_level = "\\u001b]0;x\\u0007"',
    "x = " + "[" * 30_000,
    "a." * 5000 + "b = 1",
    "= = =",
    "\x00",
    '"""',
]
VALUES: list[Any] = [
    None, True, -1, 0, 1, 3, 10**9, 2**63, 10**400, 1e-400, float("nan"), float("inf"), "", "x", "1" * 10_000, [], {},
    [[]], {"type": "yarn"},
]  # fmt: skip
MOST_BYTES = 900_000  # files over 1 MB are not read


class HostileRepository:
    """A repository below `root`, the same for the same seed. `texts` are its sources, by path."""

    def __init__(self, root: Path, seed: int) -> None:
        self._dice = random.Random(seed)
        self.root = root
        self.texts: dict[Path, str] = {}
        root.mkdir()
        self._folders = [root]
        for _ in range(self._dice.randrange(4, 24)):
            self._grow()
        for name in (".gitignore", ".midspanignore"):
            self._write(self._dice.choice([root, *self._folders]) / name, self._lines_of(PATTERNS, [1, 3, 400]))
        if self._dice.random() < 0.3:
            self._write(root / ".git", "gitdir: " + self._dice.choice(["../x", "/dev/zero", "\x00", "." * 5000]))
        if self._dice.random() < 0.4:
            self._write_model(root / "m")
            self._write(root / "midspan.toml", 'completion.model = "./m"')
        else:
            self._write(root / "midspan.toml", self._lines_of(SETTINGS, [1, 1, 4]))

    def _grow(self) -> None:
        folder = self._dice.choice(self._folders)
        name = self._dice.choice(
            ["a", "b", "ü", "secrets", "node_modules", "\udcff", " ..", "x" * 200, "\x1b]0;x\x07", "-rf"]
        )
        path = folder / (name + str(self._dice.randrange(30)))
        if self._dice.random() < 0.3 and not os.path.lexists(path):
            path.mkdir()
            self._folders.append(path)
            return
        path = path.with_name(path.name + self._dice.choice(SUFFIXES))
        text = self._source()
        if self._write(path, text):
            self.texts[path] = text

    def _source(self) -> str:
        pieces = self._dice.choices(BOMBS, k=self._dice.randint(1, 3))
        length = self._dice.choice([10, 1000, 30_000, MOST_BYTES])
        if self._dice.random() < 0.5:  # one piece behind the other, or in any order
            return "".join(piece * (length // len(pieces) // len(piece.encode())) for piece in pieces)
        return "".join(self._dice.choices(pieces, k=length // max(len(piece.encode()) for piece in pieces)))

    def _lines_of(self, lines: list[str], counts: list[int]) -> str:
        return "\n".join(self._dice.choices(lines, k=self._dice.choice(counts)))

    def _write(self, path: Path, text: str) -> bool:
        """Write a file, or make something else of this name; return whether it is a file with this text."""
        if os.path.lexists(path):
            return False
        other: list[Callable[[], object]] = [
            lambda: os.mkfifo(path),
            lambda: path.symlink_to(
                self._dice.choice(["/dev/zero", "/proc/self/mem", "/", "..", "/etc/passwd", path.name])
            ),
            path.mkdir,
            lambda: path.write_bytes(self._dice.randbytes(3000)),
        ]
        if self._dice.random() < 0.15:
            self._dice.choice(other)()
            return False
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return True

    def _write_model(self, folder: Path) -> None:
        folder.mkdir()
        for name in ("config.json", "tokenizer.json"):
            content = json.loads((BUILTIN_MODEL / name).read_text(encoding="utf-8"))
            for _ in range(self._dice.randrange(3)):
                self._mutate(content)
            self._write(folder / name, json.dumps(content))
        weights = (BUILTIN_MODEL / "model.safetensors").read_bytes()
        header_bytes = self._dice.choice([None, 0, 2**40, 2**63])
        if header_bytes is not None:
            weights = header_bytes.to_bytes(8, "little") + weights[8 : self._dice.randrange(9, 5000)]
        (folder / "model.safetensors").write_bytes(weights)

    def _mutate(self, content: Any) -> None:
        """Replace one value somewhere in parsed JSON by a wrong one."""
        while isinstance(content, dict | list) and content:
            keys = list(content) if isinstance(content, dict) else range(len(content))
            key = self._dice.choice(keys)
            if not isinstance(content[key], dict | list) or not content[key] or self._dice.random() < 0.2:
                content[key] = self._dice.choice(VALUES)
                return
            content = content[key]
