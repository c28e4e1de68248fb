"""What a report of a fault needs: versions, processor, threads."""

import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, requires, version

from threadpoolctl import threadpool_info


def show_versions():
    """Print the versions of Python, of this package and of all that it can use.

    Also the processor, what it lets torch compute with, and the libraries with threads:
    results differ between processors in the last digits, and speed by much more. Paste
    it into a report of a fault.

    Examples
    --------
    >>> from sklearn_replearn import show_versions
    >>> show_versions()  # doctest: +SKIP
    """
    for title, facts in (
        ("System", _system()),
        ("Packages", _packages()),
        ("torch", _torch()),
        ("Threads", _threads()),
    ):
        width = max(map(len, facts))
        print(f"\n{title}:")
        for name, value in facts.items():
            print(f"  {name:>{width}}: {value}")


def _system():
    return {
        "python": sys.version.replace("\n", " "),
        "executable": sys.executable,
        "machine": platform.platform(),
        "processor": _processor(),
    }


def _processor():
    """Name of the processor, which Python knows on some systems only."""
    try:
        with open("/proc/cpuinfo") as lines:
            names = {
                line.partition(":")[2].strip()
                for line in lines
                if line.startswith("model name")
            }
    except OSError:
        names = set()
    return ", ".join(sorted(names)) or platform.processor() or "unknown"


def _packages():
    """Versions of this package and of its dependencies, optional ones included."""
    name = "sklearn-replearn"
    names = [name] + [
        requirement.split(";")[0].split("[")[0].rstrip("0123456789.<>=!~, ")
        for requirement in requires(name) or []
        if not re.search("extra == .(docs|lint|test)", requirement)
    ]
    return {name: _version(name) for name in dict.fromkeys(names)}


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _torch():
    """What torch computes with here."""
    import torch  # noqa: TID251 - only to ask for its settings

    return {
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "cuda": torch.version.cuda,
        "devices": [
            torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())
        ],
    }


def _threads():
    """Number of threads, and kind of processor, of each library that has threads."""
    return {
        f"{library['prefix']} {library['version'] or ''}".strip(): (
            f"{library['num_threads']} threads"
            + (f", {library['architecture']}" if "architecture" in library else "")
        )
        for library in threadpool_info()
    }
