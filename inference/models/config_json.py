"""Reads config.json of a model folder, and its fields by their type and range."""

from collections.abc import Mapping
from pathlib import Path
from reprlib import repr  # shortens a long value to what fits in a message
from typing import Any

from inference.model_files import CONFIG_FILE, has_file, read_json
from midspan import ModelError

# Each far above the largest model that Midspan could run, and small enough to multiply.
MOST_LAYERS = 1000
MOST_LATENT = 1024  # of keys and values; also of kernels/cpu/mla_project.h
MOST_EXPERTS = 1024  # also of kernels/cpu/router.h
MOST_HEADS = 4096
MOST_CONTEXT_TOKENS = 1 << 24
MOST_WIDTH = 1 << 20
_MOST_CONFIG_BYTES = 1 << 20
_MOST_FACTOR = 1e9


def read_config_json(folder: Path) -> dict[str, Any]:
    """Read a model folder's config.json. Raises ModelError when it is missing or cannot be read."""
    if not folder.exists():
        raise ModelError(f"{folder}: no such model folder; check the path of the model setting")
    if not folder.is_dir():
        raise ModelError(f"{folder}: not a folder; name the folder that holds config.json")
    if not has_file(folder, CONFIG_FILE):
        raise ModelError(
            f"{folder}: has no config.json; a model folder holds config.json, tokenizer.json and *.safetensors"
        )
    return read_json(folder, CONFIG_FILE, _MOST_CONFIG_BYTES)


def refuse_unsupported(config: Mapping[str, Any], supported: Mapping[str, tuple[Any, ...]], path: Path) -> None:
    """Refuse fields that ask for arithmetic that the model code lacks. Raises ModelError."""
    for name, values in supported.items():
        value = config.get(name)
        if value is not None and value not in values:
            allowed = " or ".join(map(repr, values))
            raise ModelError(f"{path}: {name} is {repr(value)}; only {allowed} is supported")


def read_rope(config: Mapping[str, Any], path: Path) -> tuple[float, str, Mapping[str, Any]]:
    """Return the base of the rotation frequencies, the kind of scaling, and the settings of the scaling.

    Released files write `rope_scaling` and `type`, newer transformers `rope_parameters` and `rope_type`. Raises
    ModelError.
    """
    block = config.get("rope_parameters") or config.get("rope_scaling")
    scaling = block if isinstance(block, Mapping) else {}
    source = scaling if scaling.get("rope_theta") is not None else config
    # More than 1: YaRN divides by the logarithm.
    theta = read_number(source, "rope_theta", path, 10000.0, least=1.001, most=1e12)
    return theta, str(scaling.get("rope_type") or scaling.get("type") or "default"), scaling


def read_integer(
    config: Mapping[str, Any], name: str, path: Path, default: int | None = None, *, least: int = 1, most: int
) -> int:
    """Read a field, `default` where it is missing or null. Raises ModelError that names the field and its range."""
    value = config.get(name)
    if value is None and default is not None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        kind = f"a whole number from {least} to {most}"
        raise ModelError(f"{path}: {name} must be {kind}, but is {_found(config, name)}")
    return value


def read_number(
    config: Mapping[str, Any],
    name: str,
    path: Path,
    default: float | None = None,
    *,
    least: float = 1e-9,
    most: float = _MOST_FACTOR,
) -> float:
    """Read a field, `default` where it is missing or null. Raises ModelError that names the field and its range."""
    value = config.get(name)
    if value is None and default is not None:
        return default
    if (
        isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most
    ):  # nan is in no range
        raise ModelError(f"{path}: {name} must be a number from {least:g} to {most:g}, but is {_found(config, name)}")
    return float(value)


def read_switch(config: Mapping[str, Any], name: str, path: Path) -> bool:
    """Read a field that is true or false, False where it is missing or null. Raises ModelError."""
    value = config.get(name)
    if value is not None and not isinstance(value, bool):
        raise ModelError(f"{path}: {name} must be true or false, but is {repr(value)}")
    return bool(value)


def _found(config: Mapping[str, Any], name: str) -> str:
    return repr(config[name]) if name in config else "missing"
