"""How many threads BLAS uses."""

from contextlib import contextmanager
from threading import Lock

from threadpoolctl import threadpool_info, threadpool_limits


def n_blas_threads():
    """Number of threads that a matrix product would use here and now.

    It is one inside joblib's worker processes and under ``threadpool_limits(1)``, so
    whatever follows it never oversubscribes the processor.
    """
    threads = [
        pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"
    ]
    return min(threads, default=1)


class _OneBlasThread:
    """The limit of BLAS to one thread, and how many ask for it at the moment."""

    lock = Lock()
    n_users = 0
    limit = None


@contextmanager
def one_blas_thread():
    """Keep BLAS to one thread for a while.

    The number of threads is the whole process's. Of those that ask for it at a time,
    in threads of their own, the first to come sets the limit and the last to go lifts
    it, so that none restores what another has set.
    """
    with _OneBlasThread.lock:
        if _OneBlasThread.n_users == 0:
            _OneBlasThread.limit = threadpool_limits(1, user_api="blas")
        _OneBlasThread.n_users += 1
    try:
        yield
    finally:
        with _OneBlasThread.lock:
            _OneBlasThread.n_users -= 1
            if _OneBlasThread.n_users == 0:
                _OneBlasThread.limit.restore_original_limits()
