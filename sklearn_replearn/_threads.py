"""Work for several threads, in order, and not far ahead of who uses it."""

from contextlib import suppress
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Thread

from joblib import effective_n_jobs

#: Seconds to wait for the last job of a thread.
LONGEST_JOB = 60


def map_in_threads(function, jobs, n_threads):
    """Results of a function, in the order of the jobs, which are made when needed.

    At most one more result than there are threads waits to be taken, so that the
    memory is bounded. With one thread everything happens in the caller's. Close the
    generator (``contextlib.closing``) to be sure that no thread outlives its use.

    Ctrl-C may come at any moment. It can leave locks of ``concurrent.futures`` locked,
    which are written in Python, but not those of a ``SimpleQueue``. All threads are
    started before the first job, since an interrupted start can leave a thread behind.

    Parameters
    ----------
    function : callable
        Of one job; it should release the interpreter lock.
    jobs : iterable
    n_threads : int

    Yields
    ------
    result : object
    """
    if n_threads == 1:
        yield from map(function, jobs)
        return
    waiting, done = SimpleQueue(), SimpleQueue()
    threads = [
        Thread(target=_work, args=(function, waiting, done), daemon=True)
        for _ in range(n_threads)
    ]
    try:
        for thread in threads:
            thread.start()
        yield from _in_order(jobs, waiting, done, n_threads + 1)
    finally:
        with suppress(Empty):
            while True:
                waiting.get_nowait()
        for _ in threads:
            waiting.put(None)
        for thread in threads:
            if thread.ident is not None:
                thread.join(LONGEST_JOB)


def _work(function, waiting, done):
    """Do jobs until there is a None among them."""
    for number, job in iter(waiting.get, None):
        try:
            done.put((number, function(job), None))
        except BaseException as error:
            done.put((number, None, error))


def _in_order(jobs, waiting, done, n_ahead):
    """Hand out jobs, and yield their results in order."""
    results, n_taken, n_given = {}, 0, 0
    jobs = iter(jobs)
    while True:
        for job in islice(jobs, n_taken + n_ahead - n_given):
            waiting.put((n_given, job))
            n_given += 1
        if n_taken == n_given:
            return
        while n_taken not in results:
            number, *result = done.get()
            results[number] = result
        result, error = results.pop(n_taken)
        if error is not None:
            raise error
        n_taken += 1
        yield result


def n_racing_threads(n_jobs, random_state):
    """Number of threads that change the same numbers without waiting for each other.

    Parameters
    ----------
    n_jobs : int or None
        Of an estimator: ``None`` means 1, and -1 as many as there are processors.
    random_state : int, RandomState instance or None
        Of the same estimator. The result of several threads is never the same again,
        so they are refused where it is not ``None``.
    """
    n_threads = 1 if n_jobs is None else effective_n_jobs(n_jobs)
    if n_threads > 1 and random_state is not None:
        raise ValueError(
            f"n_jobs={n_jobs} cannot repeat a result, which random_state="
            f"{random_state!r} asks for; set n_jobs=1 or random_state=None."
        )
    return n_threads
