"""Search among embeddings, by rows, texts, images, and sums of them."""

from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    clone,
)
from sklearn.utils import get_tags
from sklearn.utils.validation import (
    check_array,
    check_is_fitted,
    validate_data,
)

from sklearn_replearn._counts import check_count
from sklearn_replearn._fitted_state import unchanged_by_errors
from sklearn_replearn._second_view import two_view_step
from sklearn_replearn._sklearn import Interval, StrOptions, _fit_context
from sklearn_replearn.retrieval._engines import (
    Hnsw,
    SparseSearch,
    neighbor_distances,
)
from sklearn_replearn.retrieval._exact_search import ExactSearch


class EmbeddingIndex(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Nearest items among embeddings, exactly or by a graph of neighbors.

    Items are rows, texts, images or anything else that an embedder takes: they are
    embedded in :meth:`fit`, and so are queries. Without an embedder, items and queries
    are the vectors themselves. With an embedder of two views, queries may be of either
    view: texts find images.

    Parameters
    ----------
    embedder : transformer, default=None
        Makes vectors of items. Cloned and fitted on them; in a
        :class:`~sklearn.frozen.FrozenEstimator` it is taken as it is. ``None`` takes
        items as vectors.
    metric : {"cosine", "euclidean", "dot"}, default="cosine"
        What makes neighbors: the largest cosine, where a row of zeros has the cosine 0
        with all others, the smallest distance, or the largest inner product.
    method : {"exact", "hnsw"}, default="exact"
        "exact" compares a query with all items; "hnsw" finds nearly all of the nearest
        ones in a graph of neighbors [1]_, many times faster among many items. It needs
        the library usearch: ``pip install 'sklearn-replearn[search]'``.
    items : {"x", "y"}, default="x"
        The items: X of :meth:`fit`, or y, the second view of an embedder of two.
    n_neighbors : int, default=10
        Number of neighbors of :meth:`kneighbors`, :meth:`kneighbors_graph` and
        :meth:`transform`, unless they are told another.
    mode : {"distance", "connectivity"}, default="distance"
        What :meth:`transform` gives: distances, or ones.
    n_links : int, default=16
        Links of an item in each layer of the graph of "hnsw". More take more memory
        and find more.
    ef_construction : int, default=128
        Candidates among which "hnsw" chooses these links.
    ef_search : int, default=64
        Candidates that "hnsw" keeps in a search. More take longer and find more.
    n_jobs : int, default=None
        Threads, each with queries of its own. ``None`` is one, -1 takes all cores. With
        more than one, the graph of "hnsw" depends on the order in which they end. The
        matrix products of "exact" have the threads of BLAS as well, if this is one.

    Attributes
    ----------
    embedder_ : transformer or None
        The fitted embedder.
    vectors_ : {ndarray, sparse matrix} of shape (n_items, n_components)
        Vectors of the items.
    n_samples_fit_ : int
        Number of items.

    See Also
    --------
    MIPSTransformer : Turns inner products into distances.
    sklearn.neighbors.KNeighborsTransformer : A graph of neighbors of rows.

    References
    ----------
    .. [1] Y. A. Malkov and D. A. Yashunin, "Efficient and robust approximate nearest
       neighbor search using hierarchical navigable small world graphs", IEEE
       Transactions on Pattern Analysis and Machine Intelligence 42, 2020.

    Examples
    --------
    >>> from sklearn_replearn.retrieval import EmbeddingIndex
    >>> from sklearn_replearn.text import LSA
    >>> texts = ["cats purr", "dogs bark", "stars shine at night", "cats and dogs"]
    >>> index = EmbeddingIndex(LSA(3, random_state=0)).fit(texts)
    >>> [position for position, _ in index.search("night", topn=1)]
    [2]
    >>> [position for position, _ in index.search(["cats", "dogs"], topn=1)]
    [3]
    >>> [position for position, _ in index.search([0, "dogs"], topn=1)]
    [3]
    """

    _parameter_constraints = {
        "embedder": "no_validation",
        "metric": [StrOptions({"cosine", "euclidean", "dot"})],
        "method": [StrOptions({"exact", "hnsw"})],
        "items": [StrOptions({"x", "y"})],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "mode": [StrOptions({"distance", "connectivity"})],
        "n_links": [Interval(Integral, 2, None, closed="left")],
        "ef_construction": [Interval(Integral, 1, None, closed="left")],
        "ef_search": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        embedder=None,
        *,
        metric="cosine",
        method="exact",
        items="x",
        n_neighbors=10,
        mode="distance",
        n_links=16,
        ef_construction=128,
        ef_search=64,
        n_jobs=None,
    ):
        self.embedder = embedder
        self.metric = metric
        self.method = method
        self.items = items
        self.n_neighbors = n_neighbors
        self.mode = mode
        self.n_links = n_links
        self.ef_construction = ef_construction
        self.ef_search = ef_search
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Embed the items, and build the index.

        Parameters
        ----------
        X : whatever the embedder takes, or array-like of shape (n_items, n_features)
            Items, unless ``items="y"``.
        y : whatever the embedder takes, default=None
            Passed to the embedder; the items with ``items="y"``.

        Returns
        -------
        self : EmbeddingIndex

        Raises
        ------
        ValueError
            If there are no items, vectors hold NaN or infinity, or vectors are sparse
            and `metric` or `method` need dense ones.
        ImportError
            If ``method="hnsw"`` and usearch is not installed.
        """
        with unchanged_by_errors(self):
            self._fit(X, y)
        return self

    def kneighbors(self, X=None, n_neighbors=None, return_distance=True, *, view="x"):
        """Nearest items of queries.

        Parameters
        ----------
        X : queries, default=None
            Of the kind that `view` says. ``None`` takes the items, each of which is
            then no neighbor of itself.
        n_neighbors : int, default=None
            How many, at most the number of items. ``None`` takes the parameter.
        return_distance : bool, default=True
        view : {"x", "y"}, default="x"
            View of the queries: what :meth:`fit` calls X, or y.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors)
            1 minus the cosine, the distance, or the negative inner product, in
            ascending order; only with `return_distance`.
        positions : ndarray of int, of shape (n_queries, n_neighbors)
            Of the items. Among equal distances, in their order for those found.
        """
        check_is_fitted(self)
        queries = self.vectors_ if X is None else self._embed(X, view)
        n_neighbors = self.n_neighbors if n_neighbors is None else n_neighbors
        found = self._nearest(queries, n_neighbors, are_items=X is None)
        return found if return_distance else found[1]

    def kneighbors_graph(self, X=None, n_neighbors=None, mode=None, *, view="x"):
        """The graph of nearest items of queries.

        Parameters
        ----------
        X, n_neighbors, view
            As :meth:`kneighbors` has them.
        mode : {"distance", "connectivity"}, default=None
            ``None`` takes the parameter.

        Returns
        -------
        graph : csr_matrix of shape (n_queries, n_items)
            Distances, or ones, of the neighbors of each query.
        """
        mode = self.mode if mode is None else mode
        if mode not in ("distance", "connectivity"):
            raise ValueError(
                f"mode must be 'distance' or 'connectivity'; got {mode!r}."
            )
        if mode == "distance" and self.metric == "dot":
            raise ValueError(
                "Inner products are no distances; set mode='connectivity', or another "
                "metric."
            )
        found, positions = self.kneighbors(X, n_neighbors, view=view)
        values = found if mode == "distance" else np.ones_like(found)
        ends = np.arange(len(positions) + 1) * positions.shape[1]
        shape = len(positions), self.n_samples_fit_
        return sparse.csr_matrix(
            (values.ravel(), positions.ravel().copy(), ends), shape=shape
        )

    def transform(self, X):
        """The graph of the nearest items, for estimators with ``metric="precomputed"``.

        Parameters
        ----------
        X : queries
            Of the first view.

        Returns
        -------
        graph : csr_matrix of shape (n_queries, n_items)
            With ``mode="distance"`` each query has one neighbor more, since an item is
            its own nearest one, as in scikit-learn's KNeighborsTransformer.
        """
        check_is_fitted(self)
        n_more = self.mode == "distance"
        return self.kneighbors_graph(X, self.n_neighbors + n_more)

    def search(self, positive, negative=(), topn=10, *, view="auto"):
        """Items nearest to a sum of queries minus others.

        Parameters
        ----------
        positive : query or list of queries
            A query is what the embedder takes (a text, an image, a row as an array), or
            the position of an item as an int, or a pair of one of these and its weight.
            With several, unit vectors are added for cosines, and vectors for inner
            products; for distances it is their weighted mean.
        negative : query or list of queries, default=()
            Subtracted.
        topn : int, default=10
            How many items to return, at most. Items that are queries are left out.
        view : {"auto", "x", "y"}, default="auto"
            View of the queries. "auto" takes texts as those of the second view if the
            embedder has one, and all else as those of the first.

        Returns
        -------
        items : list of (int, float)
            Positions of the items, and their cosines or inner products, largest first,
            or their distances, smallest first.

        Raises
        ------
        ValueError
            If there is no query, or the vectors of all queries are zero, as those of
            unknown words are.
        """
        check_is_fitted(self)
        check_count("topn", topn)
        queries = _weighted(positive, 1.0) + _weighted(negative, -1.0)
        if not queries:
            raise ValueError("search needs at least one positive or negative query.")
        vectors = np.vstack([self._vector(query, view) for query, _ in queries])
        weights = np.array([weight for _, weight in queries])
        if self.metric == "cosine":
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            vectors = vectors / np.where(lengths == 0, 1, lengths)
        total = weights @ vectors
        if self.metric == "euclidean":
            total = total / max(weights[weights > 0].sum(), np.finfo(float).tiny)
        elif not vectors.any():
            raise ValueError(
                "The vectors of all queries are zero: the embedder knows none of their "
                "words."
            )
        n_items = self.n_samples_fit_
        own = {query % n_items for query, _ in queries if isinstance(query, Integral)}
        k = min(topn + len(own), n_items)
        found, positions = self._nearest(total[np.newaxis].astype(vectors.dtype), k)
        sign = 1 if self.metric == "euclidean" else -1
        start = 1 if self.metric == "cosine" else 0
        pairs = [
            (int(position), float(start + sign * value))
            for position, value in zip(positions[0], found[0], strict=True)
            if position not in own
        ]
        return pairs[:topn]

    # -- vectors -----------------------------------------------------------------

    def _fit(self, X, y):
        self.embedder_ = None
        if self.embedder is None:
            if self.items == "y":
                raise ValueError("items='y' needs an embedder of two views.")
            vectors = validate_data(
                self, X, accept_sparse="csr", dtype=(np.float64, np.float32)
            )
        else:
            self.embedder_ = clone(self.embedder).fit(X, y)
            vectors = self._embed(X if self.items == "x" else y, self.items)
        self.vectors_ = vectors
        self.n_samples_fit_ = vectors.shape[0]
        if sparse.issparse(vectors):
            self._refuse_sparse()
            self._engine = SparseSearch(self.metric, self.n_jobs)
        elif self.method == "exact":
            self._engine = ExactSearch(vectors, self.metric, self.n_jobs)
        else:
            self._engine = Hnsw(
                vectors,
                self.metric,
                self.n_links,
                self.ef_construction,
                self.ef_search,
                self.n_jobs,
            )

    def _refuse_sparse(self):
        for name, value in (("method", "hnsw"), ("metric", "dot")):
            if getattr(self, name) == value:
                raise ValueError(
                    f"{name}={value!r} needs dense vectors, but those of the items are "
                    "sparse; pass dense ones, or an embedder that makes them, such as "
                    "LSA."
                )

    def _embed(self, X, view):
        """Vectors of queries or items of a view."""
        if view not in ("x", "y"):
            raise ValueError(f"view must be 'x' or 'y'; got {view!r}.")
        if self.embedder_ is None:
            if view == "y":
                raise ValueError("Without an embedder there is one view, 'x'.")
            return validate_data(
                self,
                X,
                reset=False,
                accept_sparse="csr",
                dtype=(np.float64, np.float32),
            )
        if view == "x":
            vectors = self.embedder_.transform(X)
        else:
            step = two_view_step(self.embedder_)
            if step is None:
                raise ValueError(
                    f"{type(self.embedder_).__name__} has no second view: it has no "
                    "transform_y."
                )
            vectors = step.transform_y(X)
        return check_array(vectors, accept_sparse="csr", dtype=(np.float64, np.float32))

    def _vector(self, query, view):
        """The vector of a single query, as a row."""
        if isinstance(query, Integral):
            if not -self.n_samples_fit_ <= query < self.n_samples_fit_:
                raise ValueError(
                    f"There is no item {query}; the index has {self.n_samples_fit_}."
                )
            vector = self.vectors_[[query]]
        else:
            if view == "auto":
                has_two = two_view_step(self.embedder_) is not None
                view = "y" if isinstance(query, str) and has_two else "x"
            one = [query] if not hasattr(query, "shape") else query[np.newaxis]
            vector = self._embed(one, view)
        return vector.toarray() if sparse.issparse(vector) else vector

    def _nearest(self, queries, n_neighbors, *, are_items=False):
        """Distances and positions of the nearest items, in order."""
        check_count("n_neighbors", n_neighbors)
        n_most = self.n_samples_fit_ - are_items
        if n_neighbors > n_most:
            raise ValueError(
                f"n_neighbors={n_neighbors} is more than the {n_most} items that there "
                "are to find."
            )
        k = n_neighbors + are_items
        if sparse.issparse(self.vectors_):
            queries = sparse.csr_matrix(queries)
        positions = self._engine.nearest(self.vectors_, queries, k)
        few = (positions < 0).any(axis=1)
        if few.any():
            exact = ExactSearch(self.vectors_, self.metric, self.n_jobs)
            positions[few] = exact.nearest(self.vectors_, queries[few], k)
        found = neighbor_distances(queries, self.vectors_, positions, self.metric)
        if are_items:
            # An item is none of its neighbors, wherever it stands among equal ones.
            own = positions == np.arange(len(positions))[:, np.newaxis]
            found[own] = np.inf
            missing = ~own.any(axis=1)
            found[missing, found[missing].argmax(axis=1)] = np.inf
        order = np.lexsort((positions, found), axis=1)[:, :n_neighbors]
        found, positions = (
            np.take_along_axis(part, order, axis=1) for part in (found, positions)
        )
        return found.astype(queries.dtype), positions

    @property
    def _n_features_out(self):
        return self.n_samples_fit_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if self.embedder is None:
            tags.input_tags.sparse = True
        else:
            tags.input_tags = get_tags(self.embedder).input_tags
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _weighted(queries, sign):
    """Queries with their weights, from one query or a list of them."""
    if not isinstance(queries, list | tuple) or _is_pair(queries):
        queries = [queries]
    return [
        (query[0], sign * float(query[1])) if _is_pair(query) else (query, sign)
        for query in queries
    ]


def _is_pair(query):
    """Whether this is a query and its weight."""
    return (
        isinstance(query, tuple)
        and len(query) == 2
        and isinstance(query[1], Real)
        and (isinstance(query[0], Integral) or not isinstance(query[0], Real))
    )
