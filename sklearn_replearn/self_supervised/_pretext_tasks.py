"""Tasks whose answers are in the data: what `PretextTransformer` asks a network."""

from abc import ABCMeta, abstractmethod
from itertools import product
from numbers import Integral, Real

import torch
from sklearn.base import BaseEstimator

from sklearn_replearn._deep.objectives.masking import draw_mask
from sklearn_replearn._sklearn import Interval, Options
from sklearn_replearn._warnings import warn
from sklearn_replearn.self_supervised._tiles import (
    check_tiles,
    counts_of_cells,
    cut_tiles,
    distant_permutations,
    n_orders,
)

#: Constraints of the parameters that cut tiles.
TILE_PARAMETERS = {
    "gap": [Interval(Real, 0, 1, closed="left")],
    "jitter": [Interval(Real, 0, 1, closed="left")],
    "gray_share": [Interval(Real, 0, 1, closed="both")],
}


class PretextTask(BaseEstimator, metaclass=ABCMeta):
    """Base of the tasks of :class:`PretextTransformer`: a question and its answer.

    A task of your own needs one method, :meth:`make`. It takes a batch of samples as a
    tensor and returns what the network is shown and what it has to answer. If the
    answers are classes, `n_classes` says how many there are; otherwise they are values.
    A task is a scikit-learn estimator without `fit`: parameters go into ``__init__``,
    which only assigns them, and can be searched as ``task__name``.

    Attributes
    ----------
    kinds : tuple of str
        Inputs that the task has a meaning for: "images", "signals" and "tables", by
        default all of them.
    n_classes : int or None
        Number of classes of the answers; ``None`` if they are values. :meth:`setup` can
        set it.

    See Also
    --------
    PretextTransformer : Trains a network on a task, and gives its features.

    Examples
    --------
    Was a signal reversed?

    >>> import torch
    >>> from sklearn_replearn.self_supervised import PretextTask, PretextTransformer
    >>> class Reversal(PretextTask):
    ...     kinds = ("signals",)
    ...     n_classes = 2
    ...
    ...     def make(self, x):
    ...         answers = torch.randint(2, (len(x),), device=x.device)
    ...         is_reversed = answers.bool()[:, None, None]
    ...         return torch.where(is_reversed, x.flip(-1), x), answers
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 30)).cumsum(axis=1) ** 2
    >>> encoder = PretextTransformer(
    ...     Reversal(), encoder="cnn", channels=(8, 8), max_epochs=3, random_state=0
    ... ).fit(X[:150])
    >>> encoder.transform(X[150:]).shape
    (50, 120)
    """

    _parameter_constraints = {}

    kinds = ("images", "signals", "tables")
    n_classes = None

    def setup(self, x):
        """Get ready for samples such as these, or raise a ValueError if it cannot be.

        Called once in :meth:`PretextTransformer.fit`, of a clone of the task. Does
        nothing by default.

        Parameters
        ----------
        x : tensor of shape (n_samples, ...)
            Some of the training rows, as :meth:`make` takes them.
        """

    @abstractmethod
    def make(self, x):
        """Make questions and answers of a batch of samples.

        Random numbers come from torch's default generator, whose seed is
        `random_state`, and a fixed one in :meth:`PretextTransformer.score`.

        Parameters
        ----------
        x : tensor of shape (n_samples, ...)
            Images (n_samples, channels, height, width), signals (n_samples, 1, length)
            or rows (n_samples, n_features). Each channel, or each column of a table,
            has a mean of about 0, and all values together a deviation of about 1.

        Returns
        -------
        inputs : tensor of shape (n_questions, ...) or (n_questions, n_parts, ...)
            What the network is shown, in the layout of `x`, or in several parts, such
            as tiles. There may be several questions of each sample, as many of each,
            those of the first sample first.
        answers : tensor of int64, of shape (n_questions,), or of floats (n_questions, \
...)
            Classes, from 0 up to `n_classes`, or values, NaN where nothing is asked.
        """

    def complete(self, inputs, targets, answers):
        """What :meth:`PretextTransformer.predict_task` shows of values.

        Parameters
        ----------
        inputs, targets : tensors
            As :meth:`make` returns them.
        answers : tensor of the shape of `targets`
            Those of the network.

        Returns
        -------
        shown : tensor of shape (n_questions, ...)
            By default the answers.
        """
        return answers


class Rotation(PretextTask):
    """By how many quarters was an image turned?

    All turns of each image are in one batch, as [1]_ does it. To tell them apart, a
    network has to know which way up things are: images without an up and down, such as
    textures or cells, have no answer.

    Parameters
    ----------
    n_turns : {2, 4}, default=4
        Number of turns: 4 quarters, or 2 halves, which images that are not square
        need.

    References
    ----------
    .. [1] S. Gidaris, P. Singh and N. Komodakis, "Unsupervised representation learning
       by predicting image rotations", ICLR 2018.

    Examples
    --------
    >>> import torch
    >>> from sklearn_replearn.self_supervised import Rotation
    >>> inputs, answers = Rotation().make(torch.tensor([[[[1, 2], [3, 4]]]]))
    >>> inputs.squeeze(1).tolist()
    [[[1, 2], [3, 4]], [[2, 4], [1, 3]], [[4, 3], [2, 1]], [[3, 1], [4, 2]]]
    >>> answers.tolist()
    [0, 1, 2, 3]
    """

    _parameter_constraints = {"n_turns": [Options(Integral, {2, 4})]}
    kinds = ("images",)

    def __init__(self, n_turns=4):
        self.n_turns = n_turns

    @property
    def n_classes(self):
        """Number of turns."""
        return int(self.n_turns)

    def setup(self, x):
        height, width = x.shape[2:]
        if height != width and self.n_turns == 4:
            raise ValueError(
                f"Rotation by quarters needs square images, but X has images of "
                f"{height} x {width}; take Rotation(n_turns=2), which turns them by "
                "halves, or crop them."
            )

    def make(self, x):
        step = 4 // self.n_turns
        turns = [
            torch.rot90(x, step * turn, dims=(-2, -1)) for turn in range(self.n_turns)
        ]
        answers = torch.arange(self.n_turns, device=x.device).repeat(len(x))
        return torch.stack(turns, dim=1).flatten(0, 1), answers


class RelativePosition(PretextTask):
    """Where does a tile lie, seen from another one?

    The network is shown a tile of an image and one of its eight neighbors, and says
    which one it is [1]_; of a signal, whether a segment comes before or after another
    one. Of a grid of 3, the first tile is the one in the middle; of a larger grid, one
    inside it, drawn at random.

    There are ways to find the answer without learning what images show: lines and
    textures that go on from tile to tile, and a brightness or a color that changes
    over the image, as lenses make it. Therefore tiles have a gap between them and are
    moved at random, each channel of a tile is scaled to mean 0 and variance 1, and
    some images are shown in gray.

    Parameters
    ----------
    grid : int, default=3
        Number of cells along each side of an image; a signal has ``grid * grid`` in a
        row. At least 3.
    n_pairs : int, default=4
        Number of pairs of tiles of each image, or of segments of each signal, in a
        batch. Tiles are small, so that several pairs take no longer than an image.
    gap : float, default=0.15
        Smallest distance of two tiles, as a share of the side of a cell, in [0, 1).
        Rounded to whole pixels.
    jitter : float, default=0.15
        By how much more a tile is smaller than its cell, as a share of the side: its
        place in the cell is drawn at random.
    gray_share : float, default=0.3
        Share of the images with several channels that are shown with the mean of them
        in each channel.

    References
    ----------
    .. [1] C. Doersch, A. Gupta and A. A. Efros, "Unsupervised visual representation
       learning by context prediction", ICCV 2015.

    Examples
    --------
    >>> import torch
    >>> from sklearn_replearn.self_supervised import RelativePosition
    >>> inputs, answers = RelativePosition().make(torch.rand(10, 1, 28, 28))
    >>> tuple(inputs.shape), tuple(answers.shape)
    ((40, 2, 1, 7, 7), (40,))
    """

    _parameter_constraints = {
        "grid": [Interval(Integral, 3, None, closed="left")],
        "n_pairs": [Interval(Integral, 1, None, closed="left")],
        **TILE_PARAMETERS,
    }
    kinds = ("images", "signals")

    def __init__(self, grid=3, n_pairs=4, gap=0.15, jitter=0.15, gray_share=0.3):
        self.grid = grid
        self.n_pairs = n_pairs
        self.gap = gap
        self.jitter = jitter
        self.gray_share = gray_share

    def setup(self, x):
        check_tiles(self, x)
        self.n_classes = 3 ** (x.ndim - 2) - 1

    def make(self, x):
        x = x.repeat_interleave(self.n_pairs, 0)
        n, n_sides = len(x), x.ndim - 2
        steps = [step for step in product((-1, 0, 1), repeat=n_sides) if any(step)]
        answers = torch.randint(len(steps), (n,))
        counts = counts_of_cells(self.grid, n_sides)
        first = torch.stack(
            [1 + torch.randint(count - 2, (n,)) for count in counts], dim=1
        )
        places = torch.stack([first, first + torch.tensor(steps)[answers]], dim=1)
        answers, places = answers.to(x.device), places.to(x.device)
        return cut_tiles(self, x, places), answers


class Jigsaw(PretextTask):
    """In which order are the tiles of an image?

    The tiles of an image, or the segments of a signal, are shown to the network in one
    of `n_permutations` orders, and it says in which one [1]_. The orders differ in as
    many places as possible: the first is the right one, and each further one has the
    largest sum of Hamming distances from those before it. Shortcuts are closed as in
    :class:`RelativePosition`.

    Parameters
    ----------
    grid : int, default=2
        Number of tiles along each side of an image; a signal has ``grid * grid``
        segments. At least 2.
    n_permutations : int, default=24
        Number of orders to choose from, at least 2. Values above the number of all
        orders are reduced to it, with a warning; 24 are all of a grid of 2.
    gap : float, default=0.15
        Smallest distance of two tiles, as a share of the side of a cell, in [0, 1).
        Rounded to whole pixels.
    jitter : float, default=0.15
        By how much more a tile is smaller than its cell, as a share of the side: its
        place in the cell is drawn at random.
    gray_share : float, default=0.3
        Share of the images with several channels that are shown with the mean of them
        in each channel.

    Attributes
    ----------
    permutations_ : ndarray of int64, of shape (n_classes, n_tiles)
        Which tile is shown at each place, for each class; set in
        :meth:`PretextTransformer.fit`.

    References
    ----------
    .. [1] M. Noroozi and P. Favaro, "Unsupervised learning of visual representations
       by solving jigsaw puzzles", ECCV 2016.

    Examples
    --------
    >>> import torch
    >>> from sklearn_replearn.self_supervised import Jigsaw
    >>> task, images = Jigsaw(n_permutations=4), torch.rand(10, 1, 28, 28)
    >>> task.setup(images)
    >>> task.permutations_
    array([[0, 1, 2, 3],
           [1, 0, 3, 2],
           [2, 3, 0, 1],
           [3, 2, 1, 0]])
    >>> inputs, answers = task.make(images)
    >>> tuple(inputs.shape)
    (10, 4, 1, 10, 10)
    """

    _parameter_constraints = {
        "grid": [Interval(Integral, 2, None, closed="left")],
        "n_permutations": [Interval(Integral, 2, None, closed="left")],
        **TILE_PARAMETERS,
    }
    kinds = ("images", "signals")

    def __init__(
        self, grid=2, n_permutations=24, gap=0.15, jitter=0.15, gray_share=0.3
    ):
        self.grid = grid
        self.n_permutations = n_permutations
        self.gap = gap
        self.jitter = jitter
        self.gray_share = gray_share

    def setup(self, x):
        check_tiles(self, x)
        most = n_orders(self.grid**2)
        if self.n_permutations > most:
            warn(
                f"n_permutations={self.n_permutations} is more than the {most} orders "
                f"of {self.grid**2} tiles that there are to choose from; {most} are "
                "used."
            )
        self.permutations_ = distant_permutations(self.grid**2, self.n_permutations)
        self.n_classes = len(self.permutations_)

    def make(self, x):
        answers = torch.randint(self.n_classes, (len(x),))
        order = torch.from_numpy(self.permutations_)[answers]
        if x.ndim == 4:
            places = torch.stack([order // self.grid, order % self.grid], dim=2)
        else:
            places = order[:, :, None]
        return cut_tiles(self, x, places.to(x.device)), answers.to(x.device)


class Colorization(PretextTask):
    """Which colors has a gray image?

    The network is shown the mean of the channels, in each channel, and predicts the
    difference of every channel from it. This is a regression; the classes of quantized
    colors of [1]_ give more vivid images.

    References
    ----------
    .. [1] R. Zhang, P. Isola and A. A. Efros, "Colorful image colorization", ECCV
       2016.

    Examples
    --------
    >>> import torch
    >>> from sklearn_replearn.self_supervised import Colorization
    >>> images = torch.rand(10, 3, 8, 8)
    >>> inputs, answers = Colorization().make(images)
    >>> torch.allclose(inputs + answers, images)
    True
    """

    kinds = ("images",)

    def setup(self, x):
        if x.shape[1] == 1:
            raise ValueError(
                "Colorization needs images with several channels, but those of X have "
                "one; take another task, such as 'rotation' or 'inpainting'."
            )

    def make(self, x):
        gray = x.mean(1, keepdim=True)
        return gray.expand_as(x).contiguous(), x - gray

    def complete(self, inputs, targets, answers):
        return inputs + answers


class Inpainting(PretextTask):
    """What stands in the places that are hidden?

    Blocks of an image, spans of a signal or single values of a row are replaced by the
    mean, and the network predicts what stands there [1]_. Errors count in these places
    alone.

    Parameters
    ----------
    mask_share : float, default=0.3
        Share of the values to hide, in (0, 1). Blocks may overlap, and hide fewer
        then; at least one block or value is hidden.
    block : float, default=0.25
        Side of a block, as a share of that of the image, or length of a span, as one of
        that of the signal, in (0, 1). At least one pixel. Values of tables are hidden
        one by one.

    References
    ----------
    .. [1] D. Pathak, P. Krähenbühl, J. Donahue, T. Darrell and A. A. Efros, "Context
       encoders: feature learning by inpainting", CVPR 2016.

    Examples
    --------
    >>> import torch
    >>> from sklearn_replearn.self_supervised import Inpainting
    >>> rows = torch.arange(1.0, 11.0).reshape(2, 5)
    >>> inputs, answers = Inpainting(mask_share=0.4).make(rows)
    >>> (inputs == 0).sum(1).tolist(), answers.isnan().sum(1).tolist()
    ([2, 2], [3, 3])
    """

    _parameter_constraints = {
        "mask_share": [Interval(Real, 0, 1, closed="neither")],
        "block": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(self, mask_share=0.3, block=0.25):
        self.mask_share = mask_share
        self.block = block

    def make(self, x):
        if x.ndim == 2:
            every = torch.ones(x.shape, dtype=torch.bool)
            hidden = draw_mask(every, self.mask_share)
        else:
            hidden = draw_blocks(len(x), x.shape[2:], self.mask_share, self.block)
            hidden = hidden[:, None].expand(x.shape)
        hidden = hidden.to(x.device)
        return x.masked_fill(hidden, 0.0), x.masked_fill(~hidden, torch.nan)

    def complete(self, inputs, targets, answers):
        return torch.where(targets.isnan(), inputs, answers)


def draw_blocks(n_samples, sides, share, block):
    """Random blocks, which may overlap, of the places of images or signals.

    Parameters
    ----------
    n_samples : int
    sides : sequence of int
    share : float
        Share of the places that the blocks would cover if none overlapped.
    block : float
        Side of a block, as a share of each side.

    Returns
    -------
    chosen : tensor of bool, of shape (n_samples, *sides)
    """
    sizes = [max(1, round(block * side)) for side in sides]
    n_places, n_in_block = 1, 1
    for side, size in zip(sides, sizes, strict=True):
        n_places, n_in_block = n_places * side, n_in_block * size
    n_blocks = max(1, round(share * n_places / n_in_block))
    inside = torch.ones(n_samples, n_blocks, dtype=torch.bool)
    for side, size in zip(sides, sizes, strict=True):
        starts = torch.randint(side - size + 1, (n_samples, n_blocks, 1))
        position = torch.arange(side)
        covered = (position >= starts) & (position < starts + size)
        shape = [n_samples, n_blocks, *[1] * (inside.ndim - 2), side]
        inside = inside[..., None] & covered.view(shape)
    return inside.any(1)


#: Tasks by name.
TASKS = {
    "colorization": Colorization,
    "inpainting": Inpainting,
    "jigsaw": Jigsaw,
    "relative_position": RelativePosition,
    "rotation": Rotation,
}
