"""A kernel at one size, with its reference and the least work that it is."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Case:
    """A kernel at one size. `run` launches it, and `reference` computes its result in fp32 from the same inputs."""

    name: str
    run: Callable[[], Tensor]
    reference: Callable[[], Tensor]
    moved_bytes: int
    flop: int


@dataclass(frozen=True)
class Sizes:
    """The sizes of a model's layer; the defaults are those of DeepSeek-Coder-V2-Lite, and Qwen2.5-Coder-7B's heads."""

    hidden: int = 2048
    latent: int = 512
    rotary: int = 64
    latent_heads: int = 16
    heads: int = 28
    kv_heads: int = 4
    width: int = 128
    experts: int = 64
    top_k: int = 6
    inner: int = 1408
    contexts: tuple[int, ...] = (1024, 32768)
    new_tokens: tuple[int, ...] = (1, 16, 256)
