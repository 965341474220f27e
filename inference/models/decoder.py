"""The decoder that all families share: an embedding, layers of attention and MLP with a norm before each, a head."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from inference.models.architecture import ModelConfig
from inference.models.batch import Batch
from inference.models.forward_pass import ALL_SUBLAYERS, StopFlag
from inference.models.rotary import Rotary
from inference.weights.checkpoint import TensorSource
from inference.weights.linear import Embedding, load_head
from kernels.rmsnorm import add_rmsnorm, rmsnorm


class Attention(Protocol):
    """The attention of one layer with its weights."""

    def __call__(self, x: Tensor, cos: Tensor, sin: Tensor, batch: Batch, pages: Tensor) -> Tensor:
        """Attend from the batch's new tokens, after writing their cache entries into the layer's pages.

        x [T, hidden], cos and sin [T, D / 2], pages [P, S, W] -> [T, hidden].
        """


Mlp = Callable[[Tensor], Tensor]  # [T, hidden] -> [T, hidden]


@dataclass(frozen=True)
class Layer:
    """A layer's parts; the norms are [hidden]."""

    attention_norm: Tensor
    attention: Attention
    mlp_norm: Tensor
    mlp: Mlp


class Decoder:
    """A model with its weights. `load_attention` and `load_mlp` load a layer's parts from their index and prefix."""

    def __init__(
        self,
        config: ModelConfig,
        source: TensorSource,
        rotary: Rotary,
        load_attention: Callable[[str], Attention],
        load_mlp: Callable[[int, str], Mlp],
    ) -> None:
        """Load every tensor once, under its released name."""
        shape = (config.vocab_size, config.hidden_size)
        self.config = config
        self._rotary = rotary
        is_tied = config.tie_word_embeddings
        self._embedding = Embedding(source, "model.embed_tokens.weight", shape, is_tied)
        self.layers = []
        for index in range(config.num_hidden_layers):
            prefix = f"model.layers.{index}."
            layer = Layer(
                attention_norm=source.load(prefix + "input_layernorm.weight", (config.hidden_size,)),
                attention=load_attention(prefix + "self_attn."),
                mlp_norm=source.load(prefix + "post_attention_layernorm.weight", (config.hidden_size,)),
                mlp=load_mlp(index, prefix + "mlp."),
            )
            self.layers.append(layer)
        self._norm = source.load("model.norm.weight", (config.hidden_size,))
        self._head = self._embedding.make_head() if is_tied else load_head(source, "lm_head.weight", shape)

    def forward(self, batch: Batch, pages: Tensor) -> Tensor:
        """Run the batch's new tokens, writing their cache entries into `pages` [layers, P, S, config.page_width].

        Returns fp32 logits [L, vocabulary] of `batch.logit_rows`.
        """
        forward_pass = self.begin(batch, pages)
        while (logits := forward_pass.run()) is None:
            pass
        return logits

    def begin(self, batch: Batch, pages: Tensor) -> "DecoderPass":
        """Make the forward pass that `forward` runs to its end."""
        return DecoderPass(self, batch, pages)

    def rotations(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the cosines and sines of the batch's positions, [T, D / 2] each."""
        return self._rotary.angles(batch.positions)

    def embed(self, tokens: Tensor) -> Tensor:
        return self._embedding(tokens)

    def logits(self, x: Tensor) -> Tensor:
        """[L, hidden] -> fp32 [L, vocabulary]."""
        return self._head(rmsnorm(x, self._norm, self.config.rms_norm_eps)).float()


class DecoderPass:
    """A forward pass of a decoder; between two sublayers it keeps the residual of its rows."""

    def __init__(self, decoder: Decoder, batch: Batch, pages: Tensor) -> None:
        self._decoder = decoder
        self._batch = batch
        self._pages = pages
        self._rotations = decoder.rotations(batch)
        self._x = decoder.embed(batch.tokens)  # [T, hidden]
        self._change: Tensor | None = None  # of the last sublayer, which the next norm adds to `_x`
        self.sublayers = 2 * len(decoder.layers)
        self.sublayers_done = 0

    def run(self, stop: StopFlag | None = None, most_sublayers: int = ALL_SUBLAYERS) -> Tensor | None:
        first = self.sublayers_done
        for sublayer in range(first, self.sublayers):
            self._run_sublayer(sublayer)
            self.sublayers_done += 1
            if self.sublayers_done - first == most_sublayers or (stop is not None and stop.is_set):
                return None
        rows = self._batch.logit_rows
        return self._decoder.logits(self._x[rows] if self._change is None else self._x[rows] + self._change[rows])

    def _run_sublayer(self, sublayer: int) -> None:
        index = sublayer // 2
        layer = self._decoder.layers[index]
        if sublayer % 2:
            self._change = layer.mlp(self._normalise(layer.mlp_norm))
        else:
            x = self._normalise(layer.attention_norm)
            self._change = layer.attention(x, *self._rotations, self._batch, self._pages[index])

    def _normalise(self, weight: Tensor) -> Tensor:
        """Add the change of the last sublayer to the residual, and normalise the sum."""
        eps = self._decoder.config.rms_norm_eps
        if self._change is None:
            return rmsnorm(self._x, weight, eps)
        normed, self._x = add_rmsnorm(self._change, self._x, weight, eps)
        return normed
