"""Which places of samples are hidden from a network, and what stands there instead.

Random numbers are drawn from torch's default generator on the CPU, so that they are
the same on all devices.
"""

import torch
from torch.nn import functional

from sklearn_replearn._deep.objectives.objective import Batch, Objective, as_terms


class Masked(Objective):
    """Tokens at masked places, predicted from the other ones.

    Parameters
    ----------
    loss : callable
        Of the network, its outputs for the masked places, of shape (n_masked,
        n_components), and the tokens that stand there. It gives their mean loss, or a
        dict of named terms.
    mask_id, vocabulary_size : int
        As `bert_corruption` takes them.
    share : float, default=0.15
        Share of the places of each sample that is masked.
    """

    draws = True

    def __init__(self, loss, mask_id, vocabulary_size, share=0.15):
        super().__init__()
        self.loss = loss
        self.mask_id = mask_id
        self.vocabulary_size = vocabulary_size
        self.share = share

    def prepare(self, inputs, targets):
        ids, mask = inputs
        chosen = draw_mask(mask, self.share)
        corrupted = bert_corruption(ids, chosen, self.mask_id, self.vocabulary_size)
        inputs = inputs._replace(values=corrupted)
        return Batch(inputs, (chosen, ids[chosen]), chosen.sum())

    def forward(self, network, batch):
        chosen, tokens = batch.targets
        return as_terms(self.loss(network, network(batch.inputs)[chosen], tokens))


def draw_mask(places, share):
    """Draw a share of the places of each sample.

    Parameters
    ----------
    places : tensor of bool, of shape (n_samples, length)
        Which places may be drawn.
    share : float
        Share of the places of each sample, rounded to a whole number of places, but
        at least one unless the sample is empty.

    Returns
    -------
    chosen : tensor of bool, of shape (n_samples, length)
    """
    counts = (share * places.sum(1)).round().clamp_min(1)
    return _draw(places, counts)


def draw_spans(places, share, length):
    """Draw spans of places, which may overlap, as wav2vec 2.0 does.

    The first places of the spans are different, and all spans are within the sample.

    Parameters
    ----------
    places : tensor of bool, of shape (n_samples, length)
        Where the samples have values: from the first place up to the end of each.
    share : float
        Share of the places that the spans would cover if none overlapped: 0.65 covers
        about half of a long sample. Each sample has at least one span unless it is
        empty.
    length : int
        Places of a span. Samples that are not longer have a span of all places but
        one.

    Returns
    -------
    chosen : tensor of bool, of shape (n_samples, length)

    References
    ----------
    Baevski, A., Zhou, H., Mohamed, A., & Auli, M. (2020). wav2vec 2.0: A framework for
    self-supervised learning of speech representations. NeurIPS.
    """
    lengths = places.sum(1)
    spans = (lengths - 1).clamp(1, length)
    counts = (share * lengths / spans).round().clamp_min(1)
    position = torch.arange(places.shape[1], device=places.device)
    fits = places & (position <= (lengths - spans)[:, None])
    starts = functional.pad(_draw(fits, counts).long().cumsum(1), (1, 0))
    before = starts.gather(1, (position + 1 - spans[:, None]).clamp_min(0))
    return (starts[:, 1:] > before) & places


def _draw(places, counts):
    """So many places of each sample, or all that it has."""
    chance = torch.rand(places.shape).to(places.device)
    ranks = chance.masked_fill(~places, 2.0).argsort(1).argsort(1)
    return (ranks < counts[:, None]) & places


def bert_corruption(ids, chosen, mask_id, vocabulary_size):
    """Replace most of the chosen tokens, as BERT does.

    Of the chosen tokens, 80 % become the mask, 10 % a random word, and 10 % are kept.

    Parameters
    ----------
    ids : tensor of int64
    chosen : tensor of bool, of the same shape
    mask_id : int
    vocabulary_size : int
        Random words are drawn from the ids below it.

    Returns
    -------
    corrupted : tensor of int64

    References
    ----------
    Devlin, J., Chang, M.-W., Lee, K., & Toutanova, K. (2019). BERT: Pre-training of
    deep bidirectional transformers for language understanding. NAACL.
    """
    chance = torch.rand(ids.shape).to(ids.device)
    words = torch.randint(vocabulary_size, ids.shape).to(ids.device)
    corrupted = ids.masked_fill(chosen & (chance < 0.8), mask_id)
    return corrupted.where(~chosen | (chance < 0.9), words)
