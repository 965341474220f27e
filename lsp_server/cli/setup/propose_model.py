"""The models that setup proposes: those that are fast enough to complete on this machine, the largest first."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.speed.machine_speed import MachineSpeed
from inference.store.catalogue import Catalogue
from inference.store.model_store import ModelStore
from lsp_server.cli.output.model_listing import list_models
from lsp_server.cli.output.model_marks import has_few_bits, mark_models
from lsp_server.cli.output.sizes import size_in_words

_MOST = 3
_SMALLER = 0.7  # of a model's parameters, for the next proposal to differ from it
_ROOM = 1.5  # the files, and the copy of the weights in the form that fits this machine


@dataclass(frozen=True)
class Proposal:
    """A model of the catalogue or of the store. `licence` is "" where it is not known."""

    name: str
    is_here: bool
    parameters: int
    size_bytes: int
    form: str
    tokens_per_s: float
    licence: str

    def __str__(self) -> str:
        size = size_in_words(self.size_bytes)
        return ", ".join(
            [
                f"{self.name}: {self.parameters / 1e9:.1f} B parameters",
                f"about {self.tokens_per_s:.0f} tokens a second as {self.form}",
                f"{size} on the disk" if self.is_here else f"{size} to fetch",
                f"licence {self.licence or 'not known here, see its page'}",
            ]
        )


def propose_models(store: ModelStore, catalogue: Catalogue, speed: MachineSpeed) -> list[Proposal]:
    """Return the models that complete fast enough, the recommended one first and then the next smaller ones.

    A model for which the disk has no room is left out.
    """
    listing = mark_models(list_models(store, catalogue, speed), {})
    free_bytes = _free_bytes(store.root)
    fast = [
        model
        for place in ("here", "catalogue")
        for model in listing[place]
        if "completion" in model.get("fast_enough", [])
        and (place == "here" or _ROOM * model["size_bytes"] < free_bytes)
    ]
    fast.sort(key=lambda m: ("completion" in m["recommended"], not has_few_bits(m), m["parameters"]), reverse=True)
    chosen: list[dict[str, Any]] = []
    for model in fast:
        if not chosen or model["parameters"] < _SMALLER * chosen[-1]["parameters"]:
            chosen.append(model)
    return [_proposal(model, catalogue, is_here=model in listing["here"]) for model in chosen[:_MOST]]


def _free_bytes(folder: Path) -> int:
    """Return the free bytes of the disk that the folder, which need not be there, will be on."""
    return shutil.disk_usage(next(above for above in (folder, *folder.parents) if above.exists())).free


def _proposal(model: dict[str, Any], catalogue: Catalogue, *, is_here: bool) -> Proposal:
    known = catalogue.get(model["name"])
    licence = known.licence if known is not None else ""
    sizes = (model["parameters"], model["size_bytes"])
    return Proposal(model["name"], is_here, *sizes, model["form"], model["tokens_per_s"], licence)
