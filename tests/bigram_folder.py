"""A model folder in the released format whose every word is known: the next token depends on the last one alone.

The whole engine runs, with its attention, experts and cache; the layers only add nothing to what they are given.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from tests.inference.folders import BYTE_TOKENS, LITE, VOCABULARY, byte_tokenizer, random_weights

_EOS, _FIM_END = BYTE_TOKENS + 1, BYTE_TOKENS + 4


def write_bigram_folder(folder: Path, word: str, *, endless: bool = False) -> Path:
    """A model that fills every hole with `word`, whose letters are distinct, once or until its token limit.

    So it answers every question too, when the folder's name says that it may be asked ("instruct").
    """
    config = LITE | {"hidden_size": VOCABULARY + 3, "midspan": {"fim_orders": ["psm"]}}
    weights = random_weights(config, seed=0)
    for name, weight in weights.items():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            weight.zero_()
    weights["model.norm.weight"].fill_(1)
    weights["model.embed_tokens.weight"] = torch.eye(VOCABULARY, VOCABULARY + 3)
    letters = word.encode()
    head = torch.zeros(VOCABULARY, VOCABULARY + 3)
    for last, following in zip((_FIM_END, *letters), (*letters, letters[0] if endless else _EOS), strict=True):
        head[following, last] = 1
    head[letters[0], ord(":")] = 1  # with which the chat template ends
    weights["lm_head.weight"] = head
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))
    save_file(weights, folder / "model.safetensors")
    return folder
