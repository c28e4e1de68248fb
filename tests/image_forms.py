"""The check images of the conformance suite, in each of the forms that images have."""

import numpy as np

from sklearn_replearn.utils.estimator_checks import CheckData
from sklearn_replearn.utils.estimator_checks._data import make_images

FORMS = {
    "without channels": np.asarray,
    "with channels": lambda X: np.stack([X, X[:, ::-1], X**2], axis=-1),
    "bytes": lambda X: np.rint(255 * X).astype(np.uint8),
}

#: Those that the whole suite is run on. Images without channels have little that could
#: go wrong beyond these.
SUITE_FORMS = ["with channels", "bytes"]


def of_images(form):
    """The check images in a form."""
    data, convert = make_images(np.random.default_rng(0), 60), FORMS[form]
    return CheckData("image", convert(data.X), data.y, convert(data.rows))


def expected_failures(form):
    """Checks of the suite that say nothing of a form, with the reason."""
    return {"check_invalid_numbers": "a byte is never NaN"} if form == "bytes" else None
