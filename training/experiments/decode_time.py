"""The processor time of one decoded token for each shape of `try_shapes`, with random weights.

python -m training.experiments.decode_time
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.quantization import CPU, Runner
from inference.loader import load_model
from inference.models.architecture import parse_config
from inference.models.config_json import read_config_json
from training.corpus.tokenizer import load_encoder
from training.experiments.try_shapes import CANDIDATES
from training.model.checkpoints import Progress
from training.model.deepseek_v2 import Model
from training.model.shape import ModelShape
from training.release.export import export_model

CONTEXT_TOKENS = 512
# The shapes take turns, so that other work on the machine slows all of them alike.
ROUNDS = 8
STEPS = 32
DTYPE = torch.bfloat16


def released_runner(shape: ModelShape) -> Runner:
    """The engine's model of this shape."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        export_model(Model(shape), load_encoder(), Progress(sequence_tokens=CONTEXT_TOKENS), folder, DTYPE)
        raw_config = read_config_json(folder)
        config = parse_config(raw_config, folder / "config.json")
        return Runner(load_model(folder, config, DTYPE, CPU), DTYPE, 2 * CONTEXT_TOKENS)


def decode_s(runner: Runner) -> float:
    """The quickest of some steps of one token."""
    tokens = [0] * CONTEXT_TOKENS
    runner.logits(tokens, 0, 1)
    quickest_s = float("inf")
    for _ in range(STEPS):
        tokens.append(0)
        started_s = time.process_time()
        runner.logits(tokens, len(tokens) - 1, 1)
        quickest_s = min(quickest_s, time.process_time() - started_s)
    return quickest_s


def main() -> None:
    """Print the quickest step of each shape."""
    torch.set_num_threads(1)
    runners = {shape: released_runner(shape) for shape in dict.fromkeys(one.shape for one in CANDIDATES)}
    quickest_s = dict.fromkeys(runners, float("inf"))
    with torch.inference_mode():
        for _ in range(ROUNDS):
            for shape, runner in runners.items():
                quickest_s[shape] = min(quickest_s[shape], decode_s(runner))
    for candidate in CANDIDATES:
        print(f"{candidate.name}: {1000 * quickest_s[candidate.shape]:.2f} ms")


if __name__ == "__main__":
    main()
