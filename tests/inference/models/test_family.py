"""A model's family is the one whose control tokens its tokenizer has, whatever its architecture."""

import json
from pathlib import Path

import pytest

from inference.model_files import TOKENIZER_FILE
from inference.models.description import read_description
from inference.prompts.families import DEEPSEEK_V1, DEEPSEEK_V2, QWEN2, SEED_CODER, Family, control_spellings
from inference.prompts.prompt import build_chat_prompt
from inference.prompts.tokenizer import Tokenizer
from inference.prompts.tokenizer_file import read_controls
from inference.remote.spelling import CONTROL, CONTROL_BEGUN, defuse
from midspan import ModelError
from tests.inference.folders import CODER_V1, LITE, QWEN, byte_tokenizer, sentinels_of


def folder_of(folder: Path, config: dict[str, object], tokenizer: dict[str, object]) -> Path:
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    return folder


@pytest.mark.parametrize(
    ("config", "family"),
    [(LITE, DEEPSEEK_V2), (CODER_V1, DEEPSEEK_V1), (QWEN, QWEN2), (CODER_V1, SEED_CODER), (CODER_V1, QWEN2)],
)
def test_the_added_tokens_tell_the_family_before_the_architecture(
    config: dict[str, object], family: Family, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path, config, byte_tokenizer(family))
    description = read_description(folder)
    assert description.family is family
    assert description.identity.fim_orders == family.fim_orders
    fim = Tokenizer(folder, description.family).sentinels.fim
    assert fim is not None


def test_a_model_of_an_unknown_family_is_refused_by_name_and_given_no_strangers_tokens(tmp_path: Path) -> None:
    tokenizer = json.loads(json.dumps(byte_tokenizer(DEEPSEEK_V1)).replace("begin\\u2581of", "start\\u2581of"))
    with pytest.raises(ModelError, match=r"family that Midspan does not know, so it can fill no hole.*seed_coder"):
        read_description(folder_of(tmp_path, CODER_V1, tokenizer))


def test_a_tokenizer_without_sentinels_is_of_the_family_of_its_architecture(tmp_path: Path) -> None:
    tokenizer = byte_tokenizer(DEEPSEEK_V1)
    tokenizer["added_tokens"] = tokenizer["added_tokens"][:2]
    assert read_description(folder_of(tmp_path, CODER_V1, tokenizer)).family is DEEPSEEK_V1


def test_a_family_whose_conversations_are_not_known_refuses_to_chat(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, CODER_V1 | {"midspan": {"name": "seed-instruct"}}, byte_tokenizer(SEED_CODER))
    assert "seed_coder" in str(read_description(folder).identity.chat_advice)
    with pytest.raises(ModelError, match="seed_coder conversations"):
        build_chat_prompt(Tokenizer(folder, SEED_CODER), [])


def test_control_tokens_are_read_wherever_they_stand(tmp_path: Path) -> None:
    found = byte_tokenizer(SEED_CODER)
    wanted = frozenset(sentinels_of(SEED_CODER))
    assert read_controls(folder_of(tmp_path, CODER_V1, found)) == wanted
    added = found.pop("added_tokens")
    decoy = {'"added_tokens": [{"content"': 5}
    found["model"]["vocab"] |= decoy
    assert read_controls(folder_of(tmp_path, CODER_V1, found | {"added_tokens": added})) == wanted
    (tmp_path / TOKENIZER_FILE).write_text('{"added_tokens": [{"id": 3}]}')
    with pytest.raises(ModelError, match="cannot be read"):
        read_controls(tmp_path)


@pytest.mark.parametrize("spelling", control_spellings())
def test_a_server_is_sent_no_control_token_of_the_table_and_its_output_ends_there(spelling: str) -> None:
    assert CONTROL.fullmatch(spelling)
    assert all(CONTROL_BEGUN.fullmatch(spelling[:end]) for end in range(1, len(spelling)))
    assert not CONTROL.search(defuse(f"x = '{spelling}'"))


def test_code_is_no_control_token() -> None:
    text = "let x: Vec<[u8; 3]> = a<[b]>; f<T>(|x| x) <fim> <repo_name>"
    assert defuse(text) == text
