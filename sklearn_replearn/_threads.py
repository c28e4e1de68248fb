"""Work for several threads, in order, and not far ahead of who uses it."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor


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
