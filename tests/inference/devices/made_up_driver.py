"""A driver whose GPUs a test makes up."""

from dataclasses import dataclass

from inference.devices.cards import Properties

GIB = 1 << 30


def card(name: str = "H100", free_gib: float = 79, capability: tuple[int, int] | None = (9, 0)) -> Properties:
    return Properties(name, capability, int(free_gib * GIB), 80 * GIB)


@dataclass(frozen=True)
class MadeUpDriver:
    """`error` is what torch says of the driver; a card that is a text answers with that error."""

    cards: tuple[Properties | str, ...] = ()
    toolkit: str | None = "CUDA 12.8"
    error: str | None = None
    has_mps: bool = False

    def count(self) -> int:
        if self.error is not None:
            raise RuntimeError(self.error)
        return len(self.cards)

    def properties(self, index: int) -> Properties:
        found = self.cards[index]
        if isinstance(found, str):
            raise RuntimeError(found)
        return found
