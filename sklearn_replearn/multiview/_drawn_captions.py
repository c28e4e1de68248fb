"""Items with several captions, of which one is drawn each time."""

import torch

from sklearn_replearn._deep.input.samples import Samples


class DrawnCaptions(Samples):
    """Items, each with the captions of which one is gathered at random.

    Parameters
    ----------
    captions : Samples
        Of all items, one after another.
    counts : tensor of int64, of shape (n_items,)
        How many each item has.
    """

    unit = "items"

    def __init__(self, captions, counts):
        self.captions = captions
        self.counts = counts
        self.first = counts.cumsum(0) - counts

    @property
    def rows(self):
        return self.captions

    def __len__(self):
        return len(self.counts)

    def take(self, index):
        index = index.to(self.counts.device)
        counts = self.counts[index]
        drawn = (torch.rand(len(index)) * counts).long().minimum(counts - 1)
        return self.captions.take(self.first[index] + drawn)

    def blocks(self, size):
        raise TypeError("Captions are encoded one by one; pass `captions`.")

    def some(self, n_samples):
        raise TypeError("Captions are encoded one by one; pass `captions`.")

    def to(self, device):
        return DrawnCaptions(self.captions.to(device), self.counts)

    def check_finite(self):
        self.captions.check_finite()
