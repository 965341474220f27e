"""Hostile repositories, made from seeds, do not reach the sessions beside them. MIDSPAN_FUZZ_MINUTES is the time."""

import json
import os
import subprocess
import sys

import pytest

MINUTES = os.environ.get("MIDSPAN_FUZZ_MINUTES", "0.5")
MOST_BYTES = 1_000_000_000


@pytest.mark.timeout(60 * float(MINUTES) + 270)
def test_a_neighbour_is_answered_by_the_same_daemon_while_hostile_repositories_are_open(capsys) -> None:
    command = [sys.executable, "-m", "benchmarks.repository_fuzz", "--minutes", MINUTES, "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    with capsys.disabled():
        print(f"\nthe neighbour's longest wait: {figures['longest_wait_ms']} ms")
    assert figures["failed"] == {}
    assert (figures["restarts"], figures["neighbour_errors"]) == (0, 0)
    assert figures["keystrokes"] > 0
    assert figures["repositories"] > 0
    assert figures["peak_bytes"] < MOST_BYTES
