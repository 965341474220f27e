"""A chat gets the files that completions got, and a model that serves both reads them once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from inference.api import Engine, OnUpdate, Request, RunningRequest, Trace, Update
from inference.prompts.prompt import read_tokens
from lsp_server.chat.question_context import INSTRUCTION
from lsp_server.server.engines import Engines
from lsp_server.server.start_engine import start_engine
from lsp_server.settings.values import ModelSettings
from tests.context.tree import KEY, write_tree
from tests.fake_engine import read_prompt
from tests.inference.folders import LITE, QWEN, write_folder
from tests.lsp_server.client import AUTOMATIC, InProcess, ResponseError, until
from tests.lsp_server.in_process import settled_workspace
from tests.lsp_server.two_models import TwoModels

MAIN = "from shop.price import round_price\nfrom shop.stock import count_stock\n\ntotal = round_price(3)\nleft = "
TREE = {
    "shop/price.py": "def round_price(cents):\n    return cents // 10 * 10\n",
    "shop/stock.py": "def count_stock(shelf):\n    return len(shelf.items)\n",
    "main.py": MAIN,
}
PRICE = f"# shop/price.py\n{TREE['shop/price.py']}"
STOCK = f"# shop/stock.py\n{TREE['shop/stock.py']}"
ASK = {"role": "user", "content": "Why?"}
# The question names nothing, and so it is asked with what stands in the document that the user looks at.
LOOKED_AT = f"# main.py\ntotal = round_price(3)\n\n{INSTRUCTION}\n\n"
BOTH = {"model": "/models/both"}


@dataclass
class Watched:
    """Real engines whose requests and traces are kept. Their untrained models show nothing, so nothing is predicted."""

    requests: list[Request] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    engines: list[Engine] = field(default_factory=list)

    def __call__(self, settings: ModelSettings) -> Engine:
        engine = start_engine(settings)
        submit = engine.submit

        def watch(request: Request, on_update: OnUpdate) -> RunningRequest:
            def note(update: Update) -> None:
                if update.trace is not None:
                    self.traces.append(update.trace)
                on_update(update)

            self.requests.append(request)
            return submit(request, note)

        engine.submit = watch  # type: ignore[method-assign]  # a probe, not a fake
        self.engines.append(engine)
        return engine

    async def check_pages(self) -> None:
        """Check that each page is free or cached when no request runs: no page is lost, or counted twice."""
        for engine in self.engines:
            await until(partial(has_all_pages, engine), "a request goes on, or a page is lost")

    def close(self) -> None:
        for engine in self.engines:
            engine.close()


def has_all_pages(engine: Engine) -> bool:
    stats = engine.stats()
    return not stats.live_requests and stats.pages_free + stats.pages_cached == stats.pages_total


def shared_tokens(*requests: Request) -> int:
    first, second = (read_tokens(request.prompt) for request in requests)
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(first), len(second)))


async def opened(engines: Engines, root: Path, **models: Any) -> InProcess:
    editor = InProcess(engines)
    # A machine that reads slowly would make a quick request first.
    completion = {"max_tokens": 8, "quick_first": False} | models["completion"]
    options = {"completion": completion, "chat": {"max_tokens": 8} | models["chat"]}
    await editor.initialize(options=options, root=root.as_uri())
    await editor.open(MAIN, (root / "main.py").as_uri())
    await settled_workspace(editor, root.as_uri())
    return editor


async def complete(editor: InProcess, root: Path) -> None:
    await editor.complete(4, 7, AUTOMATIC, (root / "main.py").as_uri())


def about(root: Path, *messages: dict[str, Any], path: str = "main.py") -> dict[str, Any]:
    return {"messages": list(messages or [ASK]), "textDocument": {"uri": (root / path).as_uri()}}


MODELS = {
    "qwen-instruct": QWEN,
    "deepseek-chat": LITE | {"midspan": {"fim_orders": ["spm"]}},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "root", TREE)


@pytest.mark.parametrize("name", MODELS)
async def test_a_chat_finds_the_repository_in_the_cache_of_completions_and_they_find_theirs(
    name: str, root: Path, tmp_path: Path
) -> None:
    watched = Watched()
    model = {"model": str(write_folder(tmp_path / name, MODELS[name])), "cache_bytes": 64 << 20}
    editor = await opened(Engines(watched), root, completion=model, chat=model)
    await complete(editor, root)
    await editor.request("midspan/chat", about(root))
    await complete(editor, root)
    await editor.request("midspan/chat", about(root, ASK, {"role": "assistant", "content": "10"}, ASK))
    await editor.request("shutdown")
    hole, chat, again, longer = watched.requests
    await watched.check_pages()
    watched.close()
    assert len(watched.engines) == 1, "one folder is one engine"
    repository = sum(map(len, (TREE["shop/price.py"], TREE["shop/stock.py"])))
    assert shared_tokens(hole, chat) > repository
    cached = [trace.cached_tokens for trace in watched.traces]
    assert cached[1] == shared_tokens(hole, chat)
    assert again.prompt == hole.prompt, "a chat lays nothing out anew"
    assert cached[2] == hole.prompt.num_tokens - 1
    assert cached[3] >= shared_tokens(chat, longer) > cached[1]
    assert hole.kept_pages is not None
    assert chat.kept_pages == hole.kept_pages, "a chat after a restart reads what completions have kept"
    assert chat.background, "and keeps nothing: pages of background work are never written"


async def test_a_chat_knows_the_files_also_of_a_model_whose_path_comments_follow_the_sentinel(
    root: Path, tmp_path: Path
) -> None:
    watched = Watched()
    model = {"model": str(write_folder(tmp_path / "chat", LITE | {"midspan": {"fim_orders": ["psm"]}}))}
    editor = await opened(Engines(watched), root, completion=model, chat=model)
    await complete(editor, root)
    await editor.request("midspan/chat", about(root))
    await editor.request("midspan/chat", about(root))
    await editor.request("shutdown")
    watched.close()
    hole, chat, _ = watched.requests
    files = (STOCK + PRICE).encode()
    assert shared_tokens(hole, chat) == 1
    assert read_tokens(chat.prompt)[1 : 1 + len(files)] == tuple(files)
    assert watched.traces[2].cached_tokens == chat.prompt.num_tokens - 1


@pytest.fixture
def models() -> TwoModels:
    return TwoModels("Because.")


@pytest.fixture
async def editor(root: Path, models: TwoModels) -> AsyncIterator[InProcess]:
    editor = await opened(Engines(models), root, completion=BOTH, chat=BOTH)
    yield editor
    await editor.request("shutdown")


async def test_a_chat_without_a_document_gets_no_files(editor: InProcess, models: TwoModels, root: Path) -> None:
    await complete(editor, root)
    await editor.request("midspan/chat", {"messages": [ASK]})
    assert models.asked == "user: Why?\n"


async def test_a_chat_before_any_completion_knows_the_repository_too(
    editor: InProcess, models: TwoModels, root: Path
) -> None:
    await editor.request("midspan/chat", about(root))
    assert models.asked == f"{STOCK}{PRICE}user: {LOOKED_AT}Why?\n"
    await complete(editor, root)
    hole, _ = read_prompt(models.chat.requests[1])
    assert hole.startswith(f"{STOCK}{PRICE}# main.py\n"), "and the completion begins as the chat did"


async def test_a_document_that_is_not_open_tells_which_workspace_is_meant(
    editor: InProcess, models: TwoModels, root: Path
) -> None:
    await complete(editor, root)
    await editor.request("midspan/chat", about(root, path="elsewhere.py"))
    assert models.asked == f"{STOCK}{PRICE}user: Why?\n"
    await editor.request("midspan/chat", {"messages": [ASK], "textDocument": {"uri": "file:///nowhere/a.py"}})
    assert models.asked == "user: Why?\n"


async def test_a_file_that_is_referred_to_stands_there_once(editor: InProcess, models: TwoModels, root: Path) -> None:
    await complete(editor, root)
    referring = ASK | {"references": [{"uri": (root / "shop/price.py").as_uri()}]}
    await editor.request("midspan/chat", about(root, referring))
    assert models.asked == f"{STOCK}user: {LOOKED_AT}{PRICE}\nWhy?\n"


async def test_files_that_have_changed_or_are_excluded_since_are_left_out(
    editor: InProcess, models: TwoModels, root: Path
) -> None:
    await complete(editor, root)
    await editor.open("def count_stock(shelf):\n    return 0\n", (root / "shop/stock.py").as_uri())
    await editor.request("midspan/chat", about(root))
    assert models.asked == f"{PRICE}user: {LOOKED_AT}Why?\n"
    await editor.open(f"{TREE['shop/price.py']}key = '{KEY}'\n", (root / "shop/price.py").as_uri())
    await editor.notify("textDocument/didClose", {"textDocument": {"uri": (root / "shop/stock.py").as_uri()}})
    await editor.request("midspan/chat", about(root))
    assert KEY not in models.asked
    (root / ".midspanignore").write_text("stock.py\n")
    (await settled_workspace(editor, root.as_uri())).mark_dirty("")
    await settled_workspace(editor, root.as_uri())
    await editor.request("midspan/chat", about(root))
    assert "count_stock" not in models.asked


async def test_the_conversation_comes_before_the_files_when_room_is_scarce(
    editor: InProcess, models: TwoModels, root: Path
) -> None:
    await complete(editor, root)
    room = 8192 - 8 - 128 - 12
    long = {"role": "user", "content": "x" * (room - len(STOCK) - len("shop/stock.py\n") - 10)}
    await editor.request("midspan/chat", about(root, long))
    assert models.asked == f"{STOCK}user: {long['content']}\n"
    full = {"role": "user", "content": "x" * room}
    result = await editor.request("midspan/chat", about(root, full))
    assert models.asked == f"user: {full['content']}\n"
    assert result["dropped_messages"] == 0


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("main.py", r"textDocument must be an object"),
        ({"path": "main.py"}, r"textDocument\.uri must be a string"),
        ({"uri": 3}, r"textDocument\.uri must be a string"),
    ],
)
async def test_a_document_without_a_uri_is_refused(editor: InProcess, document: object, message: str) -> None:
    with pytest.raises(ResponseError, match=rf"^midspan/chat: {message}\.$"):
        await editor.request("midspan/chat", {"messages": [ASK], "textDocument": document})
