"""The foundation that every other package may import: the version and the exception tree."""

from midspan.errors import (
    CapacityError,
    DocumentError,
    ExcludedError,
    MidspanError,
    ModelError,
    SettingsError,
)

__all__ = [
    "CapacityError",
    "DocumentError",
    "ExcludedError",
    "MidspanError",
    "ModelError",
    "SettingsError",
    "__version__",
]

__version__ = "0.1.0"
