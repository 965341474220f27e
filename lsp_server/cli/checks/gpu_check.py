"""The check of the GPUs: which can serve, and why others cannot. Midspan works without one, so nothing is wrong."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsp_server.cli.checks.finding import Finding
from lsp_server.cli.output.sizes import size_in_words

if TYPE_CHECKING:  # imports torch
    from inference.devices.cards import Cards


def check_gpus(found: "Cards") -> Sequence[Finding]:
    """Tell of each GPU, or why there is none. `engine` says which device the model has taken."""
    if found.absence is not None and not found.has_mps:
        return (Finding("gpu", f"No GPU can serve: {found.absence}."),)
    served = [
        Finding(
            "gpu",
            f"{card.device} can serve: {card.name}, with {size_in_words(card.free_bytes)} free of "
            f"{size_in_words(card.total_bytes)}.",
        )
        for card in found.cards
    ]
    refused = [Finding("gpu", f"{refusal.device} cannot serve: {refusal.line}.") for refusal in found.refusals]
    if found.has_mps:
        served.append(Finding("gpu", 'mps may serve where the setting device is "mps"; nobody has tested it.'))
    return (*served, *refused)
