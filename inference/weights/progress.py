"""Shows the progress of a long task: a bar on a terminal, nothing elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

Progress = Callable[[int], object]  # called with the number of bytes that were just done


@contextmanager
def show_progress(title: str, total_bytes: int | None, done_bytes: int = 0) -> Iterator[Progress]:
    # disable=None: shown only where stderr is a terminal
    with tqdm(
        total=total_bytes,
        initial=done_bytes,
        desc=title,
        unit="B",
        unit_scale=True,
        file=sys.stderr,
        disable=None,
        leave=False,
    ) as bar:
        yield bar.update
