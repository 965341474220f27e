"""The trainable model is the released architecture, and its experts drop no choice below their capacity."""

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer

from training.corpus.tokenizer import SENTINELS, TextEncoder
from training.model.checkpoints import Progress
from training.model.deepseek_v2 import Model
from training.model.experts import assign_slots, move_to_slots, sum_from_slots
from training.model.optimizer import OptimizerSettings, build_optimizers, orthogonalize
from training.model.shape import ModelShape
from training.release.export import export_model


def test_exported_logits_agree_with_transformers(tmp_path: Path, tiny_shape: ModelShape, encoder: TextEncoder) -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(11)
    model = Model(tiny_shape, torch.float32)
    for parameter in model.parameters():  # far from the start values, so that a mix-up shows
        parameter.data += 0.1 * torch.randn_like(parameter)
    export_model(model, encoder, Progress(sequence_tokens=128), tmp_path, torch.float32)
    reference = transformers.DeepseekV2ForCausalLM.from_pretrained(
        tmp_path, dtype=torch.float32, attn_implementation="eager"
    )
    ids = torch.randint(0, tiny_shape.vocab_size, (2, 100))
    with torch.no_grad():
        difference = (model.logits(ids) - reference(ids).logits).abs().max()
    assert difference < 1e-4
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert tokenizer.token_to_id(SENTINELS[-1]) == tiny_shape.vocab_size - 1


def test_batched_experts_equal_a_loop_forward_and_backward() -> None:
    torch.manual_seed(2)
    tokens, experts, choices, width = 40, 4, 2, 6
    x = torch.randn(tokens, width, dtype=torch.float64, requires_grad=True)
    scores = torch.randn(tokens, experts, dtype=torch.float64, requires_grad=True)
    matrices = torch.randn(experts, width, width, dtype=torch.float64)
    weights, chosen = scores.softmax(-1).topk(choices, -1)
    slots = assign_slots(chosen, experts, capacity=tokens)
    rows = move_to_slots(x, slots).view(experts, tokens, width)
    batched = sum_from_slots(torch.bmm(rows, matrices).flatten(0, 1), weights, slots)
    looped = torch.stack(
        [
            torch.stack([weights[t, k] * (x[t] @ matrices[chosen[t, k]]) for k in range(choices)]).sum(0)
            for t in range(tokens)
        ]
    )
    assert torch.allclose(batched, looped)
    pull = torch.randn_like(batched)
    for got, wanted in zip(
        torch.autograd.grad((batched * pull).sum(), (x, scores), retain_graph=True),
        torch.autograd.grad((looped * pull).sum(), (x, scores)),
        strict=True,
    ):
        assert torch.allclose(got, wanted)


def test_choices_past_the_capacity_add_nothing() -> None:
    chosen = torch.zeros(10, 1, dtype=torch.long)
    slots = assign_slots(chosen, experts=2, capacity=4)
    assert slots.kept.sum() == 4
    x = torch.randn(10, 3)
    out = sum_from_slots(move_to_slots(x, slots), torch.ones(10, 1), slots)
    assert torch.equal(out[:4], x[:4])
    assert not out[4:].any()


@pytest.mark.parametrize("size", [(3, 16, 16), (2, 24, 10), (2, 10, 24)])
def test_muon_updates_are_near_orthogonal(size: tuple[int, int, int]) -> None:
    torch.manual_seed(4)
    values = torch.linalg.svdvals(orthogonalize(torch.randn(size)))
    assert values.min() > 0.4
    assert values.max() < 1.4


def test_muon_takes_the_matrices_and_adam_the_rest(tiny_shape: ModelShape) -> None:
    model = Model(tiny_shape)
    muon, adam = build_optimizers(model, OptimizerSettings())
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    in_adam = {names[id(p)] for group in adam.param_groups for p in group["params"]}
    assert "embed_tokens.weight" in in_adam
    assert "layers.1.mlp.gate.weight" in in_adam
    in_muon = {names[id(p)] for group in muon.param_groups for p in group["params"]}
    assert "layers.1.mlp.experts.down_proj" in in_muon
    assert in_adam | in_muon == set(names.values())
