"""Histograms of the words of a vocabulary of local patterns."""

from numbers import Integral, Real

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.preprocessing import normalize
from sklearn.utils import check_random_state

from sklearn_replearn._fitted_state import unchanged_by_errors
from sklearn_replearn._progress import progress_bar
from sklearn_replearn._sklearn import Interval, StrOptions, _fit_context
from sklearn_replearn._warnings import warn
from sklearn_replearn.image._descriptors import (
    DESCRIPTORS,
    OF_IMAGES,
    OF_PATCHES,
    SMALLEST_SIDE_OF_SIFT,
    describe,
)
from sklearn_replearn.image._image_transformer import BaseImageTransformer
from sklearn_replearn.image._skimage import import_feature
from sklearn_replearn.image._spatial_pyramid import n_pyramid_cells, pyramid_histogram

#: Images in the work of one process at a time.
BLOCK = 64

#: Least number of descriptors that an image gives to the vocabulary, if it has them.
FEWEST_PER_IMAGE = 20

#: Share of the images' mean variance that is added to the variance of a descriptor, so
#: that patterns which are hardly there count for little.
FLOOR = 1e-3

#: Share of the mean square that is added, too: where all is flat, rounding is not.
ROUNDING = 1e-16

#: Principal components of "gloh" in which its words are found.
N_COMPONENTS_OF_GLOH = 128

#: Decimal places to which descriptors that count as one agree.
DECIMALS = 6


class BagOfVisualWords(BaseImageTransformer):
    r"""Histograms of visual words: local patterns, by the nearest of a vocabulary.

    An image has descriptors :math:`d_p` of many places p. The centres
    :math:`c_1, \dots, c_K` that k-means finds among those of the training images are
    the vocabulary, and an image is described by how often it has each word [1]_ [2]_:

    .. math::

       t_k = \big| \{ p : k = \arg\min_j \lVert d_p - c_j \rVert \} \big| \,
       \mathrm{idf}_k , \qquad
       \mathrm{idf}_k = \ln \frac{1 + n}{1 + n_k} + 1 ,

    where :math:`n_k` of the n training images have word k; the row is then divided by
    its length. Where the words are does not matter, unless `n_levels` says that they
    are to be counted in parts of the image, too.

    X holds images in any accepted form, or rows as signals with one channel, whose
    patches have one dimension (:ref:`guide <images>`). Its mean and its unit do not
    matter, but for SIFT, which takes images in [0, 1].

    Parameters
    ----------
    descriptor : {"auto", "sift", "patch", "texton"}, default="auto"
        What describes a place.

        - "auto": "sift" for images, and "patch" for signals and for images with a side
          below 6 pixels, which have no keypoints.
        - "sift": scale-invariant keypoints, and the orientations of the gradients about
          each [3]_, by scikit-image (``pip install 'sklearn-replearn[image]'``), of the
          mean of the channels. For images of some 100 pixels and more, in which things
          are of different sizes and turned; those of 28 pixels have about 6 keypoints.
        - "patch": squares of `patch_size` pixels on a grid, each less its mean and
          divided by its standard deviation.
        - "gloh": log-polar SIFT [6]_ of each patch of the grid, upright. Gradients are
          counted by 16 orientations in an inner disc and 8 sectors of each of two
          rings, of radii 6, 11 and 15 in a patch of 41 pixels; the 272 numbers have
          unit length, none above 0.2. Words are found in their first 128 principal
          components, or in all, if there are fewer. For things that stand upright.
        - "rift": in each of 4 rings of equal width about the middle of a patch, the
          gradients by 8 orientations relative to the outward direction [7]_; 32
          numbers of unit length. Turning the image does not matter, mirroring it does.
          For textures at any angle.
        - "spin": spin images [7]_, soft histograms of 10 distances from the middle of a
          patch and 10 intensities from its darkest to its brightest; 100 numbers of
          unit length. Neither turning nor mirroring the image matters.
        - "texton": at each pixel of a grid, the responses to the first and second
          derivatives of Gaussians [4]_ of widths `sigmas`, divided by their root mean
          square. For textures.
    n_words : int, default=256
        Size of the vocabulary, K. If the training images have fewer different
        descriptors, there are as many words, with a warning.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of the images that rows hold.
        ``None`` takes it from an array of images, and reads rows as signals.
    patch_size : int, default=6
        Side of a "patch" in pixels, at least 2; the diameter of the disc of "rift" and
        "spin", and 1.37 times that of "gloh". At most the smaller side of the images; a
        larger one is reduced, with a warning.
    step : int, default=2
        Pixels from one place of the grid to the next, for all but "sift". The grid is
        in the middle of the image.
    sigmas : sequence of float, default=(1.0, 2.0, 4.0)
        Standard deviations, in pixels, of the Gaussians of "texton".
    n_descriptors : int, default=50_000
        Descriptors that the vocabulary is found from, at most. They are drawn from as
        many training images as give 20 each, or from all.
    weighting : {"tfidf"} or None, default="tfidf"
        "tfidf" multiplies the counts by idf, so that words which most images have count
        for less; ``None`` leaves the counts as they are.
    norm : {"l2", "l1"} or None, default="l2"
        By which length a row is divided.
    n_levels : int, default=1
        Levels of the spatial pyramid [5]_. Level 0 counts the words of the whole image,
        level l those of each of :math:`4^l` parts (:math:`2^l` of a signal). The counts
        of level l weigh :math:`2^{l - L}` with L levels, those of level 0 as much as
        those of level 1. 2 or 3 suit images in which things have their places.
    n_jobs : int, default=None
        Number of processes that find and count words. ``None`` means 1, or what
        ``joblib.parallel_config`` says; -1 means as many as there are processors. It
        does not change the result.
    random_state : int, RandomState instance or None, default=None
        Which descriptors the vocabulary is found from, and k-means.
    verbose : int, default=0
        1 shows a progress bar, on stderr.

    Attributes
    ----------
    descriptor_ : str
        What describes a place: `descriptor`, or what "auto" stands for.
    patch_size_ : int
        Side of a patch.
    vocabulary_ : ndarray of shape (n_words_, n_numbers)
        The words. Those of "patch" may be seen with ``vocabulary_.reshape(-1,
        patch_size_, patch_size_, n_channels)``.
    n_words_ : int
        Number of words.
    idf_ : ndarray of shape (n_words_,)
        Inverse document frequencies; ones without `weighting`.
    contrast_ : float
        Mean variance of the values of a training image. A thousandth of it is added to
        the variance of each patch, of the responses at each place, to the mean square
        of the gradients of "gloh" and "rift", and to that of half the range of the
        intensities of "spin", so that noise in flat regions is not taken for a pattern.
    image_shape_ : tuple of int
        (height, width, channels) of the images of :meth:`fit`, or (length, 1) of its
        signals.
    n_features_in_ : int
        Number of values of an image.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has string column names.

    Warns
    -----
    UserWarning
        If there are fewer words than `n_words`, or if the images are smaller than
        `patch_size`.

    See Also
    --------
    HOG : Orientations of gradients in cells that stay where they are.

    Notes
    -----
    The columns are the words of the whole image, then those of each part of level 1,
    row by row, and so on: :math:`K (1 + 4 + 16 + \dots)` in all. The frequencies for
    idf are those of whole images. An image without keypoints has a row of zeros.

    "gloh", "rift", "sift" and "spin" use the mean of the channels. In the papers of
    "gloh", "rift" and "spin" a detector finds regions and their scale, and for "gloh"
    turns them to their main orientation; here they describe upright patches of one size
    on a grid, which suits classification and small images. Gradients are shared
    linearly between the two nearest orientations, rings and sectors. The soft bins of
    "spin" are Gaussian, with standard deviations of one bin.

    References
    ----------
    .. [1] J. Sivic and A. Zisserman, "Video Google: a text retrieval approach to object
       matching in videos", ICCV 2003.
    .. [2] G. Csurka, C. R. Dance, L. Fan, J. Willamowski and C. Bray, "Visual
       categorization with bags of keypoints", ECCV workshop 2004.
    .. [3] D. G. Lowe, "Distinctive image features from scale-invariant keypoints",
       International Journal of Computer Vision 60, 2004.
    .. [4] T. Leung and J. Malik, "Representing and recognizing the visual appearance of
       materials using three-dimensional textons", International Journal of Computer
       Vision 43, 2001.
    .. [5] S. Lazebnik, C. Schmid and J. Ponce, "Beyond bags of features: spatial
       pyramid matching for recognizing natural scene categories", CVPR 2006.
    .. [6] K. Mikolajczyk and C. Schmid, "A performance evaluation of local
       descriptors", IEEE Transactions on Pattern Analysis and Machine Intelligence 27,
       2005.
    .. [7] S. Lazebnik, C. Schmid and J. Ponce, "A sparse texture representation using
       local affine regions", IEEE Transactions on Pattern Analysis and Machine
       Intelligence 27, 2005.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.image import BagOfVisualWords
    >>> images = load_digits().images[:200] / 16
    >>> bag = BagOfVisualWords(
    ...     "patch", n_words=20, patch_size=3, step=1, n_levels=2, random_state=0
    ... ).fit(images)
    >>> bag.vocabulary_.shape
    (20, 9)
    >>> bag.transform(images).shape  # 20 words in the image and in its 4 quarters
    (200, 100)
    """

    _parameter_constraints = {
        **BaseImageTransformer._parameter_constraints,
        "descriptor": [StrOptions({"auto", *DESCRIPTORS})],
        "n_words": [Interval(Integral, 1, None, closed="left")],
        "patch_size": [Interval(Integral, 2, None, closed="left")],
        "step": [Interval(Integral, 1, None, closed="left")],
        "sigmas": ["array-like"],
        "n_descriptors": [Interval(Integral, 1, None, closed="left")],
        "weighting": [StrOptions({"tfidf"}), None],
        "norm": [StrOptions({"l1", "l2"}), None],
        "n_levels": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        descriptor="auto",
        n_words=256,
        *,
        image_shape=None,
        patch_size=6,
        step=2,
        sigmas=(1.0, 2.0, 4.0),
        n_descriptors=50_000,
        weighting="tfidf",
        norm="l2",
        n_levels=1,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.descriptor = descriptor
        self.n_words = n_words
        self.image_shape = image_shape
        self.patch_size = patch_size
        self.step = step
        self.sigmas = sigmas
        self.n_descriptors = n_descriptors
        self.weighting = weighting
        self.norm = norm
        self.n_levels = n_levels
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None):
        """Find the vocabulary, and how many images have each word.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_values), (n_samples, height, width) or \
                (n_samples, height, width, channels)
            At least one image of finite numbers.
        y : None
            Ignored.

        Returns
        -------
        self : BagOfVisualWords

        Raises
        ------
        ValueError
            If X is empty, or holds NaN or infinity; if the images do not have
            `image_shape`; if for "gloh", "rift", "sift" or "spin" X holds signals; if
            for "sift" X holds images with a side below 6 pixels, values outside
            [0, 1], or no keypoint at all.
        ImportError
            If for "sift" scikit-image is not installed.
        """
        self._fit(X, keep=False)
        return self

    def fit_transform(self, X, y=None):
        """Fit, and describe the training images by the formula of :meth:`transform`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_values), (n_samples, height, width) or \
                (n_samples, height, width, channels)
        y : None
            Ignored.

        Returns
        -------
        histograms : ndarray of shape (n_samples, n_columns)
        """
        return self._weigh(self._fit(X, keep=True))

    def transform(self, X):
        """Weighted histograms of the words of images.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_values), (n_samples, height, width) or \
                (n_samples, height, width, channels)

        Returns
        -------
        histograms : ndarray of shape (n_samples, n_columns)
            In float32 for float32, else in float64.
        """
        X = self._validate(X)
        counts = self._empty_counts(X)
        for start, block in self._count(X):
            counts[start : start + len(block)] = block
        return self._weigh(counts)

    # -- fitting -------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=True)
    def _fit(self, X, *, keep):
        """Set the fitted attributes; return the counts of the training images, if kept.

        They are needed for idf, too: nothing is counted twice.
        """
        with unchanged_by_errors(self):
            X = self._validate(X, reset=True)
            self._refuse_what_cannot_be_described()
            self.patch_size_ = self._fitting_patch_size()
            self.contrast_, energy = _variance_and_energy(X, self._scale(X))
            self._how = {
                "descriptor": self.descriptor_,
                "patch_size": self.patch_size_,
                "step": int(self.step),
                "sigmas": self._checked_sigmas(),
                "floor": FLOOR * self.contrast_ + ROUNDING * energy,
            }
            self._n_levels = int(self.n_levels)
            rng = check_random_state(self.random_state)
            self.vocabulary_ = self._find_vocabulary(self._draw(X, rng), rng)
            self.n_words_ = len(self.vocabulary_)
            self.idf_ = np.ones(self.n_words_)
            counts = self._empty_counts(X) if keep else None
            if keep or self.weighting is not None:
                frequencies = np.zeros(self.n_words_)
                for start, block in self._count(X):
                    frequencies += (block[:, : self.n_words_] > 0).sum(axis=0)
                    if keep:
                        counts[start : start + len(block)] = block
            if self.weighting is not None:
                self.idf_ = np.log((1 + len(X)) / (1 + frequencies)) + 1
        return counts

    def _draw(self, X, rng):
        """Some descriptors of images in random order."""
        most = max(-(-self.n_descriptors // len(X)), FEWEST_PER_IMAGE)
        order, drawn, n_drawn = rng.permutation(len(X)), [], 0
        what = "drawing descriptors"
        with progress_bar(
            self.verbose, self.n_descriptors, "descriptors", what
        ) as advance:
            for _, block in self._map(_describe_images, X, order):
                for descriptors in block:
                    chosen = rng.permutation(len(descriptors))
                    chosen = chosen[: min(most, self.n_descriptors - n_drawn)]
                    drawn.append(descriptors[chosen])
                    n_drawn += len(chosen)
                    advance(len(chosen), what)
                if n_drawn == self.n_descriptors:
                    break
        if n_drawn == 0:  # of SIFT alone
            raise ValueError(
                f"No keypoints were found in the {len(X)} images of X; raise their "
                "contrast, or take descriptor='patch'."
            )
        return np.concatenate(drawn)

    def _find_vocabulary(self, descriptors, rng):
        different = np.unique(descriptors.round(DECIMALS), axis=0)
        if len(different) <= self.n_words:
            if len(different) < self.n_words:
                warn(
                    f"n_words={self.n_words} is more than the {len(different)} "
                    f"different descriptors that were drawn; {len(different)} are "
                    "kept.",
                )
            return different
        means = MiniBatchKMeans(
            self.n_words, compute_labels=False, n_init="auto", random_state=rng
        )
        if self.descriptor_ != "gloh" or len(descriptors) <= N_COMPONENTS_OF_GLOH:
            return means.fit(descriptors).cluster_centers_
        # What the components leave out is equally far from all words, so that the
        # nearest of the words in full is the nearest in the components.
        pca = PCA(N_COMPONENTS_OF_GLOH, svd_solver="covariance_eigh")
        means.fit(pca.fit_transform(descriptors))
        return pca.inverse_transform(means.cluster_centers_)

    # -- counting ------------------------------------------------------------------

    def _empty_counts(self, X):
        dtype = np.float32 if X.dtype == np.float32 else np.float64
        return np.empty((len(X), self._n_features_out), dtype=dtype)

    def _count(self, X):
        """Yield the counts of some images after another, with the first one's row."""
        what = "counting words"
        with progress_bar(self.verbose, len(X), "images", what) as advance:
            for start, block in self._map(
                _count_words, X, np.arange(len(X)), self.vocabulary_, self._n_levels
            ):
                advance(len(block), what)
                yield start, block

    def _weigh(self, counts):
        """Counts, weighted and divided by their lengths, in their own memory."""
        counts *= np.tile(self.idf_, counts.shape[1] // self.n_words_)
        if self.norm is not None:
            normalize(counts, norm=self.norm, copy=False)
        return counts

    @property
    def _n_features_out(self):
        n_sides = len(self.image_shape_) - 1
        return self.n_words_ * n_pyramid_cells(self._n_levels, n_sides)

    def _map(self, function, X, order, *arguments):
        """Yield what a function gives for some images after another, in an order."""
        n_workers = effective_n_jobs(self.n_jobs)
        with Parallel(n_jobs=self.n_jobs) as run:
            for first in range(0, len(order), BLOCK * n_workers):
                starts = range(first, len(order), BLOCK)[:n_workers]
                blocks = run(
                    delayed(function)(
                        X[order[start : start + BLOCK]],
                        self.image_shape_,
                        self._how,
                        *arguments,
                    )
                    for start in starts
                )
                yield from zip(starts, blocks, strict=True)

    # -- input ---------------------------------------------------------------------

    def _validate(self, X, *, reset=False):
        X = super()._validate(X, reset=reset)
        if reset:
            self.descriptor_ = self._resolved_descriptor()
        if self.descriptor_ != "sift" or X.dtype == np.uint8:
            return X
        low, high = X.min(), X.max()
        if low < 0 or high > 1:
            raise ValueError(
                f"X holds values from {low:g} to {high:g}, but descriptor='sift' tells "
                "contrast by values in [0, 1]; scale X, pass uint8, or take "
                "descriptor='patch'."
            )
        return X

    def _resolved_descriptor(self):
        if self.descriptor != "auto":
            return self.descriptor
        sides = self.image_shape_[:-1]
        is_small = len(sides) == 1 or min(sides) < SMALLEST_SIDE_OF_SIFT
        return "patch" if is_small else "sift"

    def _refuse_what_cannot_be_described(self):
        sides = self.image_shape_[:-1]
        if len(sides) == 1 and self.descriptor_ in OF_IMAGES:
            raise ValueError(
                f"descriptor={self.descriptor_!r} is for images, but X has signals, "
                "rows without an image_shape; set image_shape, or take "
                "descriptor='patch'."
            )
        if self.descriptor_ != "sift":
            return
        if min(sides) < SMALLEST_SIDE_OF_SIFT:
            raise ValueError(
                f"descriptor='sift' needs at least {SMALLEST_SIDE_OF_SIFT} x "
                f"{SMALLEST_SIDE_OF_SIFT} pixels, but X has "
                f"{' x '.join(map(str, sides))} (n_features={self.n_features_in_}); "
                "take descriptor='patch'."
            )
        import_feature("BagOfVisualWords(descriptor='sift')")

    def _fitting_patch_size(self):
        """Side of a patch, with a warning if it has to be smaller than `patch_size`."""
        sides = self.image_shape_[:-1]
        if self.descriptor_ not in OF_PATCHES or self.patch_size <= min(sides):
            return int(self.patch_size)
        unit = "values" if len(sides) == 1 else "pixels"
        warn(
            f"patch_size={self.patch_size} is more than X has, "
            f"{' x '.join(map(str, sides))} {unit}; patches of side {min(sides)} are "
            "used.",
        )
        return min(sides)

    def _checked_sigmas(self):
        sigmas = np.asarray(self.sigmas, dtype=object)
        good = sigmas.ndim == 1 and all(
            isinstance(sigma, Real) and 0 < sigma < np.inf for sigma in sigmas
        )
        if not good or not len(sigmas):
            raise ValueError(
                "sigmas must be one or several widths in pixels, each above 0; got "
                f"{self.sigmas!r}."
            )
        return [float(sigma) for sigma in sigmas]


# ---------------------------------------------------------------------------
# Arrays
# ---------------------------------------------------------------------------


def _as_images(rows, shape):
    """One image of rows after another, in double precision."""
    for row in rows:
        image = row.reshape(shape).astype(np.float64)
        yield image / 255 if rows.dtype == np.uint8 and len(shape) == 3 else image


def _describe_images(rows, shape, how):
    """Of each image its descriptors."""
    return [describe(image, **how)[0] for image in _as_images(rows, shape)]


def _count_words(rows, shape, how, vocabulary, n_levels):
    """Of each image the histogram of its words."""
    halves = np.square(vocabulary).sum(axis=1) / 2
    histograms = []
    for image in _as_images(rows, shape):
        descriptors, places = describe(image, **how)
        # Half the squared distances, less what is the same for all words.
        words = (halves - descriptors @ vocabulary.T).argmin(axis=1)
        histograms.append(pyramid_histogram(words, places, len(vocabulary), n_levels))
    return np.array(histograms)


def _variance_and_energy(X, scale):
    """Means over the rows of the variance, and of the mean square, of their values."""
    variance = energy = 0.0
    for start in range(0, len(X), BLOCK):
        rows = X[start : start + BLOCK].astype(np.float64) * scale
        variance += rows.var(axis=1).sum()
        energy += np.square(rows).mean(axis=1).sum()
    return float(variance / len(X)), float(energy / len(X))
