"""Inner products as distances."""

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_array, check_is_fitted, validate_data


class MIPSTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""One more column, with which the largest inner product is the nearest neighbor.

    Recommenders and softmax layers look for the item x with the largest inner product
    :math:`q^\top x` with a query q, while indexes of neighbors look for the smallest
    distance. With M the length of the longest item, items become

    .. math:: \tilde x = \left( x, \sqrt{M^2 - \lVert x \rVert^2} \right)
       \quad \text{and queries} \quad \tilde q = (q, 0),

    so that :math:`\lVert \tilde q - \tilde x \rVert^2 = \lVert q \rVert^2 + M^2 - 2
    q^\top x`: the order of Euclidean distances is that of the inner products [1]_, and
    so is the order of cosines, since all items have the length M [2]_.

    Attributes
    ----------
    max_norm_ : float
        Length M of the longest item.

    See Also
    --------
    sklearn.neighbors.NearestNeighbors : Finds the neighbors.

    References
    ----------
    .. [1] Y. Bachrach and others, "Speeding up the Xbox recommender system using a
       Euclidean transformation for inner-product spaces", RecSys 2014.
    .. [2] B. Neyshabur and N. Srebro, "On symmetric and asymmetric LSHs for inner
       product search", ICML 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import NearestNeighbors
    >>> from sklearn_replearn.retrieval import MIPSTransformer
    >>> items, query = np.array([[1.0, 0.0], [0.0, 3.0], [2.0, 2.0]]), [[0.5, 0.4]]
    >>> mips = MIPSTransformer().fit(items)
    >>> index = NearestNeighbors(n_neighbors=3).fit(mips.transform(items))
    >>> index.kneighbors(mips.transform_queries(query), return_distance=False)
    array([[2, 1, 0]])
    >>> items @ query[0]
    array([0.5, 1.2, 1.8])
    """

    _parameter_constraints = {}

    def fit(self, X, y=None):
        """Find the length of the longest item.

        Parameters
        ----------
        X : array-like of shape (n_items, n_features)
        y : None
            Ignored.

        Returns
        -------
        self : MIPSTransformer

        Raises
        ------
        ValueError
            If X holds NaN or infinity, or is empty.
        """
        X = validate_data(self, X, dtype=(np.float64, np.float32))
        self.max_norm_ = float(np.sqrt(_squares(X).max()))
        return self

    def transform(self, X):
        """Append the column to items.

        Parameters
        ----------
        X : array-like of shape (n_items, n_features)

        Returns
        -------
        Z : ndarray of shape (n_items, n_features + 1)
            In X's own precision. The column is 0 for an item that is longer than the
            longest of :meth:`fit`: its distances are larger than its inner products
            say.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=(np.float64, np.float32))
        left = self.max_norm_**2 - _squares(X)
        column = np.sqrt(np.maximum(left, 0.0))
        return np.column_stack([X, column.astype(X.dtype)])

    def transform_queries(self, X):
        """Append a column of zeros to queries.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)

        Returns
        -------
        Z : ndarray of shape (n_queries, n_features + 1)
            In X's own precision.
        """
        check_is_fitted(self)
        X = check_array(X, dtype=(np.float64, np.float32), input_name="X")
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {X.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        return np.column_stack([X, np.zeros(len(X), X.dtype)])

    @property
    def _n_features_out(self):
        return self.n_features_in_ + 1

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _squares(X):
    """Squared lengths of rows, in double precision."""
    return np.square(X, dtype=np.float64).sum(axis=1)
