"""Batches of samples of similar lengths."""

import torch

from sklearn_replearn._deep.input.ragged import bucket_length


class LengthBatches:
    """Batches of samples of similar lengths, in random order, each once in a pass.

    Samples of one bucket are shuffled and cut into batches; a batch between two
    buckets is filled with shorter samples.

    Parameters
    ----------
    index : tensor of int64
        Which samples. Batches are on the CPU, where the lengths of samples are.
    lengths : tensor of int64
        Of all samples, also of those not in `index`.
    max_values : int
        Maximum number of tokens or times of a batch, padding included, unless one
        sample alone has more.
    shuffle : bool, default=True
        Whether each pass has another order.
    """

    def __init__(self, index, lengths, max_values, *, shuffle=True):
        self.index = index.cpu()
        self.shuffle = shuffle
        self.buckets = bucket_length(lengths[self.index])
        longest_first = self.buckets.sort(descending=True).values.tolist()
        self.sizes, start = [], 0
        while start < len(index):
            size = max(1, max_values // longest_first[start])
            self.sizes.append(min(size, len(index) - start))
            start += size

    def __len__(self):
        return len(self.sizes)

    def __iter__(self):
        n = len(self.index)
        order = torch.randperm(n) if self.shuffle else torch.arange(n)
        order = order[self.buckets[order].argsort(descending=True, stable=True)]
        batches = self.index[order].split(self.sizes)
        turns = torch.randperm(len(batches)) if self.shuffle else range(len(batches))
        for turn in turns:
            yield batches[turn]
