"""Files that somebody made to harm `midspan model import`, `verify` and `pull` are refused in one line."""

import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from inference.model_files import checked_path
from inference.store.import_model import import_model
from inference.store.manifest import MANIFEST_FILE, read_manifest, verify
from inference.store.model_store import ModelStore
from midspan import ModelError
from tests.inference.folders import LITE, QWEN, write_folder
from tests.inference.hostile_folders import weight
from tests.inference.limits import SMALL_BYTES, Answers, check_refusal, run_within_limits
from tests.inference.store.command import Home
from tests.inference.store.gguf_models import as_gguf

STRING, ARRAY, U32, F32, U64 = 8, 9, 4, 6, 10


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def front(entries: list[bytes], tensors: list[bytes] = [], version: int = 3, count: int | None = None) -> bytes:  # noqa: B006  # never changed
    """Return a GGUF file without values."""
    announced = len(entries) if count is None else count
    return b"GGUF" + struct.pack("<IQQ", version, len(tensors), announced) + b"".join((*entries, *tensors)) + bytes(128)


def entry(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def tensor(name: str, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


LLAMA = entry("general.architecture", STRING, text("llama"))
EMBEDDING = tensor("token_embd.weight", (4, 4))
NUMBERS: Mapping[str, tuple[int, bytes]] = {
    "attention.head_count": (U32, struct.pack("<I", 2)),
    "embedding_length": (U32, struct.pack("<I", 4)),
    "block_count": (U32, struct.pack("<I", 1)),
    "feed_forward_length": (U32, struct.pack("<I", 8)),
    "attention.layer_norm_rms_epsilon": (F32, struct.pack("<f", 1e-6)),
    "context_length": (U32, struct.pack("<I", 64)),
}


def llama(**changed: tuple[int, bytes]) -> bytes:
    """Return a llama file with these numbers in place of good ones."""
    numbers = {**NUMBERS, **{key.replace("__", "."): value for key, value in changed.items()}}
    return front([LLAMA, *(entry(f"llama.{key}", *value) for key, value in numbers.items())], [EMBEDDING])


HUGE_ARRAY = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + entry("a", ARRAY, struct.pack("<IQ", U32, 1 << 60))
FILES: Mapping[str, tuple[bytes, str]] = {
    "an array of 2^60 numbers": (HUGE_ARRAY, f"announces an array of {1 << 60} values"),
    "an array of 2^60 texts": (
        front([entry("a", ARRAY, struct.pack("<IQ", STRING, 1 << 60))]),
        f"announces an array of {1 << 60} values",
    ),
    "an array beyond the end": (
        front([entry("a", ARRAY, struct.pack("<IQ", U64, 1 << 20))]),
        "ends within its metadata",
    ),
    "an array of arrays": (
        front([entry("a", ARRAY, struct.pack("<IQ", ARRAY, 3))]),
        "an array is of the unknown kind 9",
    ),
    "a text of 2^60 bytes": (front([entry("a", STRING, struct.pack("<Q", 1 << 60))]), "announces a text of"),
    "a text that is none": (front([entry("a", STRING, text(b"\xff\xfe"))]), "holds a text that is no UTF-8"),
    "2^60 entries": (front([], count=1 << 60), f"announces {1 << 60} entries"),
    "an unknown kind": (front([entry("a", 77, b"")]), "a value is of the unknown kind 77"),
    "an unknown version": (front([], version=1), "its version is 1, and Midspan reads 2 and 3"),
    "an alignment of nothing": (
        front([entry("general.alignment", U32, bytes(4))]),
        "its alignment is no size",
    ),
    "a tensor of 2^64 values": (front([LLAMA], [tensor("a", (1 << 32, 1 << 32))]), "a is of the shape"),
    "a tensor beyond the end": (front([LLAMA], [tensor("a", (4, 4), offset=1 << 62)]), "it ends inside a"),
    "a tensor of no values": (front([LLAMA], [tensor("a", (0, 4))]), "a is of the shape [0, 4]"),
    "a tensor of an unknown kind": (front([LLAMA], [tensor("a", (4, 4), kind=999)]), "a is of the unknown kind 999"),
    "a tensor of 9 dimensions": (front([LLAMA], [tensor("a", (1,) * 9)]), "a has 9 dimensions"),
    "a name that steers the terminal": (
        front([entry("general.architecture", STRING, text("\x1b]0;owned\x07\nnew line"))]),
        "its architecture is \ufffd]0;owned\ufffd new line; Midspan imports",
    ),
    "a billion layers": (
        llama(block_count=(U32, struct.pack("<I", 10**9))),
        "num_hidden_layers must be a whole number from 1 to 1000, but is 1000000000",
    ),
    "no heads": (llama(attention__head_count=(U32, bytes(4))), "num_attention_heads must be a whole number from 1 to"),
    "heads that are a text": (
        llama(attention__head_count=(STRING, text("two"))),
        "llama.attention.head_count must be a whole number, but is 'two'",
    ),
    "heads that are a list": (
        llama(attention__head_count=(ARRAY, struct.pack("<IQI", U32, 1, 2))),
        "llama.attention.head_count must be a whole number, but is [2]",
    ),
    "layers of different widths": (
        llama(feed_forward_length=(ARRAY, struct.pack("<IQII", U32, 2, 8, 9))),
        "llama.feed_forward_length must be one whole number",
    ),
    "eps is NaN": (
        llama(attention__layer_norm_rms_epsilon=(F32, struct.pack("<f", float("nan")))),
        "rms_norm_eps must be a number from 1e-09 to 1, but is nan",
    ),
    "eps is infinite": (
        llama(attention__layer_norm_rms_epsilon=(F32, struct.pack("<f", float("inf")))),
        "rms_norm_eps must be a number from 1e-09 to 1, but is inf",
    ),
    "no vocabulary": (llama(), "its tokenizer is None; Midspan runs byte-level BPE"),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    root = tmp_path_factory.mktemp("gguf")
    paths = [root / f"{number}.gguf" for number in range(len(FILES))]
    for path, (data, _) in zip(paths, FILES.values(), strict=True):
        path.write_bytes(data)
    return dict(zip(FILES, run_within_limits("import", paths, root), strict=True))


def test_the_file_of_the_report_has_49_bytes() -> None:
    assert len(HUGE_ARRAY) == 49


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_gguf_is_refused_in_one_line(refused: Answers, name: str) -> None:
    check_refusal(refused[name], FILES[name][1])
    assert refused[name]["peak_bytes"] < SMALL_BYTES
    assert not refused[name]["torch"]


@pytest.mark.parametrize("name", ["LICENSE", "LICENSES/MIT.txt", "config.json", "tokenizer.json", "model.safetensors"])
def test_a_link_is_not_followed_out_of_the_folder(name: str, store: ModelStore, released: Path, tmp_path: Path) -> None:
    secret = tmp_path / "shadow"
    secret.write_text("root:secret")
    link = released / name
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(secret)
    with pytest.raises(ModelError, match=rf"{name}: is a link that leads out of the model's folder"):
        import_model(store, released, None)
    assert not store.names()


def test_a_link_within_the_folder_is_followed(store: ModelStore, released: Path) -> None:
    (released / "model.safetensors").rename(released / "weights.bin")
    (released / "model.safetensors").symlink_to("weights.bin")
    imported = import_model(store, released, None)
    assert not (imported / "model.safetensors").is_symlink()
    assert (imported / "model.safetensors").read_bytes() == (released / "weights.bin").read_bytes()


def cached(root: Path) -> Path:
    """Write a folder as the hub's cache keeps it: links to the blobs of the same model."""
    model = root / "models--someone--Tiny-Base"
    snapshot = write_folder(model / "snapshots" / ("0" * 40))
    (model / "blobs").mkdir()
    for path in sorted(snapshot.iterdir()):
        path.rename(model / "blobs" / f"blob-of-{path.name}")
        path.symlink_to(Path("../../blobs") / f"blob-of-{path.name}")
    return snapshot


def test_the_links_of_the_hubs_cache_are_followed(store: ModelStore, tmp_path: Path) -> None:
    imported = import_model(store, cached(tmp_path), None)
    assert imported.name == "Tiny-Base"
    assert verify(imported, read_manifest(imported), lambda _: None) == []


def test_blobs_that_are_a_link_elsewhere_are_no_cache(store: ModelStore, tmp_path: Path) -> None:
    snapshot = cached(tmp_path)
    blobs = snapshot.parents[1] / "blobs"
    blobs.rename(tmp_path / "elsewhere")
    blobs.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="leads out of the model's folder"):
        import_model(store, snapshot, None)


def test_licences_in_their_folder_are_kept(store: ModelStore, released: Path) -> None:
    (released / "LICENSES").mkdir()
    (released / "LICENSES" / "MIT.txt").write_text("free")
    imported = import_model(store, released, None)
    assert (imported / "LICENSES" / "MIT.txt").read_text() == "free"
    assert verify(imported, read_manifest(imported), lambda _: None) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_finite_are_refused(value: float, store: ModelStore, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "released", QWEN)
    weight(value)(folder)
    with pytest.raises(ModelError, match="has values that are not finite"):
        import_model(store, folder, None)
    with pytest.raises(ModelError, match="has values that are not finite"):
        import_model(store, as_gguf(folder, tmp_path / "m.gguf"), None)
    assert not store.names()


BAD_MANIFESTS: Mapping[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a path out of the folder": (
        lambda m: m["files"].update({"../../shadow": m["files"]["config.json"]}),
        "no path inside",
    ),
    "an absolute path": (lambda m: m["files"].update({"/etc/shadow": m["files"]["config.json"]}), "no path inside"),
    "a size of 400 digits": (lambda m: m["files"]["config.json"].update(size_bytes=10**400), "size_bytes must be"),
    "a size that is infinite": (
        lambda m: m["files"]["config.json"].update(size_bytes=float("inf")),
        "size_bytes must be",
    ),
    "a size that is true": (lambda m: m["files"]["config.json"].update(size_bytes=True), "size_bytes must be"),
    "a negative size": (lambda m: m["files"]["config.json"].update(size_bytes=-1), "size_bytes must be"),
    "parameters that are NaN": (lambda m: m.update(parameters=float("nan")), "parameters must be a whole number"),
    "a digest that is a list": (lambda m: m["files"]["config.json"].update(sha256=[]), "has a file without a sha256"),
    "files that are a list": (lambda m: m.update(files=[]), "lacks files, source or command"),
    "a source that is a number": (lambda m: m.update(source=7), "lacks files, source or command"),
}


@pytest.mark.parametrize("name", BAD_MANIFESTS)
def test_a_hostile_manifest_is_refused_by_what_is_wrong(name: str, store: ModelStore, released: Path) -> None:
    change, message = BAD_MANIFESTS[name]
    path = import_model(store, released, "mine") / MANIFEST_FILE
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match=rf"{message}.*midspan model remove mine"):
        read_manifest(path.parent)
    path.write_text('{"files": ' + "[" * 100_000)
    with pytest.raises(ModelError, match="nested too deeply"):
        read_manifest(path.parent)


def test_verify_names_links_and_weights_that_are_not_finite(home: Home, released: Path) -> None:
    home.run("model", "import", released)
    folder = home.models / "Tiny-Base"
    (folder / "tokenizer.json").rename(folder.parent / "tokenizer.json")
    (folder / "tokenizer.json").symlink_to("../tokenizer.json")
    said = home.run("model", "verify", "Tiny-Base").stderr
    assert "tokenizer.json is a link that leads out of the model's folder" in said
    (folder.parent / "tokenizer.json").rename(folder / "tokenizer.json")
    weight(float("nan"))(folder)
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    manifest["files"]["model.safetensors"] = {
        "size_bytes": (folder / "model.safetensors").stat().st_size,
        "sha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
    }
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    done = home.run("model", "verify", "Tiny-Base")
    assert done.returncode == 1
    assert "has values that are not finite (NaN or infinity)" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_config_steers_no_terminal_that_lists_the_model(home: Home, tmp_path: Path) -> None:
    steering = {"name": "fine \x1b[2J\x1b]0;owned\x07", "fim_orders": ["psm"]}
    home.run("model", "import", write_folder(tmp_path / "Tiny", LITE | {"midspan": steering}))
    path = home.models / "Tiny" / MANIFEST_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"source": "\x1b[2Jgone"}))
    for command in (["list"], ["info", "Tiny"]):
        done = home.run("model", *command)
        assert done.returncode == 0
        assert "\x1b" not in done.stdout + done.stderr


OUTSIDE = ["/etc/passwd", "../a", "a/../../b", "a//b", "a/.", "a\\b", "C:a", ""]
ODD = ["NUL", "aux.safetensors", "COM1.txt", "a\x1b", "a\n", "a\u202eb", "a.", "a ", "x" * 300]


@pytest.mark.parametrize("name", OUTSIDE + ODD)
def test_a_name_that_is_no_path_inside_a_folder_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="is no path inside a model's folder"):
        checked_path(name, "someone/Model")


@pytest.mark.parametrize("name", ["model.safetensors", "LICENSES/MIT.txt", "a.b-c_d", "nul-model.txt", "模型.json"])
def test_a_plain_name_is_let_through(name: str) -> None:
    assert checked_path(name, "someone/Model") == name
