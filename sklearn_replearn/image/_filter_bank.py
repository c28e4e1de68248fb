"""Filters over images and signals, made by hand or learned from patches."""

from numbers import Integral, Real

import numpy as np

from sklearn_replearn._fitted_state import unchanged_by_errors
from sklearn_replearn._linalg import input_eps
from sklearn_replearn._seeds import as_seed
from sklearn_replearn._sklearn import Interval, RealNotInt, StrOptions, _fit_context
from sklearn_replearn.image._filtering import Filtering, filter_images
from sklearn_replearn.image._image_transformer import BaseImageTransformer
from sklearn_replearn.image._kernels import CLASSIC, classic_kernels
from sklearn_replearn.image._patches import draw_patches, learn_filters

LEARNED = ("kmeans", "pca")

#: Pools of "auto", by whether the filters are learned: there are many of those.
AUTO_POOLS = {False: 2, True: 0.25}


class FilterBank(BaseImageTransformer):
    r"""Responses of images to filters: correlate, activate, pool, flatten.

    With filters :math:`w_k`, made by hand or learned from patches without gradients,
    the map of filter k is the image's *cross*-correlation with it, which is what neural
    networks call convolution (the filter is not turned round),

    .. math:: m_k(i, j) = b_k + \sum_{u, v, c} w_k(u, v, c) \, x(i + u, j + v, c) .

    An activation, by default :math:`\max(0, m)`, makes :math:`a_k(i, j)` of it, and
    each pool P of places has one number for each filter, by default

    .. math:: z_{k, P} = \max_{(i, j) \in P} a_k(i, j) .

    The bias :math:`b_k` is 0 but for learned filters, see the notes.

    X holds images in any accepted form, or rows as signals with one channel, whose
    filters have one dimension (:ref:`guide <images>`).

    Parameters
    ----------
    filters : str, list of str or array-like, default="edges"
        Names of classic filters, one name of filters to learn, or the filters.

        - "edges": three detectors of edges. For images those of second differences:
          along a diagonal and against the other, of the 4 neighbours from a pixel, and
          of a pixel from all its 8; for signals a rise, a fall and a peak;
        - "sharpen": a value, and how far it is above its neighbours;
        - "box": mean of 3 x 3 pixels, or of 3 values;
        - "gaussian": the same, with binomial weights;
        - "sobel": smoothed differences, from left to right and downwards;
        - "gabor": waves under a Gaussian, in pairs of an even and an odd one, for
          images at 0, 45, 90 and 135 degrees;
        - "haar", "daubechies": orthonormal wavelets of 2 and of 4 values a side, for
          images all products of the low and the high one;
        - "fourier": a cosine and a sine for each frequency of a window of 5 x 5 pixels,
          or of 7 values;
        - "all": all of these, 48 filters for images and 19 for signals;
        - "kmeans": centroids of patches of the training images [1]_;
        - "pca": principal components of such patches.

        An array has shape (n_filters, height, width) or
        (n_filters, height, width, channels), for signals (n_filters, length). Filters
        with channels are summed over the channels of the images, which are as many.
        Filters without channels, as the classic ones are, see one channel at a time,
        and give maps of their own for each.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of the images that rows hold.
        ``None`` takes it from an array of images, and reads rows as signals.
    padding : {"auto", "valid", "same"}, default="auto"
        "valid" has the places where the whole filter lies on the image. "same" repeats
        the image's border around it, so that maps have its size, and a constant image
        has no edges; the middle of a filter of even size is the first of its two.
        "auto" is "valid" for images, and "same" for signals, of which any length goes.
    activation : {"relu", "absolute", "magnitude", "triangle"} or None, default="relu"
        What is done to the maps.

        - "relu": negative numbers become 0;
        - "absolute": the absolute value;
        - "magnitude": the root of the sum of the two squares of a pair of "gabor" or
          "fourier", which has one map then and hardly depends on where the wave
          begins; the absolute value for all other filters;
        - "triangle": by how much a patch is nearer to a centroid than to the centroids
          on average, or 0, for "kmeans" only [1]_;
        - ``None``: nothing.
    pooling : {"max", "mean"}, default="max"
        What a pool has of its places.
    pool_size : int, float, tuple or "auto", default="auto"
        Sides of the pools, which lie side by side: places if an int, a share of the
        map if a float in (0, 1], rounded up, so that 0.5 makes quadrants and 1.0 one
        pool of the whole map. A tuple has one for the height and one for the width.
        Where the sides of a map are no multiple, the last pools are smaller. "auto" is
        2, and 0.25 for learned filters.
    n_filters : int, default=None
        Number of filters to learn; ``None`` means 256 for "kmeans", and as many as
        there are for "pca".
    patch_size : int or tuple of int, default=6
        Sides of the patches to learn from: of squares, or (height, width).
    n_patches : int, default=50_000
        Patches to learn from, at random places of random images; fewer if X has fewer.
    contrast_epsilon : float or None, default=0.01
        For learned filters, each patch loses its mean, and is divided by its standard
        deviation. This share of the mean variance of the patches is added to each
        variance, so that flat patches stay small. ``None`` takes patches as they are.
    whiten_epsilon : float or None, default=0.1
        For learned filters, patches are whitened. This share of the mean variance is
        added to that of each direction, so that noise stays small. ``None`` does not
        whiten.
    random_state : int, RandomState instance or None, default=None
        Places of the patches, and the start of k-means. Classic filters do not use it.

    Attributes
    ----------
    filters_ : ndarray of shape (n_filters, height, width, channels)
        The filters; for signals of shape (n_filters, length, 1). Filters that see one
        channel have zeros for the others; all those of the first channel come first.
        Smaller filters have zeros around them.
    biases_ : ndarray of shape (n_filters,)
        What is added to the maps; zeros unless the filters are learned.
    filter_names_ : list of str
        Such as "sobel_x", "gabor_45_sine" or "kmeans_7"; with the channel, if there are
        several and a filter sees one.
    output_shape_ : tuple of int
        (maps, height, width) of the pooled maps, (maps, length) for signals. The
        columns that :meth:`transform` gives are those of the first map, row by row,
        then those of the second: ``Z.reshape(-1, *bank.output_shape_)`` has the maps.
        They are in the order of `filters_`; with "magnitude" a pair is one map.
    image_shape_ : tuple of int
        (height, width, channels) of the images of :meth:`fit`, or (length, 1) of its
        signals.
    components_ : ndarray of shape (n_filters, n_patch_values) or None
        What was learned: the centroids, or the principal axes, of whitened patches.
        ``None`` for other filters, as are the three below.
    mean_ : ndarray of shape (n_patch_values,) or None
        Mean of the normalised patches.
    whitening_ : ndarray of shape (n_patch_values, n_patch_values) or None
        The matrix that whitens them; the identity if ``whiten_epsilon=None``.
    epsilon_ : float or None
        What is added to the variance of a patch.
    n_features_in_ : int
        Number of values of an image.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has string column names.

    Warns
    -----
    UserWarning
        If there are fewer filters to learn than `n_filters`; there are fewer then.

    See Also
    --------
    ConvAutoencoder : Filters in several layers, trained with gradients.

    Notes
    -----
    Patches p of d values are normalised, and then whitened by their mean m, their
    covariance C and its mean eigenvalue :math:`\bar\lambda`,

    .. math::

       \hat p = \frac{p - \bar p}{s(p)}, \qquad
       s(p) = \sqrt{\mathrm{var}(p) + \epsilon}, \qquad
       y = W (\hat p - m), \qquad
       W = (C + \epsilon_w \bar\lambda I)^{-1/2} .

    With the centroids :math:`c_k` that k-means finds among the y, or their principal
    axes, the response is the product of y and :math:`c_k / \lVert c_k \rVert`. Since y
    is linear in p but for the contrast s, the whitening is part of the filter and the
    bias,

    .. math:: m_k(i, j) = \frac{(w_k \star x)(i, j)}{s(i, j)} + b_k, \qquad
       w_k = W \frac{c_k}{\lVert c_k \rVert} - \text{its mean}, \qquad
       b_k = - \Big\langle W \frac{c_k}{\lVert c_k \rVert}, m \Big\rangle ,

    and s comes from sums over boxes. The triangle activation is
    :math:`\max(0, \bar d - d_k)` of the distances :math:`d_k = \lVert y - c_k \rVert`
    and their mean over k; `filters_` and `biases_` then have :math:`c_k` itself. That
    a linear map and a threshold do nearly as well is the subject of [2]_.

    A linear model wants the result scaled: ``make_pipeline(FilterBank("kmeans"),
    StandardScaler(), LogisticRegression(C=0.01))``. uint8 gives float64; images divided
    by ``np.float32(255)`` give the same in half the memory.

    References
    ----------
    .. [1] A. Coates, H. Lee and A. Y. Ng, "An analysis of single-layer networks in
       unsupervised feature learning", AISTATS 2011.
    .. [2] A. Coates and A. Y. Ng, "The importance of encoding versus training with
       sparse coding and vector quantization", ICML 2011.
    .. [3] D. Gabor, "Theory of communication", Journal of the Institution of
       Electrical Engineers 93, 1946.
    .. [4] I. Daubechies, "Orthonormal bases of compactly supported wavelets",
       Communications on Pure and Applied Mathematics 41, 1988.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_replearn.image import FilterBank
    >>> digits = load_digits()
    >>> X, y = digits.images / 16, digits.target
    >>> bank = FilterBank("sobel").fit(X)
    >>> bank.filter_names_
    ['sobel_x', 'sobel_y']
    >>> bank.filters_[0, :, :, 0]
    array([[-1.,  0.,  1.],
           [-2.,  0.,  2.],
           [-1.,  0.,  1.]])
    >>> bank.output_shape_
    (2, 3, 3)
    >>> model = make_pipeline(
    ...     FilterBank("kmeans", n_filters=50, patch_size=4, random_state=0),
    ...     LogisticRegression(max_iter=1000),
    ... ).fit(X[:1000], y[:1000])
    >>> f"{model.score(X[1000:], y[1000:]):.2f}"  # 0.91 from the pixels
    '0.96'
    """

    _parameter_constraints = {
        "filters": [StrOptions({*CLASSIC, "all", *LEARNED}), "array-like"],
        **BaseImageTransformer._parameter_constraints,
        "padding": [StrOptions({"auto", "valid", "same"})],
        "activation": [
            StrOptions({"relu", "absolute", "magnitude", "triangle"}),
            None,
        ],
        "pooling": [StrOptions({"max", "mean"})],
        "pool_size": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
            tuple,
            list,
            StrOptions({"auto"}),
        ],
        "n_filters": [Interval(Integral, 1, None, closed="left"), None],
        "patch_size": [Interval(Integral, 1, None, closed="left"), tuple, list],
        "n_patches": [Interval(Integral, 1, None, closed="left")],
        "contrast_epsilon": [Interval(Real, 0, None, closed="neither"), None],
        "whiten_epsilon": [Interval(Real, 0, None, closed="neither"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        filters="edges",
        *,
        image_shape=None,
        padding="auto",
        activation="relu",
        pooling="max",
        pool_size="auto",
        n_filters=None,
        patch_size=6,
        n_patches=50_000,
        contrast_epsilon=0.01,
        whiten_epsilon=0.1,
        random_state=None,
    ):
        self.filters = filters
        self.image_shape = image_shape
        self.padding = padding
        self.activation = activation
        self.pooling = pooling
        self.pool_size = pool_size
        self.n_filters = n_filters
        self.patch_size = patch_size
        self.n_patches = n_patches
        self.contrast_epsilon = contrast_epsilon
        self.whiten_epsilon = whiten_epsilon
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Choose the filters for the shape of the images, or learn them.

        Parameters
        ----------
        X : array-like
            Images or signals, at least one, of finite numbers.
        y : None
            Ignored.

        Returns
        -------
        self : FilterBank

        Raises
        ------
        ValueError
            If X holds no such images, if they are smaller than the filters or the
            patches, if the filters are not what `filters` says that they may be, or if
            all patches to learn from are alike.
        """
        with unchanged_by_errors(self):
            X = self._validate(X, reset=True)
            self._refuse_triangle()
            plan = self._learned(X) if self._learns() else self._made_by_hand()
            self._set_plan(plan)
        return self

    def transform(self, X):
        """Responses of images to the filters, pooled.

        Parameters
        ----------
        X : array-like
            Images or signals of the shape of those of :meth:`fit`.

        Returns
        -------
        Z : ndarray of shape (n_samples, prod(output_shape_))
            In float32 if X is, else in float64. See `output_shape_` for the order of
            the columns.
        """
        X = self._validate(X)
        dtype = np.float32 if X.dtype == np.float32 else np.float64
        plan = Filtering(**self._plan)
        return filter_images(plan, X, dtype=dtype, scale=self._scale(X))

    # -- the filters -----------------------------------------------------------

    def _learns(self):
        return isinstance(self.filters, str) and self.filters in LEARNED

    def _refuse_triangle(self):
        """Raise if the triangle activation has no centroids to work with."""
        is_name = isinstance(self.filters, str)
        if self.activation != "triangle" or (is_name and self.filters == "kmeans"):
            return
        given = repr(self.filters) if is_name else "a list or an array"
        raise ValueError(
            "activation='triangle' compares distances to centroids, which only "
            f"filters='kmeans' has; filters is {given}."
        )

    def _made_by_hand(self):
        """The plan for classic filters, or for an array of filters."""
        names = self._classic_names()
        if names is None:
            filters = self._own_filters()
            filter_names = [f"filter_{i}" for i in range(len(filters))]
            owners = np.arange(len(filters))
        else:
            filters, filter_names, owners = classic_kernels(names, self._n_sides)
            filters = filters.reshape(len(filters), *self._two_sides(filters.shape[1:]))
        n_channels = self.image_shape_[-1]
        alone = filters.ndim == 3
        if alone:
            n_owners = owners.max() + 1
            owners = np.concatenate([owners + i * n_owners for i in range(n_channels)])
            if n_channels > 1:
                filter_names = [
                    f"{name}_channel_{i}"
                    for i in range(n_channels)
                    for name in filter_names
                ]
            filters = _in_each_channel(filters, n_channels)
        self.filter_names_ = filter_names
        return self._plan_for(filters, owners=owners, alone=alone)

    def _classic_names(self):
        """Names of classic filters; None if `filters` is an array of numbers."""
        if isinstance(self.filters, str):
            return list(CLASSIC) if self.filters == "all" else [self.filters]
        names = list(self.filters) if np.iterable(self.filters) else []
        if not names or not any(isinstance(name, str) for name in names):
            return None
        unknown = [name for name in names if name not in CLASSIC]
        if unknown:
            raise ValueError(
                f"filters has {unknown[0]!r}, but a list may have these names: "
                f"{list(CLASSIC)}; join the results of others by a FeatureUnion."
            )
        return names

    def _own_filters(self):
        """The array of filters: (n, height, width), or with the channels last."""
        try:
            filters = np.array(self.filters, dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(
                "filters is neither a name, nor a list of names, nor an array of "
                "numbers whose filters all have one shape."
            ) from None
        shape, signals = filters.shape, self._n_sides == 1
        if signals and filters.ndim == 3 and shape[-1] == 1:
            filters = filters[..., 0]
        if filters.ndim not in ((2,) if signals else (3, 4)) or not filters.size:
            raise ValueError(
                f"filters has shape {shape}, but filters of "
                + (
                    "signals are an array of shape (n_filters, length)"
                    if signals
                    else "images are an array of shape (n_filters, height, width) or "
                    "(n_filters, height, width, channels)"
                )
                + "; one filter w is passed as [w]."
            )
        if filters.ndim == 4 and shape[-1] != self.image_shape_[-1]:
            raise ValueError(
                f"filters has shape {shape}, that is, {shape[-1]} channels, but the "
                f"images of X have {self.image_shape_[-1]}; leave the channels out for "
                "filters that see each channel alone."
            )
        if not np.isfinite(filters).all():
            raise ValueError("filters contains NaN or infinity.")
        return filters[:, np.newaxis] if signals else filters

    def _learned(self, X):
        """The plan for filters learned from patches of X."""
        *sides, n_channels = self._shape
        patch_sides = self._by_side("patch_size", Integral)
        self._refuse_larger(
            patch_sides, "patches to learn from", "choose a smaller patch_size"
        )
        seed = as_seed(self.random_state)
        images = X.reshape(len(X), *sides, n_channels)
        patches = draw_patches(images, patch_sides, self.n_patches, seed)
        patches *= self._scale(X)
        learned = learn_filters(
            patches,
            self.filters,
            self.n_filters,
            contrast_epsilon=self.contrast_epsilon,
            whiten_epsilon=self.whiten_epsilon,
            random_state=seed,
            eps=input_eps(X, np.float64),
        )
        self.components_, self.mean_ = learned.components, learned.mean
        self.whitening_, self.epsilon_ = learned.whitening, learned.epsilon
        n_filters = len(learned.components)
        self.filter_names_ = [f"{self.filters}_{i}" for i in range(n_filters)]
        shape = (*patch_sides, n_channels)
        components, extra = learned.components, {}
        if self.activation == "triangle":
            whitening, biases = learned.folded(np.eye(len(learned.mean)))
            extra = {
                "whitening": (whitening.reshape(-1, *shape), biases),
                "norms": np.square(components).sum(axis=1),
            }
        else:
            norms = np.linalg.norm(components, axis=1, keepdims=True)
            components = components / np.where(norms > 0, norms, 1)
        filters, biases = learned.folded(components)
        return self._plan_for(
            filters.reshape(-1, *shape),
            owners=np.arange(n_filters),
            biases=biases,
            epsilon=learned.epsilon,
            center=learned.center,
            **extra,
        )

    # -- the plan --------------------------------------------------------------

    def _plan_for(self, filters, *, owners, alone=False, **options):
        """A plan of filters with channels, for the shape of the images."""
        pad = self.padding == "same" or (self.padding == "auto" and self._n_sides == 1)
        if not pad:
            self._refuse_larger(
                filters.shape[1:3], "filters", "pass smaller ones, or padding='same'"
            )
        plan = {
            "shape": self._shape,
            "filters": filters,
            "alone": alone,
            "pad": pad,
            "activation": self.activation,
            "pooling": self.pooling,
            "owners": owners,
            **options,
        }
        sides = Filtering(**plan, pool_sides=(1, 1)).map_sides
        return Filtering(**plan, pool_sides=self._pool_sides(sides))

    def _set_plan(self, plan):
        self._plan = vars(plan)  # without a class of ours in what is saved
        n_filters, *sides, n_channels = plan.filters.shape
        sides = sides[-self._n_sides :]
        self.filters_ = plan.filters.reshape(n_filters, *sides, n_channels)
        self.biases_ = np.zeros(n_filters) if plan.biases is None else plan.biases
        n_maps, *sides = plan.output_shape
        self.output_shape_ = (n_maps, *sides[-self._n_sides :])
        if not self._learns():
            self.components_ = self.mean_ = self.whitening_ = self.epsilon_ = None

    def _pool_sides(self, sides):
        pool_size = self.pool_size
        if pool_size == "auto":
            pool_size = AUTO_POOLS[self._learns()]
        sizes = self._by_side("pool_size", Real, pool_size)
        return tuple(
            _pool_side(size, side) for size, side in zip(sizes, sides, strict=True)
        )

    def _by_side(self, name, kind, value=None):
        """A parameter, or a value of it, as (height, width); of signals (1, width)."""
        value = getattr(self, name) if value is None else value
        sizes = value
        if isinstance(value, Real):
            sizes = (value,) * self._n_sides
        allowed = all(
            isinstance(size, kind)
            and (size >= 1 if isinstance(size, Integral) else 0 < size <= 1)
            for size in sizes
        )
        if not allowed or len(sizes) != self._n_sides:
            what = "whole numbers of at least 1"
            if kind is Real:
                what += " or shares in (0, 1]"
            raise ValueError(
                f"{name} is a number, or has one for each of the {self._n_sides} "
                f"side(s) of X, {what}; got {value!r}."
            )
        return self._two_sides(tuple(sizes))

    def _refuse_larger(self, sides, what, mend):
        """Raise if filters are larger than the images."""
        if all(a <= b for a, b in zip(sides, self._shape, strict=False)):
            return
        if self._n_sides == 1:
            shapes = f"signals of {self._shape[1]} value(s)", f"{sides[1]} values"
        else:
            height, width, _ = self._shape
            shapes = f"images of {height} x {width}", f"{sides[0]} x {sides[1]}"
        raise ValueError(
            f"X has {shapes[0]}, smaller than the {what}, which have {shapes[1]}; "
            f"{mend}."
        )

    @property
    def _n_sides(self):
        return len(self.image_shape_) - 1

    @property
    def _shape(self):
        """(height, width, channels); of signals with a height of 1."""
        *sides, n_channels = self.image_shape_
        return (*self._two_sides(sides), n_channels)

    def _two_sides(self, sides):
        return (1, *sides)[-2:]

    @property
    def _n_features_out(self):
        return int(np.prod(self.output_shape_))


def _in_each_channel(filters, n_channels):
    """Filters (n, height, width) for the first channel, then for the second, ..."""
    return np.concatenate(
        [
            filters[..., np.newaxis] * np.eye(n_channels)[channel]
            for channel in range(n_channels)
        ]
    )


def _pool_side(size, side):
    """Places along a side of a map: a number of them, or a share rounded up."""
    if not isinstance(size, Integral):
        size = max(1, np.ceil(np.round(size * side, 9)))  # 0.1 * 30 is a bit over 3
    return min(int(size), side)
