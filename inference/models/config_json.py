"""Reads config.json of a model folder, and the fields that all architectures share."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from midspan import ModelError

N = TypeVar("N", int, float)


def read_config_json(folder: Path) -> dict[str, Any]:
    """Read a model folder's config.json. Raises ModelError when it is missing or cannot be read."""
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
    """Refuse fields that ask for arithmetic that the model code lacks. Raises ModelError."""
    for name, values in supported.items():
        value = config.get(name)
        if value is not None and value not in values:
            allowed = " or ".join(map(repr, values))
            raise ModelError(f"{path}: {name} is {value!r}; only {allowed} is supported")


def read_rope(config: Mapping[str, Any]) -> tuple[float, str, Mapping[str, Any]]:
    """Return the base of the rotation frequencies, the kind of scaling, and the settings of the scaling.

    Released files write `rope_scaling` and `type`, newer transformers `rope_parameters` and `rope_type`.
    """
    block = config.get("rope_parameters") or config.get("rope_scaling")
    scaling = block if isinstance(block, Mapping) else {}
    theta = scaling.get("rope_theta") or config.get("rope_theta") or 10000.0
    return float(theta), str(scaling.get("rope_type") or scaling.get("type") or "default"), scaling


def positive_number(config: Mapping[str, Any], name: str, kind: type[N], path: Path) -> N:
    """Read a field. Raises ModelError that names the field when it is missing or no positive number."""
    value = config.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        found = "missing" if name not in config else repr(value)
        raise ModelError(f"{path}: {name} must be a positive number, but is {found}")
    return kind(value)
