from pathlib import Path

import pytest

from inference.remote.address import RemoteAddress
from lsp_server.settings import Settings, apply_options


def test_options_go_over_the_defaults():
    settings, errors = apply_options(Settings(), {"model": "/models/lite", "max_tokens": 20, "log_level": "debug"})
    assert settings == Settings(model=Path("/models/lite"), max_tokens=20, log_level="debug")
    assert errors == []


def test_a_model_on_a_server_is_an_address():
    settings, errors = apply_options(Settings(), {"model": "remote:http://gpu:8000/v1#qwen"})
    assert (settings.model, errors) == (RemoteAddress("http://gpu:8000/v1", "gpu", "qwen"), [])


@pytest.mark.parametrize("options", [None, {}])
def test_no_options_leave_everything_as_it_was(options):
    assert apply_options(Settings(max_tokens=7), options) == (Settings(max_tokens=7), [])


@pytest.mark.parametrize(
    ("name", "nearest"), [("max_token", "max_tokens"), ("maxTokens", "max_tokens"), ("cacheBytes", "cache_bytes")]
)
def test_an_unknown_name_is_refused_with_the_nearest_one_and_the_rest_holds(name, nearest):
    settings, errors = apply_options(Settings(), {name: 5, "log_level": "error"})
    assert settings == Settings(log_level="error")
    assert [str(error) for error in errors] == [f"There is no setting {name!r}. Did you mean {nearest!r}?"]


def test_a_name_like_none_of_them_is_answered_with_all_of_them():
    _, (error,) = apply_options(Settings(), {"zzz": 1})
    assert "There are: model, quant, cache_bytes, max_tokens, log_level." in str(error)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", 3),
        ("model", ""),
        ("model", "remote:gpu"),
        ("max_tokens", 0),
        ("max_tokens", True),
        ("max_tokens", "many"),
        ("max_tokens", None),
        ("cache_bytes", -1),
        ("quant", "int3"),
        ("quant", None),
        ("log_level", "loud"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name, value):
    settings, (error,) = apply_options(Settings(), {name: value})
    assert settings == Settings()
    assert name in str(error)


def test_options_that_are_no_object_are_refused():
    assert [str(e) for e in apply_options(Settings(), [1])[1]] == [
        "The settings must be an object with a name for each value."
    ]
