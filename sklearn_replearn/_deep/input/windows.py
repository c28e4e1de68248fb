"""Windows of a stream of tokens: documents one after another, a boundary before each.

Documents longer than a window are read in windows that overlap, and each of their
tokens is counted in one of them.
"""

from typing import NamedTuple

import torch

from sklearn_replearn._deep.input.ragged import RaggedSamples, bucket_length


class Window(NamedTuple):
    """Windows padded to one length; all tensors have shape (n_windows, length).

    Attributes
    ----------
    ids : tensor of int64
        Of the tokens. 0 in the padding.
    targets : tensor of int64
        The token after each of them in the stream.
    mask : tensor of bool
        Whether there is a token rather than padding.
    counted : tensor of bool
        Whether no window before has this place of the stream.
    """

    ids: torch.Tensor
    targets: torch.Tensor
    mask: torch.Tensor
    counted: torch.Tensor


class Windows(RaggedSamples):
    """Windows of a stream of tokens.

    Parameters
    ----------
    stream : tensor of int32, of shape (n_stream,)
    starts, ends : tensors of int64, of shape (n_windows,)
        Where each window starts and ends in the stream, before its last token.
    n_seen : tensor of int64, of shape (n_windows,)
        How many places of each are in a window before.
    """

    unit = "tokens"

    def __init__(self, stream, starts, ends, n_seen):
        self.values = stream
        self.starts = starts
        self.ends = ends
        self.lengths = ends - starts
        self.n_seen = n_seen
        self.n_units = max(1, int(self.lengths.sum()) // max(1, len(ends)))

    @classmethod
    def of_stream(cls, stream, size):
        """Windows of a size, one after another, whatever documents they are in."""
        starts = torch.arange(0, len(stream) - 1, size)
        ends = (starts + size).clamp_max(len(stream) - 1)
        return cls(stream, starts, ends, torch.zeros_like(starts))

    @classmethod
    def of_documents(cls, stream, bounds, size):
        """Windows of one document each; a window repeats the second half of the last.

        Parameters
        ----------
        stream : tensor of int32, of shape (n_stream,)
        bounds : tensor of int64, of shape (n_documents + 1,)
            Where the documents start in the stream, and its last place.
        size : int
            Maximum number of places of a window.

        Returns
        -------
        windows : Windows
            Those of a document one after another.
        first : tensor of int64, of shape (n_documents,)
            Number of the first window of each document.
        """
        lengths = bounds.diff()
        step = max(1, size // 2)
        n_more = (lengths - size).clamp_min(0)
        n_windows = 1 + (n_more + step - 1) // step
        first = n_windows.cumsum(0) - n_windows
        number = torch.arange(int(n_windows.sum())) - first.repeat_interleave(n_windows)
        starts = bounds[:-1].repeat_interleave(n_windows) + number * step
        ends = torch.minimum(starts + size, bounds[1:].repeat_interleave(n_windows))
        n_seen = (size - step) * (number > 0)
        return cls(stream, starts, ends, n_seen), first

    def take(self, index):
        """Gather windows, padded to the bucket of the longest.

        Returns
        -------
        window : Window
        """
        index = index.to(self.ends.device)
        longest = int(self.lengths[index].max()) if len(index) else 0
        device = self.values.device
        position = torch.arange(bucket_length(longest), device=device)
        starts, lengths, n_seen = (
            numbers[index].to(device)[:, None]
            for numbers in (self.starts, self.lengths, self.n_seen)
        )
        mask = position < lengths
        places = (starts + position).masked_fill_(~mask, 0)
        ids, targets = (
            self.values[places + shift].long().masked_fill_(~mask, 0)
            for shift in (0, 1)
        )
        return Window(ids, targets, mask, mask & (position >= n_seen))

    def places(self, index, chosen):
        """Places in the stream of what a mask chooses in some windows, in its order."""
        position = torch.arange(chosen.shape[1])
        return (self.starts[index, None] + position)[chosen.cpu()]

    def on(self, stream):
        """The same windows of another stream."""
        return Windows(stream, self.starts, self.ends, self.n_seen)

    def some(self, n):
        if len(self) <= n:
            return self
        index = torch.arange(n) * len(self) // n
        parts = (self.starts[index], self.ends[index], self.n_seen[index])
        return Windows(self.values, *parts)

    def to(self, device):
        return self.on(self.values.to(device))

    def check_finite(self):
        """Integers are always finite."""
