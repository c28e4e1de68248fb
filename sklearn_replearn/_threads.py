"""Work for several threads, in order, and not far ahead of who uses it."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

from joblib import effective_n_jobs


def map_in_threads(function, jobs, n_threads):
    """Results of a function, in the order of the jobs, which are made when needed.

    At most one more result than there are threads waits to be taken, so that the
    memory is bounded. With one thread everything happens in the caller's. Close the
    generator (``contextlib.closing``) to be sure that no thread outlives its use.

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
    with ThreadPoolExecutor(n_threads) as pool:
        pending = deque()
        for job in jobs:
            pending.append(pool.submit(function, job))
            if len(pending) > n_threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


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
