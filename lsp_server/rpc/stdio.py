"""Stdin and stdout carry the stream between an editor and the server, and nothing else."""

import asyncio
import os
import sys
import threading
from typing import BinaryIO

from lsp_server.rpc.frames import FrameReader, FramingError


def claim_stdout() -> BinaryIO:
    """Return the real stdout. From now on everything that prints, native libraries too, prints to stderr."""
    sys.stdout.flush()
    stdout = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return stdout


def claim_stdin() -> int:
    """Return the descriptor of the real stdin. From now on all other readers, child processes too, read nothing."""
    stdin = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return stdin


def read_messages(descriptor: int) -> "asyncio.Queue[bytes | None]":
    """Return a queue of the bodies that arrive at the descriptor, in order, and None after the last one.

    A thread reads, because an event loop cannot wait for every kind of stdin. The thread holds no lock of Python's
    own streams, so the process can end while it waits.
    """
    loop = asyncio.get_running_loop()
    messages: asyncio.Queue[bytes | None] = asyncio.Queue()

    def read() -> None:
        frames = FrameReader()
        try:
            while data := os.read(descriptor, 1 << 16):
                for body in frames.feed(data):
                    loop.call_soon_threadsafe(messages.put_nowait, body)
        except (FramingError, OSError) as error:
            print(f"midspan: {error}", file=sys.stderr)
        loop.call_soon_threadsafe(messages.put_nowait, None)

    def read_until_closed() -> None:
        try:
            read()
        except RuntimeError:  # the event loop is closed: the server is about to end
            return

    threading.Thread(target=read_until_closed, name="midspan-stdin", daemon=True).start()
    return messages
