"""The model card, written from the manifest, the log and the checkpoint."""

import json
from pathlib import Path

from training.checkpoints import Progress
from training.data import MANIFEST
from training.model import Model

CARD = """# {name}

The code model that ships with Midspan: small enough to sit in the package, quick enough for every
keystroke on two cores. It fills holes in Python; without any setting, Midspan uses it.

## What it is

DeepSeek-V2 architecture (multi-head latent attention, a shared expert and {routed} routed experts of
which {active} work on a token, the first layer dense): {parameters:.1f}M parameters, {working:.1f}M at work on a token,
{layers} layers, hidden {hidden}, byte-level BPE vocabulary of {vocabulary}. Context trained: {context} tokens.
Weights are bf16 safetensors under the names of the released DeepSeek-V2 models; the head is tied to
the embedding. FIM in the orders PSM and SPM, with DeepSeek's sentinels.

## How it was trained

From scratch, on two CPU cores in the background, with `python -m training` (see `training/` in
Midspan's source): Muon for the matrices, AdamW for the rest, warm-up, stable phase, linear decay.

| | |
|---|---|
| steps | {steps} |
| tokens seen | {tokens:.1f} million |
| loss on held-out packages, plain text | {plain} nats a token |
| loss on held-out packages, documents with a hole | {fim} nats a token |

## Data and licences

{megabytes:.0f} MB of Python from {packages} packages under MIT, BSD, Apache-2.0 or PSF licences, read from their
metadata and checked again for foreign headers in every file; generated and vendored files and
near-duplicates dropped. Files that share three lines in a row with HumanEval's infilling tasks were
left out ({excluded} files). `training/manifest.json` names every package with version, licence, size and
digest; the text itself is not distributed. Never trained on: {held_out}.

## What it can do and what not

It continues the line or the block at the cursor, repeats names and patterns that stand in the
prompt, closes brackets, and stops by itself. It has seen a few million tokens, thousands of
times fewer than models one downloads: it does not know libraries by heart, does not reason about
an algorithm, and its suggestions are often plausible and wrong. It is not a chat model, knows
Python only, and must not be used to judge whether code is correct or safe.

## Figures

{figures}
"""
NO_FIGURES = "Not measured yet on this checkpoint: HumanEval SingleLine, exact match and pass@1."


def last_losses(log: Path) -> dict[str, float]:
    """The newest validation losses of the run."""
    found: dict[str, float] = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log.is_file() else []:
        entry = json.loads(line)
        found |= {key: entry[key] for key in ("val_plain", "val_fim") if key in entry}
    return found


def count_parameters(model: Model) -> tuple[float, float]:
    """Millions of parameters, in all and at work on one token."""
    total = sum(parameter.numel() for parameter in model.parameters())
    routed = sum(p.numel() for name, p in model.named_parameters() if ".experts." in name)
    idle = routed * (1 - model.shape.num_experts_per_tok / model.shape.n_routed_experts)
    return total / 1e6, (total - idle) / 1e6


def write_card(log: Path, progress: Progress, model: Model, target: Path, name: str) -> None:
    """Write the card."""
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    packages = manifest["packages"]
    losses = last_losses(log)
    parameters, working = count_parameters(model)
    target.write_text(
        CARD.format(
            name=name,
            routed=model.shape.n_routed_experts,
            active=model.shape.num_experts_per_tok,
            parameters=parameters,
            working=working,
            layers=model.shape.num_hidden_layers,
            hidden=model.shape.hidden_size,
            vocabulary=model.shape.vocab_size,
            context=progress.sequence_tokens,
            steps=progress.step,
            tokens=progress.tokens / 1e6,
            plain=losses.get("val_plain", "not measured"),
            fim=losses.get("val_fim", "not measured"),
            megabytes=manifest["train_bytes"] / 1e6,
            packages=sum(not entry["held_out"] for entry in packages),
            excluded=manifest["files_dropped"].get("copies an evaluation text", 0),
            held_out=", ".join(entry["name"] for entry in packages if entry["held_out"]),
            figures=NO_FIGURES,
        ),
        encoding="utf-8",
    )
