"""What a display of an embedding is given: checks, one sentence each."""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_array

from sklearn_replearn.plotting._images import check_finite, check_images

_MAX_WHOLE_CLASSES = 10


def check_embedding(Z):
    """The embedding as a finite 2-D array or CSR matrix, and its column names."""
    names = [str(name) for name in Z.columns] if hasattr(Z, "columns") else None
    Z = check_array(
        Z,
        accept_sparse="csr",
        dtype=[np.float64, np.float32],
        ensure_2d=False,
        allow_nd=True,
        ensure_all_finite=False,
        ensure_min_samples=0,
        ensure_min_features=0,
        input_name="embedding",
    )
    if Z.ndim == 1:
        Z = Z.reshape(-1, 1)
    if Z.ndim != 2 or 0 in Z.shape:
        raise ValueError(
            "an embedding to draw has one row per point and at least one column; got "
            f"shape {Z.shape}"
        )
    bad = ~np.isfinite(Z.data if issparse(Z) else Z)
    if bad.any():
        rows = np.unique(Z.tocoo().row[bad] if issparse(Z) else np.nonzero(bad)[0])
        raise ValueError(
            f"the embedding has NaN or infinite values in {len(rows)} of "
            f"{Z.shape[0]} rows, the first in row {rows[0]}; leave these rows out"
        )
    return Z, names


def check_labels(labels, n_samples):
    """Labels as floats where they are continuous, as anything else for classes."""
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels.ravel()
    if labels.ndim != 1:
        raise ValueError(
            f"labels must be one value per row; got an array of shape {labels.shape}"
        )
    _check_length("labels", labels, n_samples)
    missing = [i for i, label in enumerate(labels.tolist()) if _is_missing(label)]
    if missing:
        raise ValueError(
            f"labels has {len(missing)} missing or infinite values, the first in row "
            f"{missing[0]}; name them as a class, or leave these rows out"
        )
    if labels.dtype.kind == "f":
        values = np.unique(labels)
        whole = (values == np.rint(values)).all()
        return labels.astype(
            int if whole and len(values) <= _MAX_WHOLE_CLASSES else float
        )
    try:
        np.unique(labels)
    except TypeError:  # values of several types, which have no order
        labels = labels.astype(str)
    return labels


def _is_missing(label):
    if isinstance(label, float):
        return not np.isfinite(label)
    return label is None or type(label).__name__ in ("NAType", "NaTType")


def check_texts(texts, n_samples):
    if isinstance(texts, str):
        raise ValueError("texts must be one string per row, not a single string")
    texts = ["" if _is_missing(text) else str(text) for text in texts]
    _check_length("texts", texts, n_samples)
    return texts


def check_thumbnails(thumbnails, n_samples):
    """The pictures, and the rows that have one: those that are not None."""
    rows = range(n_samples)
    if isinstance(thumbnails, list | tuple):
        _check_length("thumbnails", thumbnails, n_samples)
        rows = [row for row in rows if thumbnails[row] is not None]
        thumbnails = [thumbnails[row] for row in rows]
    thumbnails = check_images(thumbnails, "thumbnails")
    _check_length("thumbnails", thumbnails, len(rows))
    check_finite(thumbnails, "thumbnails")
    if thumbnails.ndim == 4 and thumbnails.dtype != np.uint8:
        low, high = thumbnails.min(), thumbnails.max()
        if low < 0 or high > 1:
            raise ValueError(
                "thumbnails in color must be uint8 or floats in [0, 1]; the values "
                f"range from {low:.4g} to {high:.4g}"
            )
        thumbnails = thumbnails.astype(float)
    return thumbnails, np.array(rows, dtype=np.intp)


def _check_length(what, values, n_samples):
    if len(values) != n_samples:
        raise ValueError(
            f"{what} has {len(values)} values for the {n_samples} rows of the embedding"
        )


def series_name(labels):
    name = getattr(labels, "name", None)
    return str(name) if name not in (None, "") else None
