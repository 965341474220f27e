"""No planted secret leaves the machine or reaches the disk: a recording server is the model of completion and chat."""

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from benchmarks.secrets.planted import PLANTED, PlantedText, read_forms, unmasked
from context.secrets.masking import mask_text
from lsp_server.server.engines import Engines
from lsp_server.server.start_engine import start_engine
from tests.context.tree import bytes_on_disk, write_tree
from tests.inference.remote.api_server import Answer, ApiServer
from tests.lsp_server.client import InProcess, ResponseError, position
from tests.lsp_server.in_process import settled_workspace

FORMS = {
    f"f{number:03}/{form.path}": form
    for number, form in enumerate(read_forms(PLANTED, seed=5))
    if not unmasked(form, mask_text(form.text, form.path)[0])  # tests/context/secrets says how many are found
}
REFERENCES = 8  # in one question
CODE = "```\nx = 1\n```"


def shown(text: str) -> list[str]:
    """Return the planted secrets that a text shows, as they are or as JSON spells them."""
    return [secret for form in FORMS.values() for secret in unmasked(form, text)]


async def ask(editor: InProcess, method: str, params: Any) -> None:
    with suppress(ResponseError):  # the answers do not fit all languages
        await editor.request(method, params)


async def complete_and_act(editor: InProcess, uri: str, form: PlantedText) -> None:
    lines = form.text.split("\n")
    await editor.open(f"{form.text}\n\n", uri, language="plaintext")
    await editor.complete(len(lines), 0, kind=1, uri=uri)
    whole = {"start": position(0, 0), "end": position(len(lines) - 1, 0)}
    params = {"textDocument": {"uri": uri}, "range": whole}
    first = {"range": {"start": position(0, 0), "end": position(0, 1)}, "message": f"Hardcoded: {lines[0]}"}
    await ask(editor, "midspan/edit", {**params, "instruction": "Sort"})
    if len(uri) % 4 == 0:  # the rest of the way is that of an edit
        await ask(editor, "midspan/answer", {**params, "kind": "fix", "diagnostics": [first]})


async def test_no_planted_secret_is_in_a_request_in_the_index_or_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    root = write_tree(tmp_path / "root", {path: form.text for path, form in FORMS.items()})
    server = ApiServer(Answer([CODE]))
    engines = Engines(start_engine)
    editor = InProcess(engines)
    models = {"completion": {"model": f"remote:{server.url}#qwen"}, "chat": {"model": f"remote:{server.url}#chat"}}
    await editor.initialize(options=models, root=root.as_uri())
    await settled_workspace(editor, root.as_uri())
    uris = {path: (root / path).as_uri() for path in FORMS}
    for start in range(0, len(FORMS), REFERENCES):
        references = [{"uri": uri} for uri in list(uris.values())[start : start + REFERENCES]]
        await ask(editor, "midspan/chat", {"messages": [{"role": "user", "content": "Why?", "references": references}]})
    for path, form in FORMS.items():
        await complete_and_act(editor, uris[path], form)
    await editor.request("shutdown")
    for engine in engines.running().values():
        engine.close()
    server.close()
    bodies = [post.text for post in server.posts]
    assert len(FORMS) > 200
    assert len(bodies) > 2 * len(FORMS)
    assert any("Hardcoded: " in body for body in bodies)
    assert shown("\n".join(bodies)) == []
    on_disk = bytes_on_disk(Path(os.environ["XDG_CACHE_HOME"]) / "midspan").decode("utf-8", "replace")
    assert "DB_PASSWORD" in on_disk
    assert shown(on_disk) == []
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("pygls")]
    assert any("masked" in line for line in ours)
    assert shown("\n".join(ours)) == []
