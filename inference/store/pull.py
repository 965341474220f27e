"""`midspan model pull`: fetches a model by its name or repository into the store."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from inference.prompts.families import family_of
from inference.store.catalogue import (
    Catalogue,
    CatalogueModel,
    FolderMirror,
    HubMirror,
    PackagesMirror,
    UrlMirror,
    checked_for_mirrors,
    find_model,
)
from inference.store.hub import HubFile, HubRevision, fetch_from_hub, find_revision
from inference.store.hub_cache import copy_from_cache, is_offline
from inference.store.import_model import CONFIG_FILE, finish_folder, finish_gguf
from inference.store.mirrors import fetch_from_mirror
from inference.store.model_store import InterruptedFetchError, ModelStore
from inference.store.released_folder import INDEX_FILE, SINGLE_FILE, TOKENIZER_FILE, read_index
from midspan import ModelError

Fetch = Callable[[Path], str]  # fills the folder and returns the source of the files in words


def pull_model(store: ModelStore, catalogue: Catalogue, wanted: str) -> Path:
    """Fetch a model and return its folder. `wanted` is a name of the catalogue or OWNER/NAME, and may have @REVISION.

    Raises ModelError; after InterruptedFetchError, the same call continues where this one stopped.
    """
    repository, _, revision = wanted.partition("@")
    model = find_model(catalogue, repository)
    if model is None and "/" not in repository:
        raise ModelError(
            f"{repository}: is not in the catalogue, which `midspan model list` shows; a hub's models are called "
            f"OWNER/NAME"
        )
    title = (model.repository if model else repository).rpartition("/")[2]
    name = model.name if model else title
    command = f"midspan model pull {wanted}"
    with store.making(name, command) as work:
        if model:
            source = _try_each(_sources(model, revision or None), work.fetched, command)
        else:
            source = _try_each([partial(_from_hub, repository, revision or None, None, None)], work.fetched, command)
        if model and model.gguf:
            finish_gguf(work.fetched / model.gguf.name, work.result, source, command, title=title, name=name)
        else:
            finish_folder(work.fetched, work.result, source, command, title=title, name=name, move=True)
    return store.folder(name)


def _sources(model: CatalogueModel, revision: str | None) -> Iterator[Fetch]:
    """List the sources: the model's hub, then the mirrors. Only the hub has revisions that a user can name."""
    yield partial(_from_hub, model.repository, revision, None, model)
    for mirror in () if revision else model.mirrors:
        if isinstance(mirror, HubMirror):
            yield partial(_from_hub, mirror.repository or model.repository, None, mirror.endpoint, model)
        else:
            yield partial(_from_mirror, mirror, model)


def _try_each(sources: Iterator[Fetch] | list[Fetch], folder: Path, command: str) -> str:
    """Fetch from the first source that has the model and return its words. ModelError has the reasons of all."""
    reasons: list[ModelError] = []
    for fetch in sources:
        try:
            return fetch(folder)
        except ModelError as error:
            reasons.append(error)
    words = "; ".join(map(str, reasons))
    if any(isinstance(error, InterruptedFetchError) for error in reasons):
        raise InterruptedFetchError(f"{words}; run `{command}` again: it goes on where it stopped")
    raise ModelError(words)


def _from_mirror(mirror: FolderMirror | UrlMirror | PackagesMirror, model: CatalogueModel, folder: Path) -> str:
    fetch_from_mirror(mirror, checked_for_mirrors(model), folder)
    return str(mirror)


def _from_hub(
    repository: str, revision: str | None, endpoint: str | None, model: CatalogueModel | None, folder: Path
) -> str:
    if is_offline() and endpoint is None:
        known = {file.name: file.sha256 for file in model.files if file.sha256} if model else {}
        return copy_from_cache(repository, revision, model.gguf.name if model and model.gguf else None, known, folder)
    found = find_revision(repository, revision, endpoint)
    if model:
        found = _with_known_hashes(found, model)
    if model and model.gguf:
        fetch_from_hub(found, [found.file(model.gguf.name)], folder)
    else:
        _fetch_released(found, folder)
    return str(found)


def _with_known_hashes(found: HubRevision, model: CatalogueModel) -> HubRevision:
    """Put the catalogue's sha256 in place of the hub's. Raises ModelError where the two differ."""
    known = {file.name: file.sha256 for file in model.files if file.sha256}
    for file in found.files:
        if file.sha256 and known.get(file.name, file.sha256) != file.sha256:
            raise ModelError(f"{found}: its {file.name} has another sha256 than the catalogue says")
    files = tuple(replace(file, sha256=known.get(file.name, file.sha256)) for file in found.files)
    return replace(found, files=files)


def _fetch_released(found: HubRevision, folder: Path) -> None:
    """Fetch the small files first, to refuse an unknown architecture before gigabytes are fetched."""
    licences = [file for file in found.files if file.name.startswith("LICENSE")]
    index = [file for file in found.files if file.name == INDEX_FILE]
    fetch_from_hub(found, [found.file(CONFIG_FILE), found.file(TOKENIZER_FILE), *licences, *index], folder)
    config = json.loads((folder / CONFIG_FILE).read_bytes())
    family_of(config.get("model_type"), found)
    fetch_from_hub(found, _weights(found, folder), folder)


def _weights(found: HubRevision, folder: Path) -> list[HubFile]:
    if (folder / INDEX_FILE).exists():
        return [found.file(name) for name in read_index(folder / INDEX_FILE)]
    return [found.file(SINGLE_FILE)]
