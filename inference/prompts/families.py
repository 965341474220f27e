"""The prompt formats of the model families, as data."""

from collections.abc import Collection
from dataclasses import dataclass
from reprlib import repr  # shortens a long value to what fits in a message
from typing import Literal

from midspan import ModelError


@dataclass(frozen=True)
class Control:
    """A control token by its exact spelling; its id comes from the tokenizer of each model folder.

    One that is not required is text where the tokenizer lacks it.
    """

    spelling: str
    is_required: bool = True


# Text in which "{content}" stands for the message, and control tokens.
Pieces = tuple[str | Control, ...]


@dataclass(frozen=True)
class ChatTemplate:
    """The format of a conversation, from `opening` to the place where the answer begins."""

    opening: Pieces
    system: Pieces
    user: Pieces
    assistant: Pieces
    answer: Pieces
    default_system: str | None = None  # for a conversation without a system message


@dataclass(frozen=True)
class Family:
    """A family's control tokens by their exact spelling. `fim_*` stand before the prefix, the suffix and the middle."""

    name: str
    model_type: str  # that of config.json in most of its models
    bos: str | None
    eos: str
    fim_begin: str
    fim_hole: str
    fim_end: str
    fim_orders: tuple[str, ...]  # that its base models were trained in, the preferred one first
    other_ends: tuple[str, ...]  # besides eos: an output that reaches one of these is complete
    repository: Literal["path comments", "file separators"]
    repository_name: str | None  # control tokens of "file separators"
    file_separator: str | None
    chat: ChatTemplate | None  # None: not known here
    instruct_fills: bool  # whether the models tuned for chat can still fill a hole
    fim_model: str  # the advice to users for completion
    chat_model: str  # the same for chat, a name of the catalogue


# The bars are U+FF5C and the low lines U+2581: the ASCII look-alike silently breaks FIM.
_DEEPSEEK_BOS = "<｜begin▁of▁sentence｜>"
_DEEPSEEK_EOS = "<｜end▁of▁sentence｜>"
_DEEPSEEK_FIM = ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>")

DEEPSEEK_V2 = Family(
    name="deepseek_v2",
    model_type="deepseek_v2",
    bos=_DEEPSEEK_BOS,
    eos=_DEEPSEEK_EOS,
    fim_begin=_DEEPSEEK_FIM[0],
    fim_hole=_DEEPSEEK_FIM[1],
    fim_end=_DEEPSEEK_FIM[2],
    fim_orders=("psm",),
    other_ends=(),
    repository="path comments",
    repository_name=None,
    file_separator=None,
    chat=ChatTemplate(
        opening=(Control(_DEEPSEEK_BOS),),
        system=("{content}\n\n",),
        user=("User: {content}\n\n",),
        assistant=("Assistant: {content}", Control(_DEEPSEEK_EOS)),
        # No space after the colon, which would change the first token of the answer.
        answer=("Assistant:",),
    ),
    instruct_fills=False,
    fim_model="DeepSeek-Coder-V2-Lite-Base",
    chat_model="deepseek-coder-v2-lite-instruct",
)

DEEPSEEK_V1 = Family(
    name="deepseek_v1",
    model_type="llama",
    bos=_DEEPSEEK_BOS,
    eos=_DEEPSEEK_EOS,
    fim_begin=_DEEPSEEK_FIM[0],
    fim_hole=_DEEPSEEK_FIM[1],
    fim_end=_DEEPSEEK_FIM[2],
    fim_orders=("psm",),
    other_ends=("<|EOT|>",),
    repository="path comments",
    repository_name=None,
    file_separator=None,
    chat=ChatTemplate(
        opening=(Control(_DEEPSEEK_BOS),),
        system=("{content}\n",),
        user=("### Instruction:\n{content}\n",),
        assistant=("### Response:\n{content}\n", Control("<|EOT|>"), "\n"),
        answer=("### Response:\n",),
        default_system=(
            "You are an AI programming assistant, utilizing the Deepseek Coder model, developed by Deepseek "
            "Company, and you only answer questions related to computer science. For politically sensitive "
            "questions, security and privacy issues, and other non-computer science questions, you will refuse "
            "to answer"
        ),
    ),
    instruct_fills=False,
    fim_model="deepseek-coder-1.3b-base or deepseek-coder-6.7b-base",
    chat_model="deepseek-coder-1.3b-instruct",
)

QWEN2 = Family(
    name="qwen2",
    model_type="qwen2",
    bos=None,
    eos="<|endoftext|>",
    fim_begin="<|fim_prefix|>",
    fim_hole="<|fim_suffix|>",
    fim_end="<|fim_middle|>",
    fim_orders=("psm",),
    other_ends=("<|im_end|>",),
    repository="file separators",
    repository_name="<|repo_name|>",
    file_separator="<|file_sep|>",
    chat=ChatTemplate(
        opening=(),
        system=(Control("<|im_start|>"), "system\n{content}", Control("<|im_end|>"), "\n"),
        user=(Control("<|im_start|>"), "user\n{content}", Control("<|im_end|>"), "\n"),
        assistant=(Control("<|im_start|>"), "assistant\n{content}", Control("<|im_end|>"), "\n"),
        answer=(Control("<|im_start|>"), "assistant\n"),
        default_system="You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
    ),
    instruct_fills=True,
    fim_model="Qwen2.5-Coder-1.5B",
    chat_model="qwen2.5-coder-1.5b-instruct",
)

SEED_CODER = Family(
    name="seed_coder",
    model_type="llama",
    bos="<[begin▁of▁sentence]>",
    eos="<[end▁of▁sentence]>",
    fim_begin="<[fim-prefix]>",
    fim_hole="<[fim-suffix]>",
    fim_end="<[fim-middle]>",
    fim_orders=("spm",),
    other_ends=(),
    repository="path comments",
    repository_name=None,
    file_separator=None,
    chat=None,
    instruct_fills=False,
    fim_model="Seed-Coder-8B-Base",
    chat_model="qwen2.5-coder-1.5b-instruct",
)

FAMILIES = (DEEPSEEK_V2, DEEPSEEK_V1, QWEN2, SEED_CODER)
# Of models that only servers run: StarCoder's, which many others took over.
_FOREIGN_CONTROLS = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<fim_pad>")


def family_of(model_type: object, controls: Collection[str], where: object) -> Family:
    """Return the family of a model, by its tokenizer's control tokens first, then by config.json's `model_type`.

    Models of one architecture are of many families, and a stranger's control tokens mean nothing to a model. `where` is
    only for the message. Raises ModelError.
    """
    architectures = {family.model_type: None for family in FAMILIES}
    if model_type not in architectures:
        known = ", ".join(map(repr, architectures))
        raise ModelError(f"{where}: model_type is {repr(model_type)}; Midspan runs {known}")
    fitting = [family for family in FAMILIES if _has_ends(family, controls)]
    filling = [family for family in fitting if _has_sentinels(family, controls)]
    same = [family for family in fitting if family.model_type == model_type]
    if not filling and not same:
        raise ModelError(
            f"{where}: is of a family that Midspan does not know, so it can fill no hole: its tokenizer has the "
            f"control tokens of none of {', '.join(family.name for family in FAMILIES)}"
        )
    return next((family for family in filling if family in same), (filling or same)[0])


def control_spellings() -> tuple[str, ...]:
    """Return every control token of the families, and of those that only servers run."""
    spellings = list(_FOREIGN_CONTROLS)
    for family in FAMILIES:
        spellings += [name for name in (*_ends(family), *_sentinels(family)) if name is not None]
        spellings += [name for name in (*family.other_ends, family.repository_name, family.file_separator) if name]
    return tuple(dict.fromkeys(spellings))


def _ends(family: Family) -> tuple[str | None, str]:
    return family.bos, family.eos


def _sentinels(family: Family) -> tuple[str, str, str]:
    return family.fim_begin, family.fim_hole, family.fim_end


def _has_ends(family: Family, controls: Collection[str]) -> bool:
    return all(name in controls for name in _ends(family) if name is not None)


def _has_sentinels(family: Family, controls: Collection[str]) -> bool:
    return all(name in controls for name in _sentinels(family))
