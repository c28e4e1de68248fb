"""The vectors that a language model starts from."""

import torch

from sklearn_replearn._start_vectors import pmi_vectors, vectors_of

#: Standard deviation of the numbers in the vectors.
SPREAD = 0.05


def start_network(network, samples, *, vectors, counts):
    """Start from vectors of words, and from the shares of tokens as predictions.

    Parameters
    ----------
    network : TokenTransformer
    samples : Windows
    vectors : ndarray of shape (n_words, n_components), or None
        NaN where none is known: these, and all with ``None``, are drawn at random.
    counts : tensor of shape (n_words + 2,)
    """
    weight = network.embedding.weight
    start = torch.randn(weight.shape)
    if vectors is not None:
        vectors = torch.from_numpy(vectors).float()
        known = vectors.isfinite()
        vectors = vectors / (vectors[known].std(correction=0).clamp_min(1e-12))
        start[: len(vectors)] = vectors.where(known, start[: len(vectors)])
    counts = counts.clamp_min(1).double()
    network.start_from(SPREAD * start, (counts / counts.sum()).log().float())


def start_vectors(init, stream, counts, words, n_components):
    """Vectors of words by the parameter `init`, or None.

    Parameters
    ----------
    init : "pmi", None or a fitted embedding of words
    stream, counts, n_components
        As `pmi_vectors` takes them.
    words : list of str
    """
    if init is None:
        return None
    if isinstance(init, str) and init == "pmi":
        seed = int(torch.randint(2**31 - 1, ()))
        return pmi_vectors(stream, counts, n_components, seed)
    return vectors_of(init, words, n_components)
