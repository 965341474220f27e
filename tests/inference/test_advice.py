"""An engine says so when its model was not trained for a request."""

from pathlib import Path

import pytest

from inference.api import EngineSettings, Message
from inference.local_engine import LocalEngine
from midspan import ModelError
from tests.inference.folders import QWEN, write_folder

QUESTION = [Message("user", "Why?")]


def test_a_model_that_fills_less_well_is_told_of_once_and_not_when_it_chats(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = LocalEngine(EngineSettings(model=write_folder(tmp_path / "Qwen2.5-Coder-0.5B-Instruct", QWEN)))
    engine.chat_prompt(QUESTION)
    assert "fills holes less well" not in caplog.text
    for _ in range(2):
        engine.fim_prompt("", "x = ", "")
    assert caplog.text.count("fills holes less well") == 1
    engine.close()


def test_a_base_model_does_not_chat(tmp_path: Path) -> None:
    engine = LocalEngine(EngineSettings(model=write_folder(tmp_path / "Qwen2.5-Coder-0.5B", QWEN)))
    with pytest.raises(ModelError, match=r"Qwen2\.5-Coder-0\.5B was not trained to chat"):
        engine.chat_prompt(QUESTION)
    engine.close()
