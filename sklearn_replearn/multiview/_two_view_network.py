"""The networks of two views, which place both in one space."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from sklearn_replearn._deep.networks.embedding import EmbeddingNetwork
from sklearn_replearn._deep.networks.network import Network, build_layers, mlp
from sklearn_replearn._deep.networks.word_vectors import by_rarity, combine_words


class TwoViewNetwork(EmbeddingNetwork):
    """Rows of the first view to embeddings, and a network of the second view.

    Parameters
    ----------
    encoder, shape, standardize
        Of the first view, as in `EmbeddingNetwork`.
    second : dict
        Description of the network of the second view, under the key "layers".
    """

    def __init__(self, *, encoder, shape, standardize, second):
        super().__init__(
            encoder=encoder, shape=shape, normalize=True, standardize=standardize
        )
        self.second = build_layers(second)

    def lay_out(self):
        super().lay_out()
        self.second.lay_out()

    def arrange(self, inputs):
        """Rows of the first view, or a pair of both views."""
        if type(inputs) is not tuple:
            return super().arrange(inputs)
        first, second = inputs
        return super().arrange(first), self.second.arrange(second)

    def forward(self, views):
        """Unit vectors of both views."""
        first, second = views
        return self.encode(first), self.second.encode(second)


class WordsNetwork(Network):
    """Texts to embeddings: means of vectors of words, and layers behind them.

    The vector of a word is the sum of a given one, which stays as it is, and of a
    trained one, which begins at zero if there is a given one. Words that only the given
    vectors know come behind those that are trained. A text without a known word has an
    embedding of zeros.

    Parameters
    ----------
    n_words : int
        With trained vectors.
    n_given : int
        With given vectors, the first of which are those of the words above; or 0.
    width : int
        Of the vectors.
    sizes : list of int
        Widths of the layers behind the mean.
    activation : str
    word_dropout : float
        Probability that a word is left out in training.
    """

    #: Words, padding included, that are encoded at a time.
    block_rows = 8192

    def __init__(self, *, n_words, n_given, width, sizes, activation, word_dropout):
        super().__init__()
        self.word_dropout = word_dropout
        self.register_buffer("given", torch.zeros(n_given, width))
        # Not by nn.Embedding, whose first numbers would load a compiler of torch where
        # a pickle is opened. The last row stays for words without a trained vector.
        self.trained = nn.Parameter(torch.zeros(n_words + 1, width))
        self.layers = mlp([width, *sizes], activation)

    def arrange(self, packed):
        return packed

    def encode(self, packed):
        return self.run(lambda _: self.embed(packed), self.origin)

    forward = evaluate = encode

    def embed(self, packed):
        if self.training and self.word_dropout > 0:
            packed = drop_words(packed, self.word_dropout)
        vectors = self.layers(self.mean(packed) / self.spread)
        return functional.normalize(
            vectors.masked_fill(packed.lengths[:, None] == 0, 0.0)
        )

    def mean(self, packed):
        """Mean vector of the words of each text."""
        n_words = len(self.trained) - 1
        trained = packed._replace(ids=packed.ids.clamp_max(n_words))
        sums = combine_words(trained, self.trained, "sum", left_out=n_words)
        if len(self.given):
            sums = sums + combine_words(packed, self.given, "sum")
        return sums / packed.lengths.clamp_min(1)[:, None]


def start_words(network, captions, *, vectors, counts):
    """Start from vectors of words, with means of captions that vary by about 1.

    Parameters
    ----------
    network : WordsNetwork
    captions : PackedTexts
        Those to train with.
    vectors : ndarray of shape (n_given, width), or None
        Given ones; a row of NaN or of zeros is an unknown word.
    counts : ndarray of shape (n_words,)
        Occurrences in the captions of the words that are trained. Those without a given
        vector begin at random.
    """
    counts = torch.from_numpy(counts).double()
    n_words = len(counts)
    with torch.no_grad():
        start = torch.randn(network.trained[:-1].shape).double()
        network.trained[:-1] = by_rarity(start, counts)
        if vectors is not None and np.nan_to_num(vectors).any():
            vectors = torch.from_numpy(vectors).double().nan_to_num(0.0)
            known = vectors.any(1)
            counts = functional.pad(counts, (0, len(vectors) - n_words), value=1.0)
            given = by_rarity(vectors[known], counts[known])
            network.given[known] = given.float()
            network.trained[:-1][known[:n_words]] = 0
        some = captions.take(torch.arange(len(captions))[:: len(captions) // 1024 + 1])
        spread = network.mean(some).square().mean().sqrt()
        network.spread.fill_(float(spread) or 1.0)


def drop_words(packed, share):
    """Texts without some of their words, drawn at random; one at least remains.

    Parameters
    ----------
    packed : Packed
    share : float
        Probability that a word is left out.
    """
    ids, lengths = packed
    owner = torch.arange(len(lengths), device=ids.device).repeat_interleave(lengths)
    chance = torch.rand(len(ids), device=ids.device)
    largest = chance.new_zeros(len(lengths)).scatter_reduce(0, owner, chance, "amax")
    kept = (chance >= share) | (chance == largest[owner])
    return packed._replace(
        ids=ids[kept], lengths=torch.bincount(owner[kept], minlength=len(lengths))
    )
