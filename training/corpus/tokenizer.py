"""The built-in model's tokenizer: byte-level BPE with the properties of DeepSeek-Coder-V2's.

Newline and carriage return stand alone, so exactly one token contains a newline and a file
tokenized line by line gives the ids of the whole file. Digits are single. A word takes one space
before it, the rest of an indentation is one token.

    python -m training.corpus.tokenizer       # learns from the corpus, writes beside it
"""

import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Digits, PreTokenizer, Sequence, Split
from tokenizers.trainers import BpeTrainer

from inference.prompts.healing import Spellings, begun_word, spelling_order
from inference.prompts.tokenizer import spell_tokens
from inference.prompts.tokenizer_file import TokenizerFile
from training.corpus.files import load_files
from training.corpus.folders import corpus_folder

VOCABULARY_TOKENS = 8192
TOKENIZER_FILE = "tokenizer.json"
BOS, EOS = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"
HOLE, BEGIN, END = "<｜fim▁hole｜>", "<｜fim▁begin｜>", "<｜fim▁end｜>"
SENTINELS = (BOS, EOS, HOLE, BEGIN, END)
# The merges are learned from every fourth file; more text does not change them noticeably.
LEARNED_FROM_ONE_IN = 4


def build_pre_tokenizer() -> PreTokenizer:
    """DeepSeek-Coder-V2's pre-tokenizer with `\\p{L}` for its list of letter ranges."""
    return Sequence(
        [
            Split(Regex(r"[\r\n]"), "isolated"),
            Split(Regex(r"\s?\p{L}+"), "isolated"),
            Split(Regex(r"\s?[!-/:-~！-／：-～‘-‟　-。]+"), "isolated"),
            Split(Regex(r"\s+$"), "isolated"),
            Digits(individual_digits=True),
            ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def learn_tokenizer(texts: Iterable[str], vocabulary_tokens: int = VOCABULARY_TOKENS) -> Tokenizer:
    """A tokenizer of at most `vocabulary_tokens` ids, without the sentinels, which follow them."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = build_pre_tokenizer()
    tokenizer.decoder = ByteLevelDecoder()
    trainer = BpeTrainer(
        vocab_size=vocabulary_tokens - len(SENTINELS),
        initial_alphabet=sorted(ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def add_sentinels(tokenizer: Tokenizer) -> Tokenizer:
    """A copy with the sentinels at the last ids, as it is exported and as inference reads it."""
    full = Tokenizer.from_str(tokenizer.to_str())
    full.add_special_tokens([AddedToken(content, special=True, normalized=False) for content in SENTINELS])
    return full


class TextEncoder:
    """An encoder of text that may spell a sentinel: without added tokens, a spelled sentinel stays ordinary text."""

    def __init__(self, text_only: Tokenizer) -> None:
        self.text_only = text_only
        first = text_only.get_vocab_size()
        self.bos, self.eos, self.hole, self.begin, self.end = range(first, first + len(SENTINELS))
        self.vocabulary_tokens = first + len(SENTINELS)
        newline = text_only.token_to_id("Ċ")  # the byte-level spelling of "\n"
        assert newline is not None
        self.newline = newline
        spelled = spell_tokens(TokenizerFile(json.loads(text_only.to_str())))
        self._spellings = Spellings(spelled, spelling_order(spelled), self.encode)

    def encode(self, text: str) -> list[int]:
        """Ids of the text, never a sentinel's."""
        return list(self.text_only.encode(text, add_special_tokens=False).ids)

    def word_start(self, text: str, offset: int) -> int:
        """The start of the word that the offset is within, as the engine finds it; else the offset."""
        line = text[text.rfind("\n", 0, offset) + 1 : offset]
        words = self.text_only.pre_tokenizer.pre_tokenize_str(line)
        return offset - len(begun_word(line, line[words[-1][1][0] :] if words else "", self._spellings))

    def decode(self, ids: Iterable[int]) -> str:
        """Text of the ids; sentinels are left out."""
        first = self.bos
        return str(self.text_only.decode([i for i in ids if i < first], skip_special_tokens=False))


def tokenizer_path() -> Path:
    """The path of the learned tokenizer, which has no sentinels."""
    return corpus_folder() / TOKENIZER_FILE


def load_encoder() -> TextEncoder:
    """The encoder of the tokenizer that was learned from the corpus."""
    return TextEncoder(Tokenizer.from_file(str(tokenizer_path())))


def save_encoder(encoder: TextEncoder, folder: Path) -> None:
    """Write the encoder of a run beside its checkpoints: it may differ from the encoder beside the corpus."""
    folder.mkdir(parents=True, exist_ok=True)
    encoder.text_only.save(str(folder / TOKENIZER_FILE))


def load_run_encoder(folder: Path) -> TextEncoder:
    """The encoder of the run whose checkpoints are in the folder; of an old run, the corpus's."""
    path = folder / TOKENIZER_FILE
    return TextEncoder(Tokenizer.from_file(str(path))) if path.is_file() else load_encoder()


def sample_texts() -> Iterator[str]:
    """The text of each file in `LEARNED_FROM_ONE_IN`, the same files each time."""
    for package in load_files("train"):
        for file in package:
            if zlib.crc32(file.path.encode()) % LEARNED_FROM_ONE_IN == 0:
                yield file.text


def write_tokenizer() -> None:
    """Learn the tokenizer and write it beside the corpus."""
    tokenizer = learn_tokenizer(sample_texts())
    tokenizer.save(str(tokenizer_path()))
    print(f"{tokenizer.get_vocab_size()} tokens and {len(SENTINELS)} sentinels")


if __name__ == "__main__":
    write_tokenizer()
