"""`midspan model pull`: fetches a model by its name or repository into the store."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from inference.model_files import CONFIG_FILE, INDEX_FILE, SINGLE_FILE, TOKENIZER_FILE
from inference.models.description import read_description
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
from inference.store.hub import HubRevision, fetch_from_hub, find_revision
from inference.store.hub_cache import copy_from_cache, is_offline
from inference.store.import_model import finish_folder, finish_gguf
from inference.store.mirrors import fetch_from_mirror
from inference.store.model_store import InterruptedFetchError, ModelStore
from inference.store.released_folder import licences
from inference.weights.shards import find_shards
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
    yield partial(_from_hub, model.repository, revision or model.revision, None, model)
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
    # The user may name another revision than the catalogue, which has other files.
    known = _known_hashes(model) if model and revision in (None, model.revision) else {}
    if is_offline() and endpoint is None:
        return copy_from_cache(repository, revision, model.gguf.name if model and model.gguf else None, known, folder)
    found = find_revision(repository, revision, endpoint)
    found = _with_known_hashes(found, known)
    if model and model.gguf:
        fetch_from_hub(found, [found.file(model.gguf.name)], folder)
    else:
        _fetch_released(found, folder)
    return str(found)


def _known_hashes(model: CatalogueModel) -> dict[str, str]:
    return {file.name: file.sha256 for file in model.files if file.sha256}


def _with_known_hashes(found: HubRevision, known: Mapping[str, str]) -> HubRevision:
    """Put the catalogue's sha256 in place of the hub's. Raises ModelError where the two differ."""
    for file in found.files:
        if file.sha256 and known.get(file.name, file.sha256) != file.sha256:
            raise ModelError(f"{found}: its {file.name} has another sha256 than the catalogue says")
    files = tuple(replace(file, sha256=known.get(file.name, file.sha256)) for file in found.files)
    return replace(found, files=files)


def _fetch_released(found: HubRevision, folder: Path) -> None:
    """Fetch the small files first, to refuse a model that Midspan does not run before gigabytes are fetched."""
    names = [CONFIG_FILE, TOKENIZER_FILE, *licences(file.name for file in found.files)]
    index = [file for file in found.files if file.name == INDEX_FILE]
    fetch_from_hub(found, [*map(found.file, names), *index], folder)
    read_description(folder)
    shards = [name for name, _ in find_shards(folder)] if index else [SINGLE_FILE]
    fetch_from_hub(found, [found.file(name) for name in shards], folder)
