"""The GPUs of this machine, as torch sees them, and the reasons why some or all of them cannot serve."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch

OLDEST_CAPABILITY = (8, 0)  # the first whose tensor cores multiply bf16


@dataclass(frozen=True)
class Properties:
    """A GPU. ROCm's GPUs have no compute capability."""

    name: str
    capability: tuple[int, int] | None
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class Card:
    """A GPU that can serve; `device` is torch's name of it."""

    device: str
    name: str
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class Refusal:
    """A GPU that cannot serve, and the line that says why."""

    device: str
    line: str


@dataclass(frozen=True)
class Cards:
    """The GPUs that can serve, and those that cannot. `absence` is the line that says why there is none at all."""

    cards: tuple[Card, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    absence: str | None = None
    has_mps: bool = False


class Driver(Protocol):
    """The facts that `find_cards` asks for; a test makes them up."""

    @property
    def toolkit(self) -> str | None:
        """The version of CUDA or ROCm that torch was built for, such as "CUDA 12.8"; None: torch is built for CPUs."""

    def count(self) -> int:
        """Count the GPUs. Raises RuntimeError, with torch's words, where the driver cannot be used."""

    def properties(self, index: int) -> Properties:
        """Ask a GPU. Raises RuntimeError when it does not answer."""

    @property
    def has_mps(self) -> bool: ...


class TorchDriver:
    """The driver of this machine."""

    @property
    def toolkit(self) -> str | None:
        if torch.version.hip is not None:
            return f"ROCm {torch.version.hip}"
        return f"CUDA {torch.version.cuda}" if torch.version.cuda is not None else None

    def count(self) -> int:
        torch.cuda.current_device()  # says why there is none, where `device_count` says 0
        return torch.cuda.device_count()

    def properties(self, index: int) -> Properties:
        found = torch.cuda.get_device_properties(index)
        capability = None if torch.version.hip is not None else (found.major, found.minor)
        return Properties(found.name, capability, *torch.cuda.mem_get_info(index))

    @property
    def has_mps(self) -> bool:
        return torch.backends.mps.is_available()


def find_cards(driver: Driver) -> Cards:
    """Ask the driver for the GPUs that can serve."""
    if driver.toolkit is None:
        return Cards(absence="this torch is built for CPUs alone", has_mps=driver.has_mps)
    try:
        count = driver.count()
    except (RuntimeError, AssertionError) as error:  # torch asserts that it was compiled with CUDA
        return Cards(absence=_driver_problem(driver.toolkit, str(error)), has_mps=driver.has_mps)
    if not count:
        return Cards(absence=f"torch for {driver.toolkit} finds no GPU here", has_mps=driver.has_mps)
    found = list(_ask_all(driver, count))
    cards = tuple(each for each in found if isinstance(each, Card))
    return Cards(cards, tuple(each for each in found if isinstance(each, Refusal)), has_mps=driver.has_mps)


def _ask_all(driver: Driver, count: int) -> Iterator[Card | Refusal]:
    for index in range(count):
        device = f"cuda:{index}"
        try:
            found = driver.properties(index)
        except RuntimeError as error:
            yield Refusal(device, f"{device} does not answer: {_first_line(str(error))}")
            continue
        if found.capability is not None and found.capability < OLDEST_CAPABILITY:
            have, want = (".".join(map(str, each)) for each in (found.capability, OLDEST_CAPABILITY))
            line = f"{found.name} is too old: it has compute capability {have}, and bf16 wants {want} or newer"
            yield Refusal(device, line)
        else:
            yield Card(device, found.name, found.free_bytes, found.total_bytes)


def _driver_problem(toolkit: str, error: str) -> str:
    if "too old" in error:
        return f"the GPU's driver is too old for this torch, which is built for {toolkit}: update the driver"
    if "no NVIDIA driver" in error:
        return f"torch for {toolkit} finds no NVIDIA driver here"
    return f"the GPU's driver cannot be used: {_first_line(error)}"


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
