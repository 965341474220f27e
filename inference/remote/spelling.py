"""Spells a hole for a server that tokenizes the prompt, and finds control tokens in text."""

import re
from collections.abc import Mapping

from inference.prompts.families import DEEPSEEK_V2, QWEN2, SEED_CODER, Family, control_spellings
from inference.remote.address import FimForm, RemoteAddress
from midspan import ModelError

# All DeepSeek-Coder models share these spellings.
_FAMILIES: Mapping[FimForm, Family] = {"deepseek": DEEPSEEK_V2, "qwen": QWEN2, "seed": SEED_CODER}
# Parts of the names of models that are known to fill holes with their family's sentinels.
_FORM_OF_NAME: Mapping[str, FimForm] = {
    "deepseek-coder": "deepseek",
    "deepseek_coder": "deepseek",
    "qwen": "qwen",
    "seed-coder": "seed",
    "seed_coder": "seed",
}

# The 236B models: the names of those that were trained have "lite" in them.
_NOT_TRAINED = re.compile("deepseek-coder-v2-(?:base|instruct)")

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_BAR = "[|｜]"
# Most families write their control tokens between bars, and the table has the others.
_BETWEEN_BARS = re.compile(rf"<{_BAR}[^<>\s|｜]{{1,40}}{_BAR}>")
_OTHERS = [spelling for spelling in control_spellings() if not _BETWEEN_BARS.fullmatch(spelling)]
CONTROL = re.compile("|".join((_BETWEEN_BARS.pattern, *map(re.escape, _OTHERS))))
# The end of a text that the next piece may turn into a control token. A line end behind it says that it is none.
_BEGUN = sorted({re.escape(spelling[:end]) for spelling in _OTHERS for end in range(1, len(spelling))})
CONTROL_BEGUN = re.compile(rf"(?:<{_BAR}[^<>\s|｜]{{0,40}}{_BAR}?|{'|'.join(_BEGUN)})\Z")


def choose_form(address: RemoteAddress, names: str) -> FimForm:
    """Choose the form of a hole by the setting or by the model's names; `suffix` when they tell no family.

    Raises ModelError for a model that is known to fill no hole.
    """
    if address.fim:
        return address.fim
    lowered = names.lower()
    if _NOT_TRAINED.search(lowered):
        raise ModelError(
            f"{address}: the model was not trained to fill a hole; use it for chat, and for completion "
            f"DeepSeek-Coder-V2-Lite-Base or a Qwen2.5-Coder"
        )
    return next((form for part, form in _FORM_OF_NAME.items() if part in lowered), "suffix")


def spell_hole(form: FimForm, before: str, after: str) -> tuple[str, str | None]:
    """Return the prompt, and the API's `suffix` when the form is that. The server adds BOS."""
    before, after = defuse(before), defuse(after)
    family = _FAMILIES.get(form)
    if family is None:
        return before, after
    if family.fim_orders[0] == "spm":
        return f"{family.fim_hole}{after}{family.fim_begin}{before}{family.fim_end}", None
    return f"{family.fim_begin}{before}{family.fim_hole}{after}{family.fim_end}", None


def defuse(text: str) -> str:
    """Return the text as it may be sent.

    A space breaks every spelling of a control token, which the server would take for the token. U+FFFD replaces lone
    surrogates, which an editor may hold and no encoder takes.
    """
    return CONTROL.sub(lambda match: f"< {match[0][1:]}", LONE_SURROGATE.sub("\ufffd", text))
