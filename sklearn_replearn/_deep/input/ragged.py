"""Samples of different lengths, token ids or waves, padded to buckets of lengths.

The bucket of a sample depends on its own length alone, so its vector does not depend
on the other samples.
"""

from typing import NamedTuple

import numpy as np
import torch

from sklearn_replearn._deep.input.samples import Samples
from sklearn_replearn._waves import as_wave

#: Lengths that samples are padded to.
BUCKETS = torch.tensor([*range(16, 129, 16), *(2**power for power in range(8, 63))])


class Padded(NamedTuple):
    """Samples padded with zeros to one length.

    Attributes
    ----------
    values : tensor of shape (n_samples, length, ...)
    mask : tensor of bool, of shape (n_samples, length)
        Whether there is a value rather than padding.
    """

    values: torch.Tensor
    mask: torch.Tensor


def bucket_length(lengths):
    """Length that samples are padded to: a multiple of 16, above 128 a power of two.

    Returns
    -------
    buckets : int or tensor of int64
        At least 16, also for samples of length 0.
    """
    buckets = BUCKETS[torch.searchsorted(BUCKETS, lengths)]
    return buckets if isinstance(lengths, torch.Tensor) else int(buckets)


def mean_over(values, mask):
    """Mean over the places of each sample; zero for samples of length 0.

    Parameters
    ----------
    values : tensor of floats, of shape (n_samples, length, ...)
    mask : tensor of bool, of shape (n_samples, length)

    Returns
    -------
    means : tensor of shape (n_samples, ...)
    """
    shape = mask.shape + (1,) * (values.ndim - 2)
    sums = values.masked_fill(~mask.reshape(shape), 0.0).sum(1)
    return sums / mask.sum(1).clamp_min(1).reshape(-1, *shape[2:])


class RaggedSamples(Samples):
    """Base of samples of different lengths, stored one after another.

    Parameters
    ----------
    values : tensor of shape (n_values, ...)
        Of all samples.
    ends : tensor of int64, of shape (n_samples,)
        Where each sample ends. Equal to the end before if the sample is empty.

    Attributes
    ----------
    lengths : tensor of int64, of shape (n_samples,)
        Always on the CPU, as `ends`: no batch waits for a GPU.
    """

    def __init__(self, values, ends):
        self.values = values
        self.ends = ends
        self.lengths = ends.diff(prepend=ends.new_zeros(1))

    def __len__(self):
        return len(self.ends)

    def take(self, index):
        """Gather samples, padded to the bucket of the longest.

        Parameters
        ----------
        index : tensor of int64
            Numbers of the samples.

        Returns
        -------
        padded : Padded
        """
        index = index.to(self.ends.device)
        lengths = self.lengths[index]
        longest = int(lengths.max()) if len(index) else 0
        device = self.values.device
        starts = (self.ends[index] - lengths).to(device)
        position = torch.arange(bucket_length(longest), device=device)
        mask = position < lengths.to(device)[:, None]
        if not len(self.values):
            return Padded(self.values.new_zeros(*mask.shape, *self._shape), mask)
        places = (starts[:, None] + position).masked_fill_(~mask, 0)
        values = self.values.index_select(0, places.flatten())
        values = values.reshape(*mask.shape, *self._shape)
        padding = ~mask.reshape(mask.shape + (1,) * len(self._shape))
        return Padded(values.masked_fill_(padding, 0), mask)

    def blocks(self, budget):
        """Yield blocks of samples of the same bucket, each sample once.

        Parameters
        ----------
        budget : int
            Maximum number of values of a block, padding included, unless one sample
            alone has more.

        Yields
        ------
        index : tensor of int64
        padded : Padded
        """
        buckets = bucket_length(self.lengths)
        order = buckets.argsort(stable=True)
        kinds, counts = buckets.unique(return_counts=True)
        groups = order.split(counts.tolist())
        for bucket, group in zip(kinds.tolist(), groups, strict=True):
            n_values = bucket * self._shape.numel()
            for index in group.split(max(1, budget // n_values)):
                yield index, self.take(index)

    def some(self, n):
        """At most n samples, evenly spaced.

        Returns
        -------
        samples : same class
        """
        if len(self) <= n:
            return self
        index = torch.arange(n) * len(self) // n
        return type(self)(self.gathered(index), self.lengths[index].cumsum(0))

    def gathered(self, index):
        """Values of some samples, one after another."""
        lengths = self.lengths[index]
        places = torch.arange(int(lengths.sum()))
        places += (self.ends[index] - lengths.cumsum(0)).repeat_interleave(lengths)
        return self.values.index_select(0, places.to(self.values.device))

    def to(self, device):
        """The same samples with their values on a device."""
        return type(self)(self.values.to(device), self.ends)

    @property
    def _shape(self):
        """Shape of one value."""
        return self.values.shape[1:]


class Tokens(RaggedSamples):
    """Documents as token ids.

    Parameters
    ----------
    ids : tensor of int64, of shape (n_tokens,)
        Of all documents, one after another.
    ends : tensor of int64, of shape (n_documents,)
        Where each document ends.
    """

    unit = "documents"

    @classmethod
    def from_lists(cls, documents):
        """Tokens from a sequence of ids for each document.

        Returns
        -------
        tokens : Tokens

        Raises
        ------
        ValueError
            If a document is not one-dimensional or not of integers.
        """
        arrays = [np.asarray(document) for document in documents]
        for position, array in enumerate(arrays):
            if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
                raise ValueError(
                    f"Document {position} has shape {array.shape} and type "
                    f"{array.dtype}; pass its token ids as a list of integers."
                )
        ids = [np.empty(0, np.int64), *(array for array in arrays if array.size)]
        ids = np.concatenate(ids, dtype=np.int64, casting="same_kind")
        return cls(torch.from_numpy(ids), ends_of(arrays))

    def check_finite(self):
        """Integers are always finite."""


class Packed(NamedTuple):
    """Texts without padding.

    Attributes
    ----------
    ids : tensor of int64, of shape (n_tokens,)
        Of the known words of all texts, one after another.
    lengths : tensor of int64, of shape (n_texts,)
    """

    ids: torch.Tensor
    lengths: torch.Tensor


class PackedTexts(RaggedSamples):
    """Texts as the numbers of their known words, gathered without padding.

    Parameters
    ----------
    ids : tensor of int32, of shape (n_tokens,)
    ends : tensor of int64, of shape (n_texts,)
        Where each text ends.
    """

    unit = "texts"

    def take(self, index):
        index = index.to(self.ends.device)
        ids = self.gathered(index).long()
        return Packed(ids, self.lengths[index].to(ids.device))

    def check_finite(self):
        """Integers are always finite."""


class Waves(RaggedSamples):
    """Signals of any lengths, with one or several channels.

    Parameters
    ----------
    values : tensor of shape (n_values,) or (n_values, n_channels)
        Of all signals, one after another.
    ends : tensor of int64, of shape (n_signals,)
        Where each signal ends.
    """

    unit = "signals"

    @classmethod
    def from_arrays(cls, X):
        """Waves from an array for each signal.

        Parameters
        ----------
        X : iterable of array-likes of shape (length,) or (length, n_channels)
            float32, float64 and signed integers keep their type. If types differ, the
            smallest type that can represent all of them is used.

        Returns
        -------
        waves : Waves

        Raises
        ------
        ValueError
            If a signal is not of numbers, has the wrong number of dimensions, or other
            channels than the signals before. The message names the signal.
        """
        arrays = [as_wave(position, wave) for position, wave in enumerate(X)]
        if not arrays:
            raise ValueError("X has no signals; at least one is needed.")
        filled = [i for i, array in enumerate(arrays) if len(array)] or [0]
        first = arrays[filled[0]]
        for position in filled:
            if arrays[position].shape[1:] != first.shape[1:]:
                raise ValueError(
                    f"X[{position}] has shape {arrays[position].shape}, but "
                    f"X[{filled[0]}] has shape {first.shape}; all signals must have "
                    "the same channels."
                )
        values = [arrays[position] for position in filled]
        dtype = common_dtype(values)
        values = np.concatenate(values, dtype=dtype, casting="same_kind")
        return cls(torch.from_numpy(values), ends_of(arrays))

    @property
    def is_double(self):
        return self.values.dtype == torch.float64

    def largest(self):
        return float(self.values.abs().max()) if len(self.values) else 0.0

    def check_finite(self):
        """Raise an error that names the first signal and place that is not finite.

        Raises
        ------
        ValueError
        """
        if not self.values.is_floating_point() or self.values.sum().isfinite():
            return
        wrong = ~self.values.isfinite()
        if wrong.any():  # otherwise the sum alone is beyond the largest float
            first, *channel = wrong.nonzero()[0].tolist()
            sample = int(torch.searchsorted(self.ends, first, right=True))
            place = first - int(self.ends[sample] - self.lengths[sample])
            value = self.values[(first, *channel)]
            what = "NaN" if value.isnan() else "infinity"
            where = f", channel {channel[0]}" if channel else ""
            raise ValueError(
                f"X[{sample}] contains {what} at place {place}{where}; replace or "
                "remove what is not a finite number."
            )


def ends_of(arrays):
    """Where each array ends when they are put one after another."""
    return torch.tensor([len(array) for array in arrays], dtype=torch.int64).cumsum(0)


def common_dtype(arrays):
    """The smallest type of torch that can represent the numbers of all arrays."""
    dtypes = {array.dtype for array in arrays}
    dtype = np.result_type(*dtypes, np.int8)  # torch knows few unsigned integers
    if dtype.kind == "f" and dtype not in (np.float32, np.float64):
        dtype = np.dtype(np.float32 if dtype == np.float16 else np.float64)
    return dtype
