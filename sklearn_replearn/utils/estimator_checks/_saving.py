"""What was fitted works in another process."""

import os
import pickle
import subprocess
import sys
import tempfile
import textwrap
from io import BytesIO
from pathlib import Path

import joblib
import numpy as np

from sklearn_replearn.utils.estimator_checks._comparing import (
    assert_same,
    dense,
    fit_clone,
    installed,
)


def _joblib_dumps(value):
    buffer = BytesIO()
    joblib.dump(value, buffer)
    return buffer.getvalue()


def check_fresh_process(estimator, data):
    """Pickle, joblib and cloudpickle give the same vectors in a fresh process."""
    fitted = fit_clone(estimator, data)
    expected = dense(fitted.transform(data.rows))
    # A class of a notebook, or of a function, exists in no other process, where only
    # cloudpickle brings it along; its state has to pickle all the same.
    cls = type(fitted)
    by_name = cls.__module__ != "__main__" and "<locals>" not in cls.__qualname__
    dumps = {"pickle": pickle.dumps, "joblib": _joblib_dumps} if by_name else {}
    if installed("cloudpickle"):
        import cloudpickle

        dumps["cloudpickle"] = cloudpickle.dumps
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        joblib.dump(data.rows, folder / "rows")
        try:
            pickle.dumps(vars(fitted))
            for name, dump in dumps.items():
                (folder / name).write_bytes(dump(fitted))
        except Exception as error:
            raise AssertionError(
                f"The fitted estimator does not pickle: {error}"
            ) from (error)
        program = """
            import pickle, sys
            from pathlib import Path
            import joblib, numpy as np
            folder = Path(sys.argv[1])
            rows = joblib.load(folder / "rows")
            for name in sys.argv[2:]:
                if name == "joblib":
                    estimator = joblib.load(folder / name)
                else:
                    estimator = pickle.loads((folder / name).read_bytes())
                Z = estimator.transform(rows)
                Z = Z.toarray() if hasattr(Z, "toarray") else np.asarray(Z)
                np.save(folder / f"{name}.npy", Z)
        """
        names = list(dumps)
        paths = [*sys.path, os.environ.get("PYTHONPATH", "")]
        outcome = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), str(folder), *names],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
            capture_output=True,
            text=True,
            check=False,
        )
        assert outcome.returncode == 0, (
            "The estimator does not load and transform in a fresh process:\n"
            f"{outcome.stderr}"
        )
        for name in names:
            assert_same(
                np.load(folder / f"{name}.npy"),
                expected,
                f"After {name} into a fresh process the vectors differ",
            )
