"""The model card, written from the manifest, the logs, the checkpoint and the results of `midspan eval`."""

import json
from pathlib import Path
from typing import Any

from evaluation.results import digest_model, to_table
from training.corpus.files import MANIFEST
from training.model.checkpoints import Progress
from training.model.deepseek_v2 import Model
from training.release.curve import Curve, draw_curves, read_curve, thin_out

NAME = "midspan-builtin-6"
SHAPES = Path(__file__).parents[1] / "shapes.md"
RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"

CARD = """# {name}

The code model that ships with Midspan: small enough to sit in the package, quick enough for every
keystroke on two cores. It fills holes in Python, TypeScript, JavaScript, Go, Rust and C; without any setting, Midspan
uses it.

## What it is

DeepSeek-V2 architecture (multi-head latent attention, a shared expert and {routed} routed experts of
which {active} work on a token, the first layer dense): {parameters:.1f}M parameters, {working:.1f}M at work on a token,
{layers} layers, hidden {hidden}, byte-level BPE vocabulary of {vocabulary}. Context trained: {context} tokens.
Weights are bf16 safetensors under the names of the released DeepSeek-V2 models; the head is tied to
the embedding. FIM in the orders SPM (the one to use) and PSM, with DeepSeek's sentinels.

## How it was trained

From scratch, on two CPU cores that others used at the same time, with `python -m training` (see `training/` in
Midspan's source): Muon for the matrices, AdamW for the rest, warm-up, stable phase, linear decay.

| | |
|---|---|
| steps, of these in the decay | {steps}, {decay_steps} |
| tokens seen, of these in the decay | {tokens:.1f} million, {decay_tokens:.1f} million |
| hours, on the last machine alone | {hours:.1f} |
| loss on held-out packages, plain text | {plain} nats a token |
| loss on held-out packages, documents with a hole | {fim} nats a token |

The curve (training loss, nats a token; the decay phase draws more documents with a hole, and longer ones):

| phase | step | million tokens | loss |
|---|---|---|---|
{curve}

![The losses on the way](curve.png)

### Shapes tried

{shapes}
## Data and licences

{megabytes:.0f} MB of code from {packages} packages under MIT, BSD, Apache-2.0, PSF and like licences, read from their
metadata and checked again for foreign headers in every file. Up to the third model all of it was Python. The fourth
went on with Python in half of the documents, later in two of three; TypeScript and JavaScript, Go, Rust and C share
the others. The fifth has also learned from changes: 8 of 100 of its later documents ask for the next of several edits
between two releases. The sixth went on with all of that, for more than twice as many tokens. Generated and vendored
files and near-duplicates dropped. Files that share three lines in a row with HumanEval's infilling tasks were left
out ({excluded} files). `training/corpus/manifest.json` names every package with version, licence, size and digest;
the text itself is not distributed. Never trained on: {held_out}.

## What it can do and what not

It continues the line at the cursor with text that looks like the code around it, takes a name that is begun from
another file in the prompt, and mostly ends by itself; the figures below say how often it is right. The order SPM is
BOS context hole suffix begin prefix end. PSM was a tenth of the training's holes, and is much worse. A prompt should
end where a word begins: a word that is begun is better taken back and asked for again. It has seen {tokens:.0f} million
tokens, hundreds of thousands of times fewer than models one downloads: it does not know libraries by heart, does not
reason about an algorithm, and its suggestions are mostly plausible and wrong. Its tokens were learned from Python, so
that it reads the other languages in shorter pieces. It is not a chat model, and must not be used to judge whether code
is correct or safe.

Midspan mixes what the prompt and the repository say of the next token with what the model says, with the weights in
`copying.json`, which were learned on packages that no model was trained on. The plain prompt of the figures has no such
help.

## Figures

{figures}
"""
NO_FIGURES = "Not measured yet on these weights."


def read_figures(weights: str) -> str:
    """Tables of the results that were measured on exactly these weights, each with its command and changed settings."""
    parts = []
    for path in sorted(RESULTS.rglob("*.json")):
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if result.get("weights") == weights:
            changed = " and ".join(f"`{name} = {json.dumps(value)}`" for name, value in result["settings"].items())
            title = f"`{result['command']}` with {changed}" if changed else f"`{result['command']}`"
            parts.append(f"{title}:\n\n{to_table(result['ways'])}")
    return "\n\n".join(parts) or NO_FIGURES


def describe_curve(stable: Curve, decay: Curve) -> str:
    """The rows of the card's table of losses."""
    rows = [("stable", point) for point in thin_out(stable.points)]
    rows += [("decay", point) for point in thin_out(decay.points)]
    return "\n".join(f"| {phase} | {p.step} | {p.tokens / 1e6:.1f} | {p.loss:.2f} |" for phase, p in rows)


def count_parameters(model: Model) -> tuple[float, float]:
    """Millions of parameters, in all and at work on one token."""
    total = sum(parameter.numel() for parameter in model.parameters())
    routed = sum(p.numel() for name, p in model.named_parameters() if ".experts." in name)
    idle = routed * (1 - model.shape.num_experts_per_tok / model.shape.n_routed_experts)
    return total / 1e6, (total - idle) / 1e6


def write_card(logs: tuple[Path, Path], model: Model, progress: Progress, out: Path) -> None:
    """Write `README.md` and `curve.png` into a folder that holds the exported model.

    `logs` are the stable run's and the decay's.
    """
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    packages = manifest["packages"]
    stable = read_curve(logs[0], progress.step - progress.run_steps)
    decay = read_curve(logs[1], progress.step)
    if stable.points or decay.points:
        draw_curves({"stable": stable, "decay": decay}, out / "curve.png")
    parameters, working = count_parameters(model)
    (out / "README.md").write_text(
        CARD.format(
            name=NAME,
            routed=model.shape.n_routed_experts,
            active=model.shape.num_experts_per_tok,
            parameters=parameters,
            working=working,
            layers=model.shape.num_hidden_layers,
            hidden=model.shape.hidden_size,
            vocabulary=model.shape.vocab_size,
            context=progress.sequence_tokens,
            steps=progress.step,
            decay_steps=progress.run_steps,
            tokens=progress.tokens / 1e6,
            decay_tokens=progress.run_tokens / 1e6,
            hours=stable.hours + decay.hours,
            plain=decay.validation.get("val_plain", "not measured"),
            fim=decay.validation.get("val_fim", "not measured"),
            curve=describe_curve(stable, decay),
            shapes=SHAPES.read_text(encoding="utf-8"),
            megabytes=manifest["train_bytes"] / 1e6,
            packages=sum(not entry["held_out"] for entry in packages),
            excluded=manifest["files_dropped"].get("copies an evaluation text", 0),
            held_out=", ".join(entry["name"] for entry in packages if entry["held_out"]),
            figures=read_figures(digest_model(out)),
        ),
        encoding="utf-8",
    )
