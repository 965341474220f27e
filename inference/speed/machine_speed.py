"""The speed of this machine as far as decoding goes: measured once, kept on disk. Imports no torch."""

import json
import logging
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs

from inference.weights.active_weights import ActiveWeights
from inference.weights.memory_speed import physical_cores
from kernels.cpu.library import native_library
from midspan import __version__
from midspan.whole_file import write_whole

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MachineSpeed:
    """Measured figures.

    `product_bytes_per_s` is the speed of reading weights while they are multiplied with one token, by their form:
    "wide" (bf16), "int8", "int4". `layer_ms` is the time of a layer beside that. `is_disturbed`: other programs kept
    the cores busy meanwhile, so the machine is faster than this.
    """

    memory_bytes_per_s: float
    product_bytes_per_s: Mapping[str, float]
    layer_ms: float
    is_disturbed: bool = False

    def token_ms(self, active: ActiveWeights, form: str) -> float:
        """Estimate the time of a decoded token while the context is short."""
        read_ms = 1000 * active.bytes_decoded(form) / self.product_bytes_per_s[form]
        return active.layers * self.layer_ms + read_ms

    def fastest_of(self, other: "MachineSpeed") -> "MachineSpeed":
        """Combine two measurements of one machine, each of which another program may have slowed down."""
        products = {
            form: max(speed, other.product_bytes_per_s[form]) for form, speed in self.product_bytes_per_s.items()
        }
        memory = max(self.memory_bytes_per_s, other.memory_bytes_per_s)
        is_disturbed = self.is_disturbed and other.is_disturbed
        return MachineSpeed(memory, products, min(self.layer_ms, other.layer_ms), is_disturbed)


def read_kept_speed() -> MachineSpeed | None:
    """Read what was measured on this machine with this version; None: nothing yet."""
    kept = _read_all().get(machine_name())
    try:
        return MachineSpeed(**kept) if kept else None
    except TypeError:
        return None


def keep_speed(speed: MachineSpeed) -> None:
    """Keep a measurement beside those of other machines, which may share the folder."""
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(_read_all() | {machine_name(): asdict(speed)}, indent=2).encode())
    except OSError as error:
        log.warning("the speed of this machine cannot be kept in %s: %s", path, error)


@cache
def processor_name() -> str:
    """Return the name of the processor as its maker gives it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = (
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        )
        return next(named, platform.machine())
    if sys.platform == "darwin":
        asked = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True)
        return asked.stdout.strip() or platform.machine()
    return platform.processor() or platform.machine()


def machine_name() -> str:
    """Return the name under which this machine's figures are kept: its processor, native step and Midspan's version."""
    step = native_library().isa or "no native step"
    return f"{processor_name()}, {physical_cores()} cores, {step}, Midspan {__version__}"


def _path() -> Path:
    return platformdirs.user_cache_path("midspan") / "machine-speed.json"


def _read_all() -> dict[str, Any]:
    try:
        found = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
