"""The gradients of several processes add up to the gradient of one process."""

import pytest
import torch
from torch import Tensor

from training.model.deepseek_v2 import Model
from training.model.gradients import Board, Helpers, LossSettings, add_gradients, build_forward, make_board
from training.model.shape import ModelShape

# Room for every choice, and no balance loss, which is not a mean over tokens.
SETTINGS = LossSettings(capacity_factor=4.0, balance_weight=0.0, device="cpu", compiled=False)


@pytest.fixture
def model(tiny_shape: ModelShape) -> Model:
    torch.manual_seed(0)
    return Model(tiny_shape, torch.float32)


@pytest.fixture
def board(tiny_shape: ModelShape) -> Board:
    torch.manual_seed(1)
    board = make_board(3, 2, 16)
    board.inputs.copy_(torch.randint(0, tiny_shape.vocab_size, board.inputs.shape))
    board.targets.copy_(torch.randint(0, tiny_shape.vocab_size, board.targets.shape))
    board.weights.fill_(1.0)
    return board


def gradients_of_one_batch(model: Model, board: Board) -> list[Tensor]:
    inputs, targets, weights = (part.flatten(0, 1) for part in (board.inputs, board.targets, board.weights))
    loss, plain, _, _ = model(inputs, targets, weights, SETTINGS.capacity_factor)
    torch.testing.assert_close(loss.detach(), plain)  # all weights are 1
    loss.backward()
    gradients = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
    model.zero_grad()
    return gradients


def assert_gradients(model: Model, wanted: list[Tensor]) -> None:
    for parameter, gradient in zip(model.parameters(), wanted, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-6)


def test_each_micro_batch_is_taken_once_and_their_mean_is_the_gradient(model: Model, board: Board) -> None:
    wanted = gradients_of_one_batch(model, board)
    add_gradients(build_forward(model, compiled=False), board, SETTINGS)
    assert_gradients(model, wanted)
    assert list(board.claim()) == []


def test_what_a_helper_has_worked_on_is_added_and_forgotten_after_the_step(model: Model, board: Board) -> None:
    wanted = gradients_of_one_batch(model, board)
    helpers = Helpers(model, board, SETTINGS, count=1)
    try:
        for _ in range(2):
            board.taken.zero_()
            model.zero_grad()
            helpers.begin()
            helpers.finish()  # it did all of it: this process took nothing
            assert_gradients(model, wanted)
        assert board.parts[:, 0].min() > 1
        with torch.no_grad():
            model.embed_tokens.weight.mul_(0.0)
        board.taken.zero_()
        helpers.begin()
        helpers.finish()
        assert board.parts[:, 0].std() < 1e-4  # it sees the new weights: every token is as likely
    finally:
        helpers.close()


def test_a_target_of_more_weight_counts_as_often(model: Model, board: Board) -> None:
    inputs, targets = board.inputs[0, :1], board.targets[0, :1]
    weights = torch.ones(1, 16)
    weights[0, 5] = 3.0
    loss, plain, _, _ = model(inputs, targets, weights, SETTINGS.capacity_factor)
    logits = model.logits(inputs)[0]
    each = torch.nn.functional.cross_entropy(logits, targets[0], reduction="none")
    torch.testing.assert_close(loss, (each.sum() + 2 * each[5]) / 18)
    torch.testing.assert_close(plain, each.mean())
