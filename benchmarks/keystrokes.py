"""The wait at each of 300 keys that are typed at recorded times, with Midspan and with llama.vim on llama-server.

    python -m benchmarks.keystrokes --models FOLDER --llama-cpp FOLDER [--only qwen-0.5b] [--keys 30] --json

`benchmarks/recorded` has the keys, in three files that no model knows by heart. Midspan is asked through
`midspan serve` and a daemon of its own, with the settings that it has by itself and its index of the folder. The peer
is llama-server with the options that llama.vim recommends, asked as llama.vim asks: its layout, its ring of chunks, its
cache of what was predicted (`peers/llama_vim.py`). Both run the same weights with as many bits (int8: Q8_0, int4:
Q4_K_M), one after the other on the idle machine, on all cores.

Both have the same chances: both ask at each key at once, without a debounce, and type on at the recorded time whether
or not an answer came. Midspan's editor cancels a request that a newer key has made stale, as VS Code does; llama.vim
never cancels, and looks every 100 ms whether the running request has ended. Both are started once before, so that the
files of the model are in memory, and what Midspan makes once of a model is made; and once more for `first_ms`, from the
start of all processes to the answer at the first key. A wait runs from the key to its answer on the screen, which may
be that there is nothing to show. A key that is typed over before has none and counts as `typed_over`, which favours
the slower side. `engine` are the keys that no prediction answered; a prediction is what was known when the key came.
`engine_least` counts those that were typed over among them, as if the answer had come with the next key.
`shown_share` is the share of the tokens that Midspan's model wrote that was shown.
"""

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.midspan_client import MidspanClient
from benchmarks.peers.llama_server import llama_server
from benchmarks.peers.llama_vim import SERVER_OPTIONS, LlamaVim
from benchmarks.peers.models import FORMS, MODELS, Form, ModelFiles
from benchmarks.recorded.recording import Recording, read_recordings
from benchmarks.recorded.waits import Client, Wait, count_typed_over, figures
from benchmarks.startup import own_runtime_folder, stop_daemon
from inference.speed.machine_speed import processor_name
from inference.weights.memory_speed import physical_cores
from midspan import MidspanError

BUILTIN = "builtin"
_COMPARED = ("qwen-0.5b", "qwen-1.5b")
_LAST_ANSWER_S = 3.0


async def type_all(client: Client, recordings: Sequence[Recording]) -> tuple[float, list[Wait]]:
    """Return the milliseconds to the first answer, and the wait of each key. Raises MidspanError."""
    first_ms = await start(client, recordings)
    waits: list[Wait] = []
    for number, recording in enumerate(recordings):
        if number:
            await client.enter(recording)
        due_s = perf_counter()
        for typed in recording.states():
            due_s += typed.key.wait_ms / 1000
            await asyncio.sleep(due_s - perf_counter())
            client.press(typed)
        await asyncio.sleep(_LAST_ANSWER_S)
        waits += count_typed_over(await client.leave(), recording.keys, 1000 * _LAST_ANSWER_S)
    await client.close()
    return first_ms, waits


async def start(client: Client, recordings: Sequence[Recording]) -> float:
    """Start all processes of the client, and return the milliseconds to the answer at the first key."""
    return await client.first(recordings[0], next(recordings[0].states()))


async def start_once(client: Client, recordings: Sequence[Recording]) -> None:
    """Start all processes of the client and end them."""
    await start(client, recordings)
    await client.close()


def measure_midspan(recordings: Sequence[Recording], model: Path | None, form: Form | None) -> dict[str, Any]:
    """Return the figures of Midspan. Raises MidspanError."""
    with own_runtime_folder(), tempfile.TemporaryDirectory() as folder:
        for recording in recordings:
            (Path(folder) / recording.name).write_text(recording.text, encoding="utf-8")
        asyncio.run(start_once(MidspanClient(Path(folder), model, form), recordings))
        stop_daemon()
        client = MidspanClient(Path(folder), model, form)
        first_ms, waits = asyncio.run(type_all(client, recordings))
    return {"first_ms": round(first_ms, 1), **figures(waits), "shown_share": client.shown_share}


def measure_peer(recordings: Sequence[Recording], llama_cpp: Path, gguf: Path) -> dict[str, Any]:
    """Return the figures of llama.vim. Raises MidspanError."""
    options = ["--threads", physical_cores(), *SERVER_OPTIONS]
    asyncio.run(start_once(LlamaVim(llama_server(llama_cpp, gguf, options)), recordings))
    first_ms, waits = asyncio.run(type_all(LlamaVim(llama_server(llama_cpp, gguf, options)), recordings))
    return {"first_ms": round(first_ms, 1), **figures(waits)}


def run(arguments: Namespace) -> Iterator[dict[str, Any]]:
    """Yield the figures of each model in each form. Raises MidspanError."""
    most_keys = None if arguments.keys is None else -(-arguments.keys // 3)
    recordings = read_recordings(most_keys)
    keys = sum(len(recording.keys) for recording in recordings)
    machine = {"cpu": processor_name(), "cores": physical_cores()}
    if BUILTIN in arguments.only:
        yield {"model": BUILTIN, "form": "auto", "keys": keys} | measure_midspan(recordings, None, None) | machine
    names = [name for name in arguments.only if name != BUILTIN]
    for name, form in itertools.product(names, arguments.forms):
        files, model = ModelFiles(arguments.models), MODELS[name]
        ours = measure_midspan(recordings, files.folder(model), form)
        gguf = files.gguf(model, form, arguments.llama_cpp)
        theirs = measure_peer(recordings, arguments.llama_cpp, gguf)
        peer = {f"peer_{figure}": value for figure, value in theirs.items()}
        yield {"model": name, "form": form, "keys": keys} | ours | peer | machine


def main() -> int:
    """Print a line for each model in each form."""
    parser = argparse.ArgumentParser("benchmarks.keystrokes", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", type=Path, metavar="FOLDER", help="the folder of the GGUF files")
    parser.add_argument("--llama-cpp", type=Path, metavar="FOLDER", help="the folder of llama-server")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[BUILTIN, *_COMPARED],
        default=list(_COMPARED),
        metavar="MODEL",
        help=f"these of {BUILTIN} (without a peer: it has no GGUF file), {', '.join(_COMPARED)}",
    )
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--keys", type=int, metavar="N", help="a short trial: about N keys instead of 300")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if set(arguments.only) != {BUILTIN} and not (arguments.models and arguments.llama_cpp):
        parser.error("the models other than the built-in one need --models and --llama-cpp")
    try:
        for found in run(arguments):
            words = "  ".join(f"{name} {value}" for name, value in found.items())
            print(json.dumps(found) if arguments.json else words, flush=True)
    except MidspanError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
