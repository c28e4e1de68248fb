"""Peak memory of a whole process, libraries and work space included."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def in_fresh_process(function: Callable, *args: Any, threads: int) -> Any:
    """What a function of some module returns in a new process; all of it fits JSON."""
    command = [sys.executable, "-m", __name__, function.__module__, function.__name__]
    result = subprocess.run(
        [*command, json.dumps(args)],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(result.stdout)


def peak_resident() -> int:
    """Bytes in memory that this process has held at most so far."""
    if sys.platform == "linux":  # where getrusage counts what the parent held, too
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])
    from resource import RUSAGE_SELF, getrusage

    unit = 1 if sys.platform == "darwin" else 1024
    return unit * getrusage(RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    module, name, args = sys.argv[1:]
    json.dump(getattr(import_module(module), name)(*json.loads(args)), sys.stdout)
