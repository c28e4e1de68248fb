"""What estimators learn from and encode: samples, gathered by their numbers."""

from abc import ABC, abstractmethod

import numpy as np
import torch
from sklearn.utils import gen_batches
from sklearn.utils.validation import assert_all_finite

#: Rows that the spread of the data is found from.
N_SOME_ROWS = 1024

#: Numbers that are worked on at a time.
BLOCK_SIZE = 2**17

#: From how many standard deviations on a mean is subtracted before the cast to float32.
FAR_DEVIATIONS = 64


class Samples(ABC):
    """Inputs of a network, one for each sample; of any kind, and of any lengths.

    A kind of samples holds them all in a few tensors, and gathers those of a batch by
    one index.
    """

    #: What one of them is, for messages and for the progress bar.
    unit = "rows"

    #: How many such units a sample has, on average.
    n_units = 1

    #: Factor of what `blocks` gives; `take` has multiplied by it.
    scale = 1.0

    #: Whether vectors of these samples are in double precision.
    is_double = False

    #: How much each sample counts, a tensor of shape (n_samples,); None if all alike.
    weights = None

    @property
    def rows(self):
        """What is encoded alone: the samples themselves, or what they consist of."""
        return self

    @abstractmethod
    def __len__(self):
        """The number of samples."""

    @abstractmethod
    def take(self, index):
        """Inputs of some samples, as `Network.arrange` takes them.

        Parameters
        ----------
        index : tensor of int64, of shape (n_samples,)
        """

    @abstractmethod
    def blocks(self, size):
        """Pairs of an index and the inputs that it names, of all samples, by blocks.

        Parameters
        ----------
        size : int
            How many rows, or values, a block has at most.
        """

    @abstractmethod
    def some(self, n_samples):
        """At most so many samples, from all over, as samples of the same kind."""

    @abstractmethod
    def to(self, device):
        """The same samples on a device, without their weights."""

    @abstractmethod
    def check_finite(self):
        """Raise a ValueError if there is NaN or infinity."""

    def largest(self):
        """The largest absolute value; None if the samples are no measurements."""
        return None


class Rows(Samples):
    """Rows of a table, or images as rows.

    Parameters
    ----------
    array : ndarray of shape (n_samples, n_features)
    scale : float, default=1.0
        Factor of the values: bytes of images stand for [0, 1].
    tensor : tensor, default=None
        The same rows on a device; ``None`` takes the memory of the array.
    """

    def __init__(self, array, scale=1.0, tensor=None):
        self.array = array
        self.scale = scale
        self.is_double = array.dtype == np.float64
        self.tensor = as_tensor(array) if tensor is None else tensor

    def __len__(self):
        return len(self.tensor)

    def take(self, index):
        return scaled(self.tensor.index_select(0, index), self.scale)

    def blocks(self, size):
        for index in gen_batches(len(self), size):
            yield index, self.tensor[index]

    def some(self, n_samples=N_SOME_ROWS):
        step = max(1, len(self) // n_samples)
        return Rows(self.array[::step][:n_samples], self.scale)

    def first(self, n_samples):
        """The first rows, as the network's `arrange` takes them."""
        return scaled(as_tensor(self.array[:n_samples]), self.scale)

    def to(self, device):
        return Rows(self.array, self.scale, self.tensor.to(device))

    def largest(self):
        return float(max(abs(self.array.max()), abs(self.array.min())))

    def check_finite(self):
        assert_all_finite(self.array, input_name="X")

    def squares_about_mean(self):
        """Sum of squared differences from the mean row, without a second copy."""
        mean = torch.from_numpy(self.array.mean(axis=0, dtype=np.float64))
        total = 0.0
        with np.errstate(over="ignore"):  # what is beyond all numbers is infinite
            for rows in _row_blocks(self.array):
                block = as_tensor(self.array[rows])
                differences = subtract(block, mean).numpy().ravel()
                total += differences @ differences
        return float(total) * self.scale**2

    def center_input(self, network, *, from_origin=True):
        """Let a new network see numbers about 0 that vary by about 1.

        Parameters
        ----------
        network : Network
        from_origin : bool
            Whether the network also gets an `origin`.
        """
        some = self.some()
        if from_origin and self.scale == 1.0:
            network.origin.copy_(some.origin(len(network.origin)))
        if not network.shape:
            return
        X = self.array
        if network.origin.any():
            blocks = _row_blocks(X)
            parts = (subtract(as_tensor(X[rows]), network.origin) for rows in blocks)
            mean = sum(part.double().sum(0) for part in parts) / len(X)
        else:
            mean = torch.from_numpy(X.mean(axis=0, dtype=np.float64) * self.scale)
        mean = mean.float()
        if len(network.shape) > 1:
            mean = channels_first(mean[None], network.shape)[0]
        network.center.copy_(mean)
        variance = some.squares_about_mean() / some.array.size
        network.spread.fill_(variance**0.5 or 1.0)

    def origin(self, n_origins):
        """Mean of each column, or of all, where it is far from zero; 0 elsewhere."""
        rows = self.array.reshape(-1, n_origins)
        mean = rows.mean(axis=0, dtype=np.float64)
        differences = subtract(as_tensor(rows), torch.from_numpy(mean)).numpy()
        with np.errstate(over="ignore"):  # an infinite spread is far from nothing
            spread = differences.std(axis=0)
        is_far = (spread > 0) & (np.abs(mean) > FAR_DEVIATIONS * spread)
        # Whole numbers in single precision are subtracted from any type exactly.
        return torch.from_numpy(np.where(is_far, mean.round(), 0)).float()


class Pairs(Samples):
    """Pairs of rows: a sample is two rows, which come one after the other.

    Parameters
    ----------
    rows : Rows
    pairs : tensor of int64, of shape (n_pairs, 2)
        The two rows of each pair.
    """

    unit = "pairs"

    def __init__(self, rows, pairs):
        self._rows = rows
        self.pairs = pairs

    @property
    def rows(self):
        return self._rows

    def __len__(self):
        return len(self.pairs)

    def take(self, index):
        return self.rows.take(self.pairs[index].flatten())

    def blocks(self, size):
        for index in gen_batches(len(self), size):
            yield index, self.rows.tensor[self.pairs[index].flatten()]

    def some(self, n_samples):
        step = max(1, len(self) // n_samples)
        return Pairs(self.rows, self.pairs[::step][:n_samples])

    def to(self, device):
        return Pairs(self.rows.to(device), self.pairs.to(device))

    def check_finite(self):
        self.rows.check_finite()


class Views(Samples):
    """Two views of each sample, such as an image and its caption.

    Parameters
    ----------
    first, second : Samples
        Of one length.
    """

    def __init__(self, first, second):
        if len(first) != len(second):
            raise ValueError(
                f"The first view has {len(first)} {first.unit} and the second "
                f"{len(second)} {second.unit}; pass one of each for every sample."
            )
        self.first = first
        self.second = second

    @property
    def rows(self):
        return self.first

    def __len__(self):
        return len(self.first)

    def take(self, index):
        return self.first.take(index), self.second.take(index)

    def blocks(self, size):
        raise TypeError("Views are encoded one at a time; pass one of them.")

    def some(self, n_samples):
        return Views(self.first.some(n_samples), self.second.some(n_samples))

    def to(self, device):
        return Views(self.first.to(device), self.second.to(device))

    def check_finite(self):
        self.first.check_finite()
        self.second.check_finite()


def _row_blocks(X):
    """Slices of rows, few enough for the cache."""
    return gen_batches(len(X), max(1, BLOCK_SIZE // max(X[0].size, 1)))


class _Writeable:
    """What numpy needs to see memory as writeable."""

    def __init__(self, array):
        self.owner = array
        interface = dict(array.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface


def as_tensor(array):
    """A tensor in the memory of an array, which may be read-only; we never write."""
    if any(stride < 0 for stride in array.strides):
        array = array.copy()
    if not array.flags.writeable:  # torch would warn
        array = np.asarray(_Writeable(array))
    return torch.from_numpy(array)


def scaled(rows, scale):
    """Rows of a tensor times a scale: floats, unless the scale is 1."""
    if scale == 1.0:
        return rows
    return (rows if rows.is_floating_point() else rows.float()) * scale


def moved(inputs, device, dtype=None):
    """Inputs in new memory on a device; floats in another precision, if one is given.

    Integers in a padded batch are names of tokens and stay as they are, as do masks.
    """
    if isinstance(inputs, torch.Tensor):
        return inputs.to(device=device, dtype=dtype or inputs.dtype, copy=True)
    values, *others = inputs
    dtype = dtype if values.is_floating_point() else None
    others = (other.to(device) for other in others)
    return type(inputs)(moved(values, device, dtype), *others)


def total(inputs):
    """The sum of all values, which is not finite if one of them is not."""
    return inputs.sum() if isinstance(inputs, torch.Tensor) else inputs[0].sum()


def subtract(rows, origin):
    """Differences of rows from an origin, computed before any digit is lost.

    Parameters
    ----------
    rows : tensor of shape (n_rows, ...)
        Of floats or of integers.
    origin : tensor
        Of floats.

    Returns
    -------
    differences : tensor of floats
    """
    if rows.is_floating_point():
        return rows - origin
    whole = origin.double().round()
    differences = rows - whole  # in double precision, which has 53 bits
    exact = (rows - whole.long()).double()  # right unless it is beyond 64 bits
    differences = torch.where(differences.abs() < 2**62, exact, differences)
    return differences - (origin - whole)


def channels_first(rows, shape):
    """Rows, flat or not, with the channels last, as arrays of a shape: (n, *shape)."""
    n_channels, *sides = shape
    return rows.reshape(len(rows), *sides, n_channels).movedim(-1, 1)


def on_images(function, x):
    """Apply a function of images to signals, too: as images with a height of 1."""
    return function(x) if x.ndim == 4 else function(x.unsqueeze(2)).squeeze(2)
