from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.context.tree import write_tree
from tests.lsp_server.actions.chat_client import TEXT, editor_for
from tests.lsp_server.client import InProcess
from tests.lsp_server.two_models import TwoModels


@pytest.fixture
def models() -> TwoModels:
    return TwoModels("```python\ndef double(a):\n    return 2 * a\n```")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "root", {"shop/price.py": TEXT, ".gitignore": "private\n", "private/a.py": TEXT})


@pytest.fixture
def uri(root: Path) -> str:
    return (root / "shop/price.py").as_uri()


@pytest.fixture
async def editor(models: TwoModels, root: Path, uri: str) -> AsyncIterator[InProcess]:
    editor = await editor_for(models, root)
    await editor.open(TEXT, uri)
    yield editor
    await editor.request("shutdown")
