import json
import re
from pathlib import Path
from typing import Any

import pytest

from editors.vscode.write_settings import (
    DOCS_PAGE,
    OWN,
    PACKAGE,
    README,
    configured,
    docs_rows,
    readme_rows,
    with_rows,
    written,
)
from inference.remote.address import RemoteAddress
from lsp_server.settings.source import Source
from lsp_server.settings.sources import apply_options, check_flags
from lsp_server.settings.table import TABLE
from lsp_server.settings.values import CompletionSettings, ModelSettings, Settings
from midspan import SettingsError

HERE = Source(Path("/here"))


def test_sections_and_names_with_a_dot_say_the_same():
    expected = Settings(completion=CompletionSettings(model=Path("/models/lite"), max_tokens=20), log_level="debug")
    nested = {"completion": {"model": "/models/lite", "max_tokens": 20}, "log_level": "debug"}
    dotted = {"completion.model": "/models/lite", "completion.max_tokens": 20, "log_level": "debug"}
    assert apply_options(Settings(), nested, HERE) == apply_options(Settings(), dotted, HERE) == (expected, [])


def test_the_sections_are_set_separately():
    options = {"completion": {"quant": "int4"}, "chat": {"model": "/models/lite", "cache_bytes": 5, "max_tokens": 7}}
    settings, errors = apply_options(Settings(), options, HERE)
    assert settings.completion == CompletionSettings(quant="int4")
    assert settings.chat == ModelSettings(Path("/models/lite"), "auto", 5, 7)
    assert errors == []


def test_a_model_on_a_server_is_an_address():
    settings, errors = apply_options(Settings(), {"chat": {"model": "remote:http://gpu:8000/v1#qwen"}}, HERE)
    assert (settings.chat.model, errors) == (RemoteAddress("http://gpu:8000/v1", "gpu", "qwen"), [])


@pytest.mark.parametrize("options", [None, {}, {"completion": {}}])
def test_no_options_leave_everything_as_it_was(options):
    assert apply_options(Settings(log_level="error"), options, HERE) == (Settings(log_level="error"), [])


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("model", "completion.model"),
        ("modle", "completion.model"),
        ("max_tokens", "completion.max_tokens"),
        ("cacheBytes", "completion.cache_bytes"),
        ("completion.maxTokens", "completion.max_tokens"),
        ("completions.model", "completion.model"),
        ("chat.modle", "chat.model"),
        ("logLevel", "log_level"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_one_and_the_rest_holds(name, nearest):
    settings, errors = apply_options(Settings(), {name: 5, "log_level": "error"}, HERE)
    assert settings == Settings(log_level="error")
    assert [str(error) for error in errors] == [f"There is no setting {name!r}. Did you mean {nearest!r}?"]


def test_a_name_like_none_of_them_is_answered_with_all_of_them():
    _, (error,) = apply_options(Settings(), {"zzz": 1}, HERE)
    assert all(setting.name in str(error) for setting in TABLE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("completion.model", 3),
        ("completion.model", ""),
        ("completion.max_tokens", 0),
        ("completion.max_tokens", True),
        ("chat.max_tokens", "many"),
        ("chat.max_tokens", None),
        ("completion.cache_bytes", -1),
        ("chat.quant", "int3"),
        ("completion.quant", ["auto"]),
        ("completion.cache_dtype", "bfloat16"),
        ("chat.cache_dtype", None),
        ("log_level", "loud"),
        ("completion.enabled", "yes"),
        ("completion.in_comments", 1),
        ("completion.disabled_languages", "python"),
        ("completion.disabled_languages", ["python", 3]),
        ("completion.disabled_globs", ["!"]),
        ("completion.disabled_globs", ["*.md", "a["]),
        ("stats", 1),
    ],
)
def test_a_wrong_value_is_refused_by_name(name, value):
    settings, (error,) = apply_options(Settings(), {name: value}, HERE)
    assert settings == Settings()
    assert repr(name) in str(error)


def test_a_wrong_address_is_refused():
    settings, (error,) = apply_options(Settings(), {"chat.model": "remote:gpu"}, HERE)
    assert settings == Settings()
    assert "The address of a remote model begins with http" in str(error)


@pytest.mark.parametrize("options", [[1], "model", 5])
def test_options_that_are_no_object_are_refused(options):
    assert [str(e) for e in apply_options(Settings(), options, HERE)[1]] == [
        "Settings must be an object with names and values."
    ]


def test_a_value_that_is_deep_or_long_is_told_in_short():
    deep: object = "end"
    for _ in range(100_000):
        deep = [deep]
    for value in (deep, "x" * 100_000):
        _, (error,) = apply_options(Settings(), {"completion.max_tokens": value}, HERE)
        assert len(str(error)) < 200


def test_a_wrong_flag_is_an_error():
    with pytest.raises(SettingsError, match=r"'completion\.quant' must be one of auto, none, int8, int4"):
        check_flags({"completion.quant": "int3"}, Path("/here"))


def test_a_models_path_is_from_where_it_is_written_and_a_name_is_a_name(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    stored = tmp_path / "data" / "midspan" / "models" / "stored"
    stored.mkdir(parents=True)
    (tmp_path / "near").mkdir()

    def model(written: str) -> object:
        return apply_options(Settings(), {"chat.model": written}, Source(tmp_path))[0].chat.model

    assert model("near") == tmp_path / "near"
    assert model("models/x") == tmp_path / "models/x"
    assert model("./near/../far") == tmp_path / "far"
    assert model("/models/x") == Path("/models/x")
    assert model("~/x") == Path.home() / "x"
    assert model("stored") == stored
    assert model("not-here-yet") == Path("not-here-yet")


def test_the_page_of_settings_has_the_table():
    page = DOCS_PAGE.read_text(encoding="utf-8")
    # Where they differ, run editors/vscode/write_settings.py.
    assert with_rows(page, docs_rows()) == page
    rows = re.findall(r"(?m)^\| `(?:completion\.|chat\.|next_edit\.|log_level|stats).*$", page)
    assert rows == [setting.row for setting in TABLE]


def test_the_defaults_are_those_of_the_table():
    settings = Settings()
    for setting in TABLE:
        section, _, name = setting.name.rpartition(".")
        value = getattr(getattr(settings, section) if section else settings, name)
        assert setting.check(setting.name, value, HERE) == setting.default == value
        shown = setting.row.split(" | ")[1]
        assert shown.strip("`") == (json.dumps(value) if value is not None else setting.without)
        assert bool(setting.without) == (value is None)


def test_vs_code_offers_every_setting_of_the_table():
    readme, text = (path.read_text(encoding="utf-8") for path in (README, PACKAGE))
    package = json.loads(text)
    # Where they differ, run editors/vscode/write_settings.py.
    assert (with_rows(readme, readme_rows()), written(configured(package))) == (readme, text)
    assert readme.count("| `midspan.") == len(TABLE)
    offered = package["contributes"]["configuration"]["properties"]
    options = {setting.name: offered[f"midspan.{setting.name}"]["default"] for setting in TABLE}
    assert len(options) == len(offered) - len(OWN)
    assert {offered[name]["scope"] for name in OWN} == {"machine"}  # no folder says what is installed or started
    options = {name: default for name, default in options.items() if default != ""}  # an empty field is not sent
    assert apply_options(Settings(), options, HERE) == (Settings(), [])


@pytest.mark.parametrize("setting", TABLE, ids=lambda setting: setting.name)
def test_the_schema_allows_what_the_check_does(setting):
    schema = setting.kind.schema
    for value in (None, True, 0, 5, "auto", "int8", "cuda:1", "cuda:", "cpu ", "debug", "loud", ["python"], [3]):
        try:
            setting.check(setting.name, value, HERE)
        except SettingsError:
            assert not _is_allowed(schema, value), value
        else:
            assert _is_allowed(schema, value), value


def _is_allowed(schema: dict[str, Any], value: object) -> bool:
    """Tell whether the part of JSON Schema that the table uses allows a value."""
    if "enum" in schema:
        return value in schema["enum"]
    names = {type(None): "null", bool: "boolean", int: "integer", str: "string", list: "array"}
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if names[type(value)] not in types:
        return False
    if isinstance(value, list):
        return all(_is_allowed(schema["items"], item) for item in value)
    if isinstance(value, str):
        return re.search(schema.get("pattern", ""), value) is not None
    return not isinstance(value, int) or value >= schema.get("minimum", value)
