"""Requests that stop one another and are cancelled at any moment leave every page with one owner, and no thread."""

import threading

from benchmarks.cursor.preemption import AT_ONCE, Storm
from inference.local_engine import LocalEngine
from tests.inference.engines import check_integrity

SUBMITS = 150  # benchmarks/cursor/preemption.py makes 10,000


def test_a_storm_of_requests_that_stop_one_another_leaks_nothing(engine: LocalEngine) -> None:
    threads = threading.active_count()
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
    assert threading.active_count() <= threads  # one of another test may have ended meanwhile
