"""Chooses the device that a model runs on, and the form of its weights there. Imports no torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.weights.default_form import TINY_BYTES, DefaultForm
from inference.weights.machine_memory import GIB

if TYPE_CHECKING:  # imports torch
    from inference.devices.cards import Card, Cards

# Of a card's free memory: the kernels' code and torch's own tables take some of it, and so does the screen.
RESERVED_BYTES = GIB // 2
UNTESTED_MPS = "nobody has measured or tested a model on Apple's GPU yet; torch computes there, without our kernels"


@dataclass(frozen=True)
class Need:
    """The bytes that a model takes on a GPU.

    `weights_bytes` has the forms that the weights may have, the most precise first; `cache_bytes` is the least cache:
    one context, or what the settings say.
    """

    weights_bytes: Mapping[DefaultForm, int]
    cache_bytes: int
    work_bytes: int

    def bytes_in(self, form: DefaultForm) -> int:
        return self.weights_bytes[form] + self.cache_bytes + self.work_bytes


@dataclass(frozen=True)
class Placement:
    """The device with the form of the weights; None leaves the form to the CPU's own choice.

    `reason` says in a line for people why it is this device. `spare_bytes` are free beside all that is needed.
    """

    device: str
    form: DefaultForm | None
    reason: str
    spare_bytes: int = 0


def place(setting: str, need: Need, find_cards: "Callable[[], Cards]") -> list[Placement]:
    """Return where the model may run, the best place first; the CPU is always the last.

    The others are for when the memory turns out to be too small. `find_cards` takes a moment, and is not called where
    nobody wants a GPU.
    """
    if setting == "cpu":
        return [_on_cpu("the setting says so")]
    if setting == "auto" and max(need.weights_bytes.values()) <= TINY_BYTES:
        return [_on_cpu("a model this small is fast there")]
    found = find_cards()
    if setting == "mps":
        why = "this machine has no Apple GPU that torch can use"
        on_mps = Placement("mps", next(iter(need.weights_bytes)), f"the setting says so; {UNTESTED_MPS}")
        return [on_mps, _on_cpu("Apple's GPU has too little memory")] if found.has_mps else [_on_cpu(why)]
    cards = _wanted(setting, found)
    places = [each for card in cards for form in need.weights_bytes if (each := _on_card(card, form, need))]
    return [*places, _on_cpu(_why_not(setting, need, found, cards))]


def _wanted(setting: str, found: "Cards") -> "list[Card]":
    """Return the cards that the setting allows, the one with the most free memory first."""
    cards = [card for card in found.cards if setting in ("auto", "cuda", card.device)]
    return sorted(cards, key=lambda card: card.free_bytes, reverse=True)


def _on_card(card: "Card", form: DefaultForm, need: Need) -> Placement | None:
    spare = card.free_bytes - RESERVED_BYTES - need.bytes_in(form)
    if spare < 0:
        return None
    needed, free = need.bytes_in(form) / GIB, card.free_bytes / GIB
    kept = "as stored" if form == "wide" else f"in {form}"
    words = f"{card.name} holds the weights {kept} with their cache and work space: {needed:.1f} of {free:.1f} GiB free"
    return Placement(card.device, form, words, spare)


def _on_cpu(reason: str) -> Placement:
    return Placement("cpu", None, reason)


def _why_not(setting: str, need: Need, found: "Cards", cards: "list[Card]") -> str:
    """Say why no card that the setting allows can serve."""
    if cards:
        form = min(need.weights_bytes, key=lambda form: need.weights_bytes[form])
        card = cards[0]
        needed, free = (need.bytes_in(form) + RESERVED_BYTES) / GIB, card.free_bytes / GIB
        kept = "as stored" if form == "wide" else f"in {form}"
        return f"{card.name} has {free:.1f} GiB free, and the model needs {needed:.1f} GiB {kept} at least"
    if setting == "auto" and found.has_mps:
        return f'Apple\'s GPU serves only where the setting device is "mps": {UNTESTED_MPS}'
    if found.absence is not None:
        return found.absence
    if refused := [each.line for each in found.refusals if setting in ("auto", "cuda", each.device)]:
        return "; ".join(refused)
    have = ", ".join([*(card.device for card in found.cards), *(each.device for each in found.refusals)])
    return f"this machine has no {setting}; it has {have}"
