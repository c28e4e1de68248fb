"""Work in threads: in order, not far ahead, and no thread left behind."""

import signal
import sys
import threading
import time
from contextlib import closing

import numpy as np
import pytest

from sklearn_replearn._threads import map_in_threads


@pytest.fixture
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.mark.usefixtures("no_thread_is_left")
@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_results_are_in_order_and_not_far_ahead(n_threads):
    naps = np.random.default_rng(0).uniform(0, 1e-3, 60)
    made = []

    def jobs():
        for i in range(60):
            made.append(i)
            yield i

    def nap(i):
        time.sleep(naps[i])
        return i

    for n_taken, result in enumerate(map_in_threads(nap, jobs(), n_threads)):
        assert result == n_taken
        assert len(made) <= n_taken + n_threads + 1
    assert made == list(range(60))
    assert list(map_in_threads(nap, [], n_threads)) == []


@pytest.mark.usefixtures("no_thread_is_left")
@pytest.mark.parametrize("n_threads", [1, 3])
def test_errors_come_in_order_and_end_the_threads(n_threads):
    results = map_in_threads(lambda i: 1 / (i - 5), range(9), n_threads)
    assert [next(results) for _ in range(5)] == [1 / (i - 5) for i in range(5)]
    with pytest.raises(ZeroDivisionError):
        next(results)

    def jobs():
        yield 1
        raise LookupError

    with pytest.raises(LookupError):
        list(map_in_threads(abs, jobs(), n_threads))
    with closing(map_in_threads(abs, range(9), n_threads)) as results:
        assert next(results) == 0


@pytest.mark.usefixtures("no_thread_is_left")
@pytest.mark.parametrize("place", [0, 1, 2, 7])
def test_interrupts_leave_no_thread(place):
    """Wherever the main thread is when one of the jobs interrupts it."""

    def interrupt(job):
        if job == place:
            signal.raise_signal(signal.SIGINT)

    def use():
        with closing(map_in_threads(interrupt, range(20), 2)) as results:
            list(results)
        time.sleep(10)  # in which the interrupt arrives at the latest

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(100):
            with pytest.raises(KeyboardInterrupt):
                use()
    finally:
        sys.setswitchinterval(interval)
