"""A process in which nothing of this package is loaded, and which loads estimators.

Importing numpy, scikit-learn and torch takes seconds, loading an estimator
milliseconds. One server therefore imports other packages once, and forks a process for
each request, in which our own modules are still to be imported. Where forking is not
safe, each request has a Python of its own.

This file is also the server's program. It must import nothing of this package.
"""

import atexit
import importlib
import json
import os
import pickle
import subprocess
import sys
import traceback
import warnings
from functools import cache
from pathlib import Path
from threading import Lock

#: Packages that the server imports if the caller has.
HEAVY = ("gensim", "joblib", "numpy", "pandas", "scipy", "sklearn", "skorch", "torch")

CAN_FORK = sys.platform == "linux"

_ONE_AT_A_TIME = Lock()


def transform_in_fresh_process(folder, names):
    """Load the estimators saved in a folder, and transform the rows saved there.

    Parameters
    ----------
    folder : Path
        With a file of each name, and "rows" as joblib saves them. The output of
        `transform` is saved as "<name>.npy".
    names : list of str
        "joblib" for a file that joblib wrote; any other is read by pickle.

    Raises
    ------
    RuntimeError
        With the other process's traceback, if it fails.
    """
    request = json.dumps([str(folder), names, sys.path, os.getcwd()]) + "\n"
    if CAN_FORK:
        with _ONE_AT_A_TIME:
            server = _server(os.getpid())
            server.stdin.write(request)
            server.stdin.flush()
            code = server.stdout.readline()
    else:
        code = _start().communicate(request)[0]
    if code != "0\n":
        log = folder / "log"
        printed = log.read_text() if log.exists() else "It did not start."
        raise RuntimeError(f"{printed}\nExit code: {code.strip() or 'none'}")


@cache
def _server(caller):
    """The server of a process, which a process that is forked from it does not use."""
    server = _start()
    atexit.register(_stop, server)
    return server


def _start():
    modules = [name for name in sys.modules if name.partition(".")[0] in HEAVY]
    server = subprocess.Popen(
        [sys.executable, "-P", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    server.stdin.write(json.dumps([sys.path, modules if CAN_FORK else []]) + "\n")
    return server


def _stop(server):
    server.stdin.close()
    server.wait()
    server.stdout.close()


# ---------------------------------------------------------------------------
# The server
# ---------------------------------------------------------------------------


def _serve():
    warnings.simplefilter("ignore")  # what it imports may warn, and forking threads
    sys.path[:], modules = json.loads(sys.stdin.readline())
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception:  # a module that its package makes, with no file
            continue
    warnings.resetwarnings()
    for request in sys.stdin:
        if CAN_FORK:
            process = os.fork()
            if process == 0:
                os._exit(_answer(*json.loads(request)))
            code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        else:
            code = _answer(*json.loads(request))
        print(code, flush=True)


def _answer(folder, names, path, working_folder):
    """Exit code; what the process prints and the traceback go into "log"."""
    folder = Path(folder)
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT)
    kept = os.dup(1)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        sys.path[:] = path
        os.chdir(working_folder)
        _transform(folder, names)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
    return 0


def _transform(folder, names):
    import joblib
    import numpy as np

    rows = joblib.load(folder / "rows")
    for name in names:
        if name == "joblib":
            estimator = joblib.load(folder / name)
        else:
            estimator = pickle.loads((folder / name).read_bytes())
        Z = estimator.transform(rows)
        np.save(folder / f"{name}.npy", Z.toarray() if hasattr(Z, "toarray") else Z)


if __name__ == "__main__":
    _serve()
