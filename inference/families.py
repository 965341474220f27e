"""What differs between model families in how prompts are spelled: one table of data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """Sentinels by their exact spelling; ids come from each folder's tokenizer."""

    name: str
    bos: str
    eos: str
    fim_begin: str
    fim_hole: str
    fim_end: str


# The bars are U+FF5C and the low lines U+2581: the ASCII look-alike silently breaks FIM.
DEEPSEEK_V2 = Family(
    name="deepseek_v2",
    bos="<｜begin▁of▁sentence｜>",
    eos="<｜end▁of▁sentence｜>",
    fim_begin="<｜fim▁begin｜>",
    fim_hole="<｜fim▁hole｜>",
    fim_end="<｜fim▁end｜>",
)
