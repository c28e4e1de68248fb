"""Histograms of oriented gradients."""

from math import prod
from numbers import Integral

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sklearn_replearn._fitted_state import unchanged_by_errors
from sklearn_replearn._images import sizes_by_side
from sklearn_replearn._sklearn import Interval, StrOptions, _fit_context
from sklearn_replearn._warnings import warn
from sklearn_replearn.image._image_transformer import BaseImageTransformer

#: Pixels that are worked on at a time: their numbers stay in the processor's cache.
N_VALUES_AT_A_TIME = 2**16

#: Added to the length of a block, so that one without gradients stays zero.
EPSILON = 1e-5

#: Largest share of a block's length that "L2-Hys" leaves to one number.
CLIP = 0.2


class HOG(BaseImageTransformer):
    r"""Histograms of oriented gradients (Dalal and Triggs).

    Each pixel has a gradient, from the differences of its neighbours,

    .. math::

       g = \big( x_{i, j+1} - x_{i, j-1},\; x_{i+1, j} - x_{i-1, j} \big) ,

    which is 0 across the border; where there are several channels, it is that of the
    channel with the longest. Each cell of pixels has a histogram of the angles of its
    gradients: with K bins over the half circle, :math:`k = 0, \dots, K - 1`,

    .. math::

       h_k = \frac{1}{|\mathrm{cell}|} \sum_{p \in \mathrm{cell}} \lVert g_p \rVert
       \big[ k \le K \theta_p / \pi < k + 1 \big] , \qquad
       \theta_p = \angle g_p \bmod \pi .

    Each block of neighbouring cells is one vector v of their histograms, divided by its
    own length, so that the contrast does not matter. Blocks overlap: there is one for
    each place that it fits in, in steps of one cell. The vectors of all blocks, side by
    side, are the row of the image [1]_.

    X holds images in any accepted form, or rows as signals with one channel, whose
    gradient has two directions and whose histograms have two bins: rising and falling
    (:ref:`guide <images>`). Its mean does not matter, nor does its unit while contrasts
    are far above 1e-5.

    Parameters
    ----------
    n_orientations : int, default=9
        Number of bins, K. Signals always have two.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of the images that rows hold.
        ``None`` takes it from an array of images, and reads rows as signals.
    cell_size : int or (int, int), default=4
        Height and width of a cell in pixels; one number for both, and for signals. 4
        suits images of some 30 pixels; take 8 for those of 100 and more. Where the
        images have no room for a block, cells are made smaller, with a warning.
    block_size : int or (int, int), default=2
        Height and width of a block in cells; one number for both, and for signals. At
        most the sides of the images in pixels; larger ones are reduced, with a warning.
    block_norm : {"L2-Hys", "L2", "L1", "L1-sqrt"}, default="L2-Hys"
        How a block's vector v is made comparable, with :math:`\epsilon` = 1e-5.

        - "L2": :math:`v / \sqrt{\lVert v \rVert_2^2 + \epsilon^2}`.
        - "L2-Hys": "L2", then all above 0.2 cut to 0.2, then "L2" again, so that
          single strong edges count for less.
        - "L1": :math:`v / (\lVert v \rVert_1 + \epsilon)`.
        - "L1-sqrt": the square roots of "L1".
    transform_sqrt : bool, default=False
        Take the square root of all values first, which lessens the contrast in bright
        regions. They must not be negative.
    signed : bool, default=False
        Tell opposite gradients apart: the bins cover the full circle, :math:`\theta_p
        = \angle g_p \bmod 2 \pi`. Signals always have them apart.

    Attributes
    ----------
    output_shape_ : tuple of int
        (blocks down, blocks across, cells down, cells across, orientations), the shape
        of the numbers that a row holds; (blocks, cells, 2) of a signal.
    cell_shape_ : tuple of int
        (height, width) of a cell in pixels, or (length,) of a signal's.
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
        If images are smaller than a block, so that cells or blocks are made smaller; or
        if cells do not fill the image: the pixels below and to the right of the last
        whole cells are in no histogram.

    See Also
    --------
    BagOfVisualWords : Counts local patterns wherever they are.

    Notes
    -----
    For images, and ``signed=False``, the rows are those of scikit-image's
    ``skimage.feature.hog`` with ``pixels_per_cell=cell_size`` and
    ``cells_per_block=block_size``, many images at a time. As there, and other than in
    [1]_, a pixel is in one bin of one cell only.

    References
    ----------
    .. [1] N. Dalal and B. Triggs, "Histograms of oriented gradients for human
       detection", CVPR 2005.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.image import HOG
    >>> images = load_digits().images / 16
    >>> hog = HOG(cell_size=2).fit(images)
    >>> hog.output_shape_
    (3, 3, 2, 2, 9)
    >>> hog.transform(images).shape
    (1797, 324)
    >>> darker = hog.transform(images / 2)
    >>> f"{abs(darker - hog.transform(images)).max():.4f}"
    '0.0000'
    """

    _parameter_constraints = {
        **BaseImageTransformer._parameter_constraints,
        "n_orientations": [Interval(Integral, 1, None, closed="left")],
        "cell_size": [Interval(Integral, 1, None, closed="left"), tuple, list],
        "block_size": [Interval(Integral, 1, None, closed="left"), tuple, list],
        "block_norm": [StrOptions({"L1", "L1-sqrt", "L2", "L2-Hys"})],
        "transform_sqrt": ["boolean"],
        "signed": ["boolean"],
    }

    def __init__(
        self,
        n_orientations=9,
        *,
        image_shape=None,
        cell_size=4,
        block_size=2,
        block_norm="L2-Hys",
        transform_sqrt=False,
        signed=False,
    ):
        self.n_orientations = n_orientations
        self.image_shape = image_shape
        self.cell_size = cell_size
        self.block_size = block_size
        self.block_norm = block_norm
        self.transform_sqrt = transform_sqrt
        self.signed = signed

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the shape of the images; nothing else is learned.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_values), (n_samples, height, width) or \
                (n_samples, height, width, channels)
            At least one image of finite numbers.
        y : None
            Ignored.

        Returns
        -------
        self : HOG

        Raises
        ------
        ValueError
            If X is empty, or holds NaN or infinity, or negative values with
            ``transform_sqrt=True``; if the images do not have `image_shape`.
        """
        with unchanged_by_errors(self):
            X = self._validate(X, reset=True)
            self._refuse_negative(X)
            sides = self.image_shape_[:-1]
            self.cell_shape_, block_shape = self._fitting_sizes(sides)
            n_cells = [
                side // cell for side, cell in zip(sides, self.cell_shape_, strict=True)
            ]
            n_blocks = [n - b + 1 for n, b in zip(n_cells, block_shape, strict=True)]
            n_bins = self.n_orientations if len(sides) == 2 else 2
            self.output_shape_ = (*n_blocks, *block_shape, int(n_bins))
            self._warn_of_pixels_left_out(sides, n_cells)
        return self

    def transform(self, X):
        """Histograms of images.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_values), (n_samples, height, width) or \
                (n_samples, height, width, channels)

        Returns
        -------
        histograms : ndarray of shape (n_samples, prod(output_shape_))
            In float32 for float32, else in float64; ``histograms.reshape(-1,
            *output_shape_)`` has one axis for each of the things that
            `output_shape_` counts.
        """
        X = self._validate(X)
        self._refuse_negative(X)
        dtype = np.float32 if X.dtype == np.float32 else np.float64
        rows = np.empty((len(X), self._n_features_out), dtype=dtype)
        n_images = max(1, N_VALUES_AT_A_TIME // X.shape[1])
        for start in range(0, len(X), n_images):
            block = slice(start, start + n_images)
            values = X[block].astype(dtype)
            if self._scale(X) != 1:
                values /= 255
            rows[block] = self._encode(values)
        return rows

    def _encode(self, rows):
        """Histograms of some rows, which may be written into."""
        if self.transform_sqrt:
            np.sqrt(rows, out=rows)
        *sides, n_channels = self.image_shape_
        # A signal is an image of height 1 with two directions.
        shape = (*(1, *sides)[-2:], n_channels)
        is_signal = len(sides) == 1
        cells = cell_histograms(
            rows.reshape(-1, *shape),
            cell_shape=(1, *self.cell_shape_)[-2:],
            n_bins=self.output_shape_[-1],
            signed=self.signed or is_signal,
        )
        block_shape = self.output_shape_[len(sides) : -1]
        blocks = overlapping_blocks(cells, (1, *block_shape)[-2:])
        return normalize_blocks(blocks, self.block_norm).reshape(len(rows), -1)

    @property
    def _n_features_out(self):
        return prod(self.output_shape_)

    def _sizes(self, name, n_sides):
        """A parameter's sizes along each side of an image, or along a signal."""
        given = getattr(self, name)
        sizes = sizes_by_side(given, n_sides)
        if sizes is None:
            form = "one or two" if n_sides == 2 else "for signals a single one"
            raise ValueError(
                f"{name} must be whole numbers of at least 1, {form}; got {given!r}."
            )
        return tuple(sizes)

    def _fitting_sizes(self, sides):
        """Shapes of a cell and of a block, with a warning if they have to be smaller.

        A block takes no more cells than a side has pixels, and its cells fill the side.
        """
        cell_shape = self._sizes("cell_size", len(sides))
        block_shape = self._sizes("block_size", len(sides))
        blocks = tuple(map(min, block_shape, sides))
        cells = tuple(
            min(cell, side // n)
            for cell, n, side in zip(cell_shape, blocks, sides, strict=True)
        )
        if (cells, blocks) != (cell_shape, block_shape):
            least = [b * c for b, c in zip(block_shape, cell_shape, strict=True)]
            warn(
                f"A block of cells, block_size={self.block_size} times cell_size="
                f"{self.cell_size}, takes {_by(least)}, but X has {_by(sides)}: cells "
                f"of {_by(cells)} are used, in blocks of {_by(blocks, 'cells')}.",
            )
        return cells, blocks

    def _refuse_negative(self, X):
        if not self.transform_sqrt or X.dtype == np.uint8 or X.min() >= 0:
            return
        row = int(np.argmax(X.min(axis=1) < 0))
        raise ValueError(
            f"transform_sqrt=True takes square roots, but row {row} of X holds the "
            f"negative value {X[row].min():g}; shift X, or set transform_sqrt=False."
        )

    def _warn_of_pixels_left_out(self, sides, n_cells):
        covered = [n * c for n, c in zip(n_cells, self.cell_shape_, strict=True)]
        if covered != list(sides):
            warn(
                f"Cells of {_by(self.cell_shape_)} cover the first {_by(covered)} "
                f"of {_by(sides)}; the others are in no histogram: take a size that "
                "divides, or crop or pad the images.",
            )


def _by(sides, unit=None):
    """Words for the sides of an image, or the length of a signal."""
    unit = unit or ("values" if len(sides) == 1 else "pixels")
    return " x ".join(map(str, sides)) + f" {unit}"


# ---------------------------------------------------------------------------
# Arrays
# ---------------------------------------------------------------------------


def cell_histograms(images, cell_shape, n_bins, *, signed):
    """Histograms of the directions of the gradients in each cell.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width, channels)
    cell_shape : tuple of (int, int)
    n_bins : int
    signed : bool
        Whether the bins cover the full circle, and not the half.

    Returns
    -------
    histograms : ndarray of shape (n_images, cells down, cells across, n_bins), float64
        Mean length of the gradients in each bin.
    """
    shape = [len(images)]
    for side, size in zip(images.shape[1:3], cell_shape, strict=True):
        shape.append(side // size)
    covered = [n * size for n, size in zip(shape[1:], cell_shape, strict=True)]
    down, across = (g[:, : covered[0], : covered[1]] for g in _gradients(images))
    period = 360 if signed else 180
    angles = np.rad2deg(np.arctan2(down, across))
    angles += np.where(angles < 0, period, 0)
    bins = (angles / (period / n_bins)).astype(np.intp)
    bins[bins == n_bins] = 0  # the end of the circle is its start
    cells = np.arange(np.prod(shape)).reshape(shape)
    for axis, size in enumerate(cell_shape, start=1):
        cells = np.repeat(cells, size, axis=axis)
    sums = np.bincount(
        (cells * n_bins + bins).ravel(),
        weights=np.hypot(down, across).ravel(),
        minlength=np.prod(shape) * n_bins,
    )
    return sums.reshape(*shape, n_bins) / np.prod(cell_shape)


def _gradients(images):
    """Differences of neighbours, down and across, of the channel where they are most.

    In double precision, each of shape (n_images, height, width).
    """
    down, across = np.zeros_like(images), np.zeros_like(images)
    down[:, 1:-1] = images[:, 2:] - images[:, :-2]
    across[:, :, 1:-1] = images[:, :, 2:] - images[:, :, :-2]
    if images.shape[-1] > 1:
        strongest = np.hypot(down, across).argmax(axis=-1)[..., np.newaxis]
        down, across = (
            np.take_along_axis(g, strongest, axis=-1) for g in (down, across)
        )
    return [g[..., 0].astype(np.float64) for g in (down, across)]


def overlapping_blocks(cells, block_shape):
    """The numbers of each block of neighbouring cells.

    Parameters
    ----------
    cells : ndarray of shape (n_images, cells down, cells across, n_bins)
    block_shape : tuple of (int, int)

    Returns
    -------
    blocks : ndarray of shape (n_images, blocks down, blocks across, n_values)
        Of each block its cells, row by row, with the bins of each.
    """
    blocks = sliding_window_view(cells, block_shape, axis=(1, 2))
    blocks = np.moveaxis(blocks, 3, -1)  # bins last
    return blocks.reshape(*blocks.shape[:3], -1)


def normalize_blocks(blocks, block_norm):
    """Blocks divided by their lengths, in the way that `block_norm` says."""
    if block_norm.startswith("L1"):
        blocks = blocks / (np.abs(blocks).sum(axis=-1, keepdims=True) + EPSILON)
        return np.sqrt(blocks) if block_norm == "L1-sqrt" else blocks
    blocks = _with_unit_length(blocks)
    if block_norm == "L2-Hys":
        blocks = _with_unit_length(np.minimum(blocks, CLIP))
    return blocks


def _with_unit_length(blocks):
    squares = np.square(blocks).sum(axis=-1, keepdims=True)
    return blocks / np.sqrt(squares + EPSILON**2)
