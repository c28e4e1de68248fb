"""What was fitted works in another process."""

import pickle
import tempfile
from io import BytesIO
from pathlib import Path

import joblib
import numpy as np

from sklearn_replearn.utils.estimator_checks._comparing import (
    assert_same,
    dense,
    fitted_once,
    installed,
)
from sklearn_replearn.utils.estimator_checks._fresh_process import (
    transform_in_fresh_process,
)


def _joblib_dumps(value):
    buffer = BytesIO()
    joblib.dump(value, buffer)
    return buffer.getvalue()


def check_fresh_process(estimator, data):
    """Pickle, joblib and cloudpickle give the same vectors in a fresh process."""
    fitted = fitted_once(estimator, data)
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
        try:
            transform_in_fresh_process(folder, list(dumps))
        except RuntimeError as error:
            raise AssertionError(
                "The estimator does not load and transform in a fresh process:\n"
                f"{error}"
            ) from error
        for name in dumps:
            assert_same(
                np.load(folder / f"{name}.npy"),
                expected,
                f"After {name} into a fresh process the vectors differ",
            )
