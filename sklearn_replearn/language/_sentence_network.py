"""The network that makes vectors of sentences, and the heads that answer about them."""

from math import factorial, log

import torch
from torch import nn
from torch.nn import functional

from sklearn_replearn._deep.input.ragged import bucket_length
from sklearn_replearn._deep.input.samples import N_SOME_ROWS
from sklearn_replearn._deep.networks.network import Network, mlp
from sklearn_replearn._deep.networks.transformer import TransformerLayer, rotations
from sklearn_replearn._deep.networks.word_vectors import by_rarity, combine_words

#: Reciprocal of the temperature that the cosines of neighbors start with.
START_SCALE = 10.0


class SentenceNetwork(Network):
    """Sentences to vectors: means of words, or of the states of a transformer.

    Behind the mean, divided by its `spread` at the start, are layers whose output is
    added to it. A sentence without a known word has a vector of zeros.

    Parameters
    ----------
    n_words : int
    n_components : int
        Of the vectors of words, of states and of sentences.
    n_layers, n_heads : int
        Of the transformer; without layers, the vectors of words are averaged.
    context : int
        Maximum number of words that pay attention to each other: longer sentences are
        cut into windows of about the same length.
    dropout : float
        Of the transformer, and of the mean.
    hidden_sizes : list of int
        Widths of the hidden layers behind the mean.
    activation : str
    task : str
    n_parts : int
        Sentences of a question.
    head_sizes : list of int
        Widths of the hidden layers of the head.
    n_classes : int or None
        Of answers about emoji.
    """

    #: Words, padding included, that are encoded at a time.
    block_rows = 8192

    def __init__(
        self,
        *,
        n_words,
        n_components,
        n_layers,
        n_heads,
        context,
        dropout,
        hidden_sizes,
        activation,
        task,
        n_parts,
        head_sizes,
        n_classes,
    ):
        super().__init__()
        self.context = context
        # Vectors are drawn by `start_from`; drawing them here would load a compiler
        # of torch where a pickle is opened.
        vectors = torch.empty(n_words, n_components)
        self.embedding = nn.Embedding.from_pretrained(vectors, freeze=False)
        self.layers = nn.ModuleList(
            TransformerLayer(n_components, n_heads, dropout) for _ in range(n_layers)
        )
        self.dropout = nn.Dropout(dropout)
        self.mlp = mlp([n_components, *hidden_sizes, n_components], activation)
        self.head = make_head(
            task, n_components, n_parts, head_sizes, n_classes, activation
        )

    def start_from(self, vectors):
        """Start from vectors of words."""
        with torch.no_grad():
            self.embedding.weight.copy_(vectors)

    def arrange(self, packed):
        return packed

    def forward(self, packed):
        """Vectors of sentences, of shape (n_sentences, n_components)."""
        return self.run(lambda _: self.vectors(packed), self.origin)

    def encode(self, packed):
        return self(packed)

    def vectors(self, packed):
        means = self.dropout(self.standardized(self.mean(packed)))
        vectors = means + self.mlp(means)
        return vectors.masked_fill(packed.lengths[:, None] == 0, 0.0)

    def mean(self, packed):
        """Mean of the words of each sentence, or of their states."""
        mean = self.mean_of_states if len(self.layers) else self.mean_of_words
        return mean(packed)

    def mean_of_words(self, packed):
        """Mean vector of the words of each sentence; 0 of a sentence without any."""
        return combine_words(packed, self.embedding.weight, "mean")

    def mean_of_states(self, packed):
        """Mean state of the words of each sentence."""
        ids, lengths = packed
        of_windows, owner = cut(lengths, self.context)
        starts = of_windows.cumsum(0) - of_windows
        buckets = bucket_length(of_windows.cpu())
        sums = self.origin.new_zeros(len(lengths), self.embedding.embedding_dim)
        for bucket in buckets.unique().tolist():
            chosen = (buckets == bucket).nonzero().flatten().to(ids.device)
            position = torch.arange(bucket, device=ids.device)
            mask = position < of_windows[chosen, None]
            places = (starts[chosen, None] + position).masked_fill(~mask, 0)
            states = self.states(ids[places], mask).masked_fill(~mask[:, :, None], 0.0)
            sums = sums.index_add(0, owner[chosen], states.sum(1).to(sums.dtype))
        return sums / lengths.clamp_min(1)[:, None]

    def states(self, ids, mask):
        """States of the words of windows, where there are words."""
        x = self.dropout(self.embedding(ids))
        seen = mask[:, None, :, None] == mask[:, None, None]  # padding sees padding
        turns = rotations(mask.shape[1], self.layers[0].n_rotated, x)
        for layer in self.layers:
            x = layer(x, seen, turns)
        return x


def cut(lengths, size):
    """Windows of sentences, one after another: few ones, of about the same length.

    Parameters
    ----------
    lengths : tensor of int64, of shape (n_sentences,)
    size : int
        Maximum length of a window.

    Returns
    -------
    lengths_of_windows, owner : tensors of int64, of shape (n_windows,)
        And the number of the sentence of each window. Empty sentences have none.
    """
    n_windows = (lengths + size - 1) // size
    owner = torch.arange(len(lengths), device=lengths.device)
    owner = owner.repeat_interleave(n_windows)
    first = n_windows.cumsum(0) - n_windows
    number = torch.arange(len(owner), device=lengths.device) - first[owner]
    whole, rest = lengths // n_windows.clamp_min(1), lengths % n_windows.clamp_min(1)
    return whole[owner] + (number < rest[owner]), owner


def make_head(task, n_components, n_parts, sizes, n_classes, activation):
    """What answers the questions of a task."""
    if task == "neighbor":
        return NeighborHead([n_components, *sizes], activation)
    if task in ("next", "order"):
        return PairHead([4 * n_components, *sizes, 1], activation)
    if task == "permutation":
        n_classes = factorial(n_parts)
    return ClassHead([n_parts * n_components, *sizes, n_classes], activation)


class NeighborHead(nn.Module):
    """How well a second sentence fits behind a first: the cosine of what layers make.

    Both have layers of their own; without any, the vectors are compared as they are.
    """

    def __init__(self, sizes, activation):
        super().__init__()
        self.first, self.second = mlp(sizes, activation), mlp(sizes, activation)
        self.log_scale = nn.Parameter(torch.tensor(log(START_SCALE)))

    def units(self, u, v):
        """Vectors of length 1 of first and of second sentences."""
        return functional.normalize(self.first(u)), functional.normalize(self.second(v))

    def forward(self, u, v):
        """Cosines of pairs, of shape (n_pairs,)."""
        u, v = self.units(u, v)
        return (u * v).sum(1)

    def of_all(self, u, v):
        """Logits of each first sentence with each second one."""
        u, v = self.units(u, v)
        return self.log_scale.exp() * u @ v.T


class PairHead(nn.Module):
    """The log odds that two sentences are as they were, by (u, v, |u - v|, u * v)."""

    def __init__(self, sizes, activation):
        super().__init__()
        self.layers = mlp(sizes, activation)

    def forward(self, u, v):
        return self.layers(torch.cat([u, v, (u - v).abs(), u * v], 1)).squeeze(1)


class ClassHead(nn.Module):
    """The logits of classes, by the vectors of all sentences of a question."""

    def __init__(self, sizes, activation):
        super().__init__()
        self.layers = mlp(sizes, activation)

    def forward(self, z):
        return self.layers(z.flatten(1))


def start_sentences(network, samples, *, vectors, counts):
    """Start from vectors of words, with means of sentences that vary by about 1.

    Parameters
    ----------
    network : SentenceNetwork
    samples : Sentences
    vectors : ndarray of shape (n_words, n_components), or None
        NaN where none is known: these, and all with ``None``, are drawn at random.
    counts : ndarray of shape (n_words,)
    """
    start = torch.randn(network.embedding.weight.shape).double()
    if vectors is not None:
        vectors = torch.from_numpy(vectors)
        known = vectors.isfinite()
        deviation = vectors[known].std(correction=0).clamp_min(1e-12)
        start = (vectors / deviation).where(known, start)
    network.start_from(by_rarity(start, torch.from_numpy(counts)))
    filled = (samples.lengths > 0).nonzero().flatten()
    some = samples.take(filled[:: max(1, len(filled) // N_SOME_ROWS)])
    mode = network.training
    network.eval()
    with torch.no_grad():
        means = network.mean(some)
    network.train(mode)
    network.spread.fill_(float(means.square().mean().sqrt()) or 1.0)
