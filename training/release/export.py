"""The export of a checkpoint as a released DeepSeek-V2 folder: safetensors, config, tokenizer, card.

python -m training.release.export --run decayed --out inference/builtin
python -m training.release.export --run decayed --out inference/builtin --card-only    # after the benchmarks
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from training.corpus.tokenizer import TextEncoder, add_sentinels, load_run_encoder
from training.model.checkpoints import Progress, load_shape, load_weights, newest_checkpoint, run_folder
from training.model.deepseek_v2 import Model
from training.model.released_format import WEIGHTS, progress_header, released_tensors
from training.model.shape import released_config
from training.release.card import NAME, write_card

MAX_BYTES = 40_000_000


def export_model(
    model: Model,
    encoder: TextEncoder,
    progress: Progress,
    out: Path,
    dtype: torch.dtype = torch.bfloat16,
) -> None:
    """Write weights, config and tokenizer; the context is the length that was trained last."""
    out.mkdir(parents=True, exist_ok=True)
    partial = out / f"{WEIGHTS}.partial"
    save_file(released_tensors(model, dtype), partial, metadata=progress_header(progress))
    partial.chmod(0o644)  # the writer makes it private to this user
    if partial.stat().st_size > MAX_BYTES:
        raise SystemExit(f"the weights have {partial.stat().st_size} bytes, over {MAX_BYTES}")
    config = released_config(model.shape, encoder.bos, encoder.eos, progress.sequence_tokens, NAME)
    config["torch_dtype"] = str(dtype).removeprefix("torch.")
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    add_sentinels(encoder.text_only).save(str(out / "tokenizer.json"))
    partial.replace(out / WEIGHTS)


def load_trained(checkpoint: Path, dtype: torch.dtype) -> tuple[Model, Progress]:
    """The checkpoint's model, computing in `dtype`, and the progress of its run."""
    model = Model(load_shape(checkpoint), dtype)
    return model, load_weights(checkpoint, model)


def main() -> None:
    """Command line of the export."""
    parser = argparse.ArgumentParser(description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--run", help="export this run's newest checkpoint")
    which.add_argument("--checkpoint", type=Path)
    parser.add_argument("--stable", default="stable", help="the run that this one was branched from")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--card-only", action="store_true", help="write the card again, with the results")
    arguments = parser.parse_args()
    checkpoint = arguments.checkpoint or newest_checkpoint(run_folder(arguments.run))
    if checkpoint is None:
        raise SystemExit(f"run {arguments.run!r} has no checkpoint")
    model, progress = load_trained(checkpoint, torch.float32)
    if not arguments.card_only:
        export_model(model, load_run_encoder(checkpoint.parent), progress, arguments.out)
    logs = run_folder(arguments.stable) / "log.jsonl", checkpoint.parent / "log.jsonl"
    write_card(logs, model, progress, arguments.out)
    print(f"{checkpoint.name} exported to {arguments.out}")


if __name__ == "__main__":
    main()
