"""Released and broken config.json files are read or refused."""

import math
from pathlib import Path
from typing import Any

import pytest

from inference.models.config_json import read_config_json
from inference.models.deepseek_v2_config import parse_deepseek_v2
from midspan import ModelError
from tests.inference.folders import LITE, YARN

PATH = Path("models/x/config.json")
# The released numbers of DeepSeek-Coder-V2-Lite that the derived ones follow from.
RELEASED_LITE = LITE | {"kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128}


def test_derived_numbers_of_the_released_lite() -> None:
    config = parse_deepseek_v2(RELEASED_LITE, PATH)
    assert config.page_width == 576
    assert config.softmax_scale == pytest.approx(192**-0.5 * 1.58963, rel=1e-5)
    assert config.yarn is not None
    assert config.yarn.rotation_factor == 1.0
    assert config.absorb_below_tokens == pytest.approx(262144 / (2176 - 640))


def test_mscale_without_mscale_all_dim_scales_the_rotation_instead() -> None:
    rope = YARN | {"mscale": 0.0, "mscale_all_dim": 0.0}
    yarn = parse_deepseek_v2(LITE | {"rope_parameters": rope}, PATH).yarn
    assert yarn is not None
    assert yarn.softmax_factor == 1.0
    assert yarn.rotation_factor == pytest.approx(0.1 * math.log(40) + 1)


def test_no_scaling_is_plain_rope() -> None:
    for block in ({"rope_scaling": None}, {"rope_parameters": {"rope_type": "default", "rope_theta": 5000.0}}):
        config = parse_deepseek_v2({k: v for k, v in LITE.items() if k != "rope_parameters"} | block, PATH)
        assert config.yarn is None
    assert config.rope_theta == 5000.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kv_lora_rank": None}, "kv_lora_rank must be a whole number from 1 to 1024, but is None"),
        ({"hidden_size": -1}, "hidden_size must be a whole number from 1 to 1048576, but is -1"),
        ({"hidden_size": "64"}, "hidden_size must be a whole number from 1 to 1048576, but is '64'"),
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu'; only 'silu' is supported"),
        ({"topk_method": "noaux_tc"}, "topk_method is 'noaux_tc'"),
        ({"attention_bias": True}, "attention_bias is True"),
        ({"rope_parameters": {"type": "linear", "factor": 4}}, "rope scaling 'linear'"),
    ],
)
def test_what_the_model_code_does_not_do_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        parse_deepseek_v2(LITE | change, PATH)


def test_a_missing_field_is_named() -> None:
    config = {k: v for k, v in LITE.items() if k != "v_head_dim"}
    with pytest.raises(ModelError, match="v_head_dim must be a whole number from 1 to 1048576, but is missing"):
        parse_deepseek_v2(config, PATH)


def test_a_config_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no config\.json"):
        read_config_json(tmp_path)
    file = tmp_path / "config.json"
    file.write_text("{}")
    with pytest.raises(ModelError, match="not a folder"):
        read_config_json(file)
    for text, message in [("{", "cannot be read"), ("[]", "is not a JSON object")]:
        file.write_text(text)
        with pytest.raises(ModelError, match=message):
            read_config_json(tmp_path)
