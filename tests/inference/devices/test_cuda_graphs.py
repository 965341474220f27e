"""The calls that capture a CUDA graph, with torch's part made up: no test machine has a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
import torch

from inference.devices.captured_step import CudaGraphs

DEVICE = torch.device("cuda", 1)


class MadeUpTorch:
    """Stands for torch.cuda, of one thread: a capture makes its stream current, and leaves it so when it fails."""

    def __init__(self) -> None:
        self.current = "the engine's stream"
        self.capturing = 0
        self.most_capturing = 0
        self.arguments: list[Any] = []

    @contextmanager
    def graph(self, graph: Any, pool: Any, stream: Any, capture_error_mode: str) -> Iterator[None]:
        self.arguments.append((pool, stream, capture_error_mode))
        before, self.current = self.current, stream
        self.capturing += 1
        self.most_capturing = max(self.most_capturing, self.capturing)
        try:
            yield
        finally:
            self.capturing -= 1
        self.current = before

    def set_stream(self, stream: Any) -> None:
        self.current = stream


class MadeUpGraph:
    def replay(self) -> None: ...


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> MadeUpTorch:
    made_up = MadeUpTorch()
    monkeypatch.setattr(torch.cuda, "graph", made_up.graph)
    monkeypatch.setattr(torch.cuda, "set_stream", made_up.set_stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: made_up.current)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: "the pool")
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: f"a stream of {device}")
    monkeypatch.setattr(torch.cuda, "CUDAGraph", MadeUpGraph)
    return made_up


def test_graphs_share_a_pool_and_a_failure_leaves_the_engine_its_stream(made_up: MadeUpTorch) -> None:
    graphs = CudaGraphs(DEVICE)
    computed: list[str] = []

    def fails() -> None:
        raise torch.OutOfMemoryError("no memory")

    with pytest.raises(torch.OutOfMemoryError):
        graphs(fails)
    assert made_up.current == "the engine's stream"
    graphs(lambda: computed.append(made_up.current))()
    assert computed == ["a stream of cuda:1"]
    assert made_up.current == "the engine's stream"
    assert made_up.arguments == [("the pool", "a stream of cuda:1", "thread_local")] * 2


def test_one_graph_is_captured_at_a_time(made_up: MadeUpTorch) -> None:
    graphs, other = CudaGraphs(DEVICE), CudaGraphs(DEVICE)
    thread = Thread(target=lambda: other(lambda: None))

    def compute() -> None:
        thread.start()
        thread.join(0.2)

    graphs(compute)
    thread.join()
    assert made_up.most_capturing == 1
