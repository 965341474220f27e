"""config.json of a model folder: reading it, and the checks that all kinds of models share."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from midspan import ModelError

N = TypeVar("N", int, float)


def read_config_json(folder: Path) -> dict[str, Any]:
    """The parsed config.json of a model folder. Raises ModelError when there is none to read."""
    path = folder / "config.json"
    if not folder.exists():
        raise ModelError(f"{folder}: no such model folder; check the path of the model setting")
    if not folder.is_dir():
        raise ModelError(f"{folder}: not a folder; name the folder that holds config.json")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{folder}: has no config.json; a model folder holds config.json, tokenizer.json and *.safetensors"
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); fetch it again") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path}: is not a JSON object; fetch it again")
    return config


def refuse_unsupported(config: Mapping[str, Any], supported: Mapping[str, tuple[Any, ...]], path: Path) -> None:
    """A field that changes the arithmetic is refused when it says what the model code does not do."""
    for name, values in supported.items():
        value = config.get(name)
        if value is not None and value not in values:
            allowed = " or ".join(map(repr, values))
            raise ModelError(f"{path}: {name} is {value!r}; only {allowed} is supported")


def rope_block(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Released files say `rope_scaling`, newer transformers `rope_parameters`; null is no scaling."""
    block = config.get("rope_parameters") or config.get("rope_scaling") or {}
    return block if isinstance(block, Mapping) else {}


def rope_kind(rope: Mapping[str, Any]) -> str:
    """The name of the rope scaling; older files write it as `type`."""
    return str(rope.get("rope_type") or rope.get("type") or "default")


def rope_theta(config: Mapping[str, Any]) -> float:
    """The base of the rotation frequencies; newer files write it into the rope block."""
    return float(rope_block(config).get("rope_theta") or config.get("rope_theta") or 10000.0)


def positive_integers(config: Mapping[str, Any], names: Iterable[str], path: Path) -> dict[str, int]:
    """The fields of these names. Raises ModelError that names the first one that is no positive number."""
    return {name: positive_number(config, name, int, path) for name in names}


def positive_number(config: Mapping[str, Any], name: str, kind: type[N], path: Path) -> N:
    """Raises ModelError that names the field when it is missing or no positive number."""
    value = config.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        found = "missing" if name not in config else repr(value)
        raise ModelError(f"{path}: {name} must be a positive number, but is {found}")
    return kind(value)
