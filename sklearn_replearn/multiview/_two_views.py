"""What techniques of two views have in common."""

import numpy as np

from sklearn_replearn.metrics import recall_at_k


def check_lengths(n_rows, n_others, name="y"):
    """Raise if a second view, or groups, are not of as many rows as X."""
    if n_rows != n_others:
        raise ValueError(
            f"X has {n_rows} rows, but {name} has {n_others} items; pass one of each "
            "for every row."
        )


def mutual_recall(Z, Z_y):
    """Mean over both directions of the recall at 1 among the rows given.

    A row of one view counts if no row of the other has as large a cosine with it as
    its own has.

    Parameters
    ----------
    Z, Z_y : ndarray of shape (n_samples, n_components)
        Embeddings of the two views of each row.

    Returns
    -------
    recall : float
        In [0, 1]; 1 for a single row.
    """
    check_lengths(len(Z), len(Z_y))
    Z, Z_y = Z.astype(np.float64), Z_y.astype(np.float64)
    numbers = np.arange(len(Z))
    if len(numbers) == 1:
        return 1.0
    found = [
        recall_at_k(A, numbers, X_gallery=B, y_gallery=numbers, metric="cosine")
        for A, B in ((Z, Z_y), (Z_y, Z))
    ]
    return float(np.mean(found))
