"""Model folders that somebody made to harm the process that reads them, each with the line that refuses it."""

import json
import os
import random
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from tests.inference.folders import CODER_V1, LARGE, LITE, YARN, byte_tokenizer, write_folder

CONFIG, TOKENIZER, WEIGHTS = "config.json", "tokenizer.json", "model.safetensors"
INDEX = "model.safetensors.index.json"
SEED = 13

Spoil = Callable[[Path], object]


def link(name: str, target: str) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return spoil


def fifo(name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return spoil


def directory(name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return spoil


def listening(folder: Path) -> None:
    (folder / CONFIG).unlink()
    here = Path.cwd()
    os.chdir(folder)  # the address of a socket may not be long
    try:
        socket.socket(socket.AF_UNIX).bind(CONFIG)
    finally:
        os.chdir(here)


def sparse(name: str, size_bytes: int) -> Spoil:
    return lambda folder: os.truncate(folder / name, size_bytes)


def text(name: str, content: str) -> Spoil:
    return lambda folder: (folder / name).write_text(content)


def config(base: dict[str, Any] = LITE, **fields: Any) -> Spoil:
    return lambda folder: (folder / CONFIG).write_text(json.dumps(base | fields))


def raw_config(name: str, value: str) -> Spoil:
    """Write a field as it stands in `value`, which need not be JSON that Python writes."""
    rest = json.dumps({key: field for key, field in LITE.items() if key != name})
    return lambda folder: (folder / CONFIG).write_text(rest[:-1] + f', "{name}": {value}}}')


def tokenizer(change: Callable[[dict[str, Any]], object]) -> Spoil:
    def spoil(folder: Path) -> None:
        definition = byte_tokenizer()
        change(definition)
        (folder / TOKENIZER).write_text(json.dumps(definition))

    return spoil


def splitting(pattern: str) -> Spoil:
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    return tokenizer(lambda d: d["pre_tokenizer"]["pretokenizers"].insert(0, split))


def expanding(definition: dict[str, Any]) -> None:
    steps = [{"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 100}] * 4
    definition["normalizer"] = {"type": "Sequence", "normalizers": steps}


def doubling(definition: dict[str, Any]) -> None:
    definition["pre_tokenizer"]["pretokenizers"] += [definition["decoder"]] * 30


def panicking(definition: dict[str, Any]) -> None:
    definition["model"] |= {"continuing_subword_prefix": "##longer", "merges": ["a b"]}
    definition["model"]["vocab"]["ab"] = 269


def header(content: bytes, length: int | None = None) -> Spoil:
    size = struct.pack("<Q", len(content) if length is None else length)
    return lambda folder: (folder / WEIGHTS).write_bytes(size + content)


def weight(value: float, seed: int = SEED) -> Spoil:
    """Put one value into one place of one tensor."""

    def spoil(folder: Path) -> None:
        rng = random.Random(seed)
        weights = load_file(folder / WEIGHTS)
        name = rng.choice(sorted(weights))
        weights[name].view(-1)[rng.randrange(weights[name].numel())] = value
        save_file(weights, folder / WEIGHTS)

    return spoil


def index(weight_map: Any) -> Spoil:
    return lambda folder: (folder / INDEX).write_text(json.dumps({"weight_map": weight_map}))


NESTED = "[" * 100_000
NO_SIZE = b'{"a": {"dtype": "F32", "shape": [%s], "data_offsets": [0, 4]}}'
LINK, IRREGULAR = "is a link that leads out of the model's folder", "is no regular file"

# These are refused before torch is imported.
WITHOUT_WEIGHTS: dict[str, tuple[Spoil, str]] = {
    "config is /dev/zero": (link(CONFIG, "/dev/zero"), f"config.json: {LINK}"),
    "config is a loop of links": (link(CONFIG, CONFIG), "config.json: "),
    "config is a FIFO": (fifo(CONFIG), f"config.json: {IRREGULAR}"),
    "config is a folder": (directory(CONFIG), f"config.json: {IRREGULAR}"),
    "config is a socket": (listening, f"config.json: {IRREGULAR}"),
    "config is large": (sparse(CONFIG, 1 << 40), "config.json: is larger than 1 MB"),
    "config is nested": (text(CONFIG, f'{{"a": {NESTED}'), "config.json: cannot be read (it is nested too deeply)"),
    "config has many values": (text(CONFIG, '{"a": [' + "0," * 400_000), "config.json: cannot be read"),
    "config is a list": (text(CONFIG, "[]"), "config.json: is not a JSON object"),
    "a billion layers": (config(num_hidden_layers=10**9), "num_hidden_layers must be a whole number from 1 to 1000"),
    "a size of 400 digits": (config(hidden_size=10**400), "hidden_size must be a whole number from 1 to"),
    "a size of 5000 digits": (raw_config("hidden_size", "9" * 5000), "config.json: cannot be read"),
    "no heads": (config(num_attention_heads=0), "num_attention_heads must be a whole number from 1 to 4096, but is 0"),
    "negative width": (config(v_head_dim=-1), "v_head_dim must be a whole number from 1 to"),
    "true is no number": (config(kv_lora_rank=True), "kv_lora_rank must be a whole number from 1 to"),
    "a text is no number": (config(vocab_size="270"), "vocab_size must be a whole number from 1 to"),
    "a list is no number": (config(n_shared_experts=[2]), "n_shared_experts must be a whole number from 0 to"),
    "half a head": (config(num_attention_heads=1.5), "num_attention_heads must be a whole number from 1 to"),
    "eps is NaN": (raw_config("rms_norm_eps", "NaN"), "rms_norm_eps must be a number from 1e-09 to 1, but is nan"),
    "eps is negative": (config(rms_norm_eps=-1e-6), "rms_norm_eps must be a number from"),
    "eps is nothing": (config(rms_norm_eps=0), "rms_norm_eps must be a number from"),
    "scale is infinite": (raw_config("routed_scaling_factor", "1e999"), "routed_scaling_factor must be a number from"),
    "base is infinite": (
        raw_config("rope_parameters", '{"rope_theta": Infinity}'),
        "rope_theta must be a number from 1.001 to 1e+12, but is inf",
    ),
    "base is one": (config(rope_parameters={"rope_theta": 1}), "rope_theta must be a number from"),
    "factor is nothing": (config(rope_parameters=YARN | {"factor": 0}), "factor must be a number from"),
    "ramp is true": (config(rope_parameters=YARN | {"beta_fast": True}), "beta_fast must be a number from"),
    "mscale is a text": (config(rope_parameters=YARN | {"mscale": "1"}), "mscale must be a number from"),
    "rotation is odd": (config(qk_rope_head_dim=7), "qk_rope_head_dim must be even, but is 7"),
    "more used than routed": (config(num_experts_per_tok=9), "num_experts_per_tok is 9, and a token can reach 8"),
    "groups that do not fit": (config(LARGE, n_group=3), "16 experts do not fall into 3 groups"),
    "more groups used than there are": (config(LARGE, topk_group=5), "topk_group must be a whole number from 1 to 4"),
    "too few experts in the groups": (config(LARGE, num_experts_per_tok=9), "a token can reach 8 experts"),
    "heads that do not share": (config(CODER_V1, num_key_value_heads=3), "4 attention heads cannot share 3"),
    "heads without width": (config(CODER_V1, hidden_size=3), "a head is 0 wide"),
    "tied is a text": (config(tie_word_embeddings="no"), "tie_word_embeddings must be true or false"),
    "context is negative": (config(midspan={"context_tokens": -1}), "context_tokens must be a whole number from 1"),
    "name is long": (config(midspan={"name": "a" * 10_000}), "the name in midspan must be a text of at most 200"),
    "orders are a number": (config(midspan={"fim_orders": 5}), "fim_orders must be a list of psm and spm"),
    "family steers the terminal": (config(model_type="\x1b]0;owned\x07"), r"model_type is '\x1b]0;owned\x07'"),
    "tokenizer is /dev/zero": (link(TOKENIZER, "/dev/zero"), f"tokenizer.json: {LINK}"),
    "tokenizer is a FIFO": (fifo(TOKENIZER), f"tokenizer.json: {IRREGULAR}"),
    "tokenizer is large": (sparse(TOKENIZER, 1 << 40), "tokenizer.json: is larger than 32 MB"),
    "tokenizer is nested": (text(TOKENIZER, f'{{"a": {NESTED}'), "tokenizer.json: cannot be read (it is nested"),
    "tokenizer expands": (tokenizer(expanding), "rewrites texts ('Replace'), which Midspan does not run"),
    "tokenizer doubles": (tokenizer(doubling), "cuts texts in more steps than any model needs"),
    "tokenizer panics": (tokenizer(panicking), "tokenizer.json: cannot be used (range end index"),
    "pattern is exponential": (splitting("(a+)+b"), "a pattern that repeats a group with choices"),
    "pattern has choices": (splitting("(?:a|a)*b"), "a pattern that repeats a group with choices"),
    "pattern calls itself": (splitting(r"(?<x>a\g<x>?)"), "a pattern that has a group or a quantifier of a rare kind"),
    "pattern is cubic": (splitting("q*q*q*z"), "tokenizer.json: takes more time or memory than any tokenizer needs"),
    "pattern is square": (splitting("[a-z]+[0-9]+!"), "takes more time or memory than any tokenizer needs"),
    "an id of two billion": (tokenizer(lambda d: d["model"]["vocab"].update(a=2 * 10**9)), "the id 2000000000"),
    "a negative id": (tokenizer(lambda d: d["model"]["vocab"].update(a=-1)), "gives 'a' the id -1"),
    "an id that is true": (tokenizer(lambda d: d["model"]["vocab"].update(a=True)), "gives 'a' the id True"),
    "a control token of two billion": (
        tokenizer(lambda d: d["added_tokens"][0].update(id=2 * 10**9)),
        "the id 2000000000",
    ),
    "chance": (tokenizer(lambda d: d["model"].update(dropout=0.5)), "drops merges by chance (dropout)"),
    "vocabulary is a list": (tokenizer(lambda d: d["model"].update(vocab=[1])), "tokenizer.json: cannot be read"),
    "added tokens are numbers": (tokenizer(lambda d: d.update(added_tokens=[1])), "tokenizer.json: cannot be read"),
    "steps are a number": (tokenizer(lambda d: d.update(pre_tokenizer=7)), "tokenizer.json: cannot be read"),
}

WITH_WEIGHTS: dict[str, tuple[Spoil, str]] = {
    "weights are /dev/zero": (link(WEIGHTS, "/dev/zero"), f"model.safetensors: {LINK}"),
    "weights are a FIFO": (fifo(WEIGHTS), f"model.safetensors: {IRREGULAR}"),
    "a header of 2^60 bytes": (header(b"{}", 1 << 60), f"(a header of {1 << 60} bytes)"),
    "a nested header": (header(b'{"a": ' + NESTED.encode()), "model.safetensors: corrupt or truncated"),
    "a shape of 2^64": (header(NO_SIZE % b"4294967296, 4294967296"), "model.safetensors: corrupt or truncated"),
    "a shape of 400 digits": (header(NO_SIZE % (b"9" * 400)), "model.safetensors: corrupt or truncated"),
    "the index names another folder": (
        index({"a": "../other/model.safetensors"}),
        "names '../other/model.safetensors', which is no safetensors file beside it",
    ),
    "the index names a number": (index({"a": 7}), "names 7, which is no safetensors file beside it"),
    "the index names a device": (index({"a": "NUL.safetensors"}), "is no path inside a model's folder"),
    "the index is a list": (index([1]), "model.safetensors.index.json: names no weights"),
    "the index is /dev/zero": (link(INDEX, "/dev/zero"), f"{INDEX}: {LINK}"),
    "far more layers than tensors": (config(num_hidden_layers=900), "which asks for more than"),
    "far more experts than tensors": (
        config(n_routed_experts=1024, num_hidden_layers=1000),
        "which asks for more than",
    ),
    "fewer layers than tensors": (config(num_hidden_layers=2), "not part of this architecture model.layers.2."),
    "wider than the tensors": (config(hidden_size=128), "is [270, 64] instead of [270, 128]"),
    "fewer tokens than the tokenizer": (config(vocab_size=100), "tokens and config.json only 100"),
    "a weight is NaN": (weight(float("nan")), "has values that are not finite (NaN or infinity)"),
    "a weight is infinite": (weight(float("inf"), SEED + 1), "has values that are not finite (NaN or infinity)"),
    "a weight is minus infinity": (weight(float("-inf"), SEED + 2), "has values that are not finite"),
}


def make(folder: Path, spoil: Spoil) -> Path:
    """Write a model folder and spoil it."""
    torch.set_num_threads(1)
    spoil(write_folder(folder))
    return folder
