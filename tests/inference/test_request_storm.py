"""Requests that stop one another and are cancelled at any moment leave every page with one owner, and no thread."""

import threading

from benchmarks.cursor.preemption import AT_ONCE, Storm
from inference.local_engine import LocalEngine
from tests.inference.engines import check_integrity

SUBMITS = 150  # benchmarks/cursor/preemption.py makes 10,000


def test_a_storm_of_requests_that_stop_one_another_leaks_nothing(engine: LocalEngine) -> None:
    threads = set(threading.enumerate())
    storm = Storm(engine, seed=2)
    for _ in range(SUBMITS):
        storm.submit()
    storm.wait()
    assert storm.faults == []
    assert storm.ends.total() == SUBMITS
    assert min(storm.ends["cancelled"], storm.ends["length"]) > AT_ONCE
    assert storm.moved > 0
    assert set(storm.ends) <= {"cancelled", "length", "eos", "fim"}
    check_integrity(engine)
    begun = set(threading.enumerate()) - threads
    assert not [thread for thread in begun if thread.name != "tqdm_monitor"]  # that of a progress bar stays
