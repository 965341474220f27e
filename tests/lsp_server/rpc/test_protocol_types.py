"""The types of LSP are imported with code that an earlier start has compiled, or without it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# Types with the methods that `attrs` writes, and the number of its sources that were compiled.
_IMPORT = """
import builtins, json
import attr._make
compiled = []
real = builtins.compile
def count(source, filename, *others, **more):
    if "<attrs" in str(filename):
        compiled.append(1)
    return real(source, filename, *others, **more)
builtins.compile = count
from lsp_server.rpc.protocol_types import import_protocol_types
import_protocol_types()
from lsprotocol import types
first, second = types.Position(1, 2), types.Position(line=1, character=3)
are_equal = [first == second, first == types.Position(1, 2)]
seen = [repr(types.Range(first, second)), *are_equal, hasattr(attr._make, "compile")]
print(json.dumps([len(compiled), seen]))
"""
_SEEN = ["1:2-1:3", False, True, False]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "midspan"


def import_types(cache: Path) -> int:
    """Import the types in a process of their own, and return how many sources it compiled."""
    environment = os.environ | {"XDG_CACHE_HOME": str(cache.parent)}
    done = subprocess.run([sys.executable, "-c", _IMPORT], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    count, seen = json.loads(done.stdout)
    assert seen == _SEEN
    return int(count)


def kept_file(cache: Path) -> Path:
    (file,) = cache.iterdir()
    return file


def test_the_second_start_compiles_nothing(cache: Path) -> None:
    assert import_types(cache) > 500
    assert import_types(cache) == 0


def test_a_damaged_file_is_not_read_and_made_anew(cache: Path) -> None:
    import_types(cache)
    file = kept_file(cache)
    data = file.read_bytes()
    file.write_bytes(data[:-10] + bytes([data[-10] ^ 1]) + data[-9:])
    assert import_types(cache) > 500
    assert file.read_bytes() == data
    file.write_bytes(b"")
    assert import_types(cache) > 500
    assert import_types(cache) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_file_that_another_user_may_write_is_not_read(cache: Path) -> None:
    import_types(cache)
    file = kept_file(cache)
    assert file.stat().st_mode & 0o077 == 0
    file.chmod(0o620)
    assert import_types(cache) > 500
    assert file.stat().st_mode & 0o077 == 0


def test_a_cache_that_cannot_be_written_is_no_error(cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_text("a file")
    assert import_types(cache) > 500
