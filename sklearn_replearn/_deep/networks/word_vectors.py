"""Vectors of words: their lengths at the start, and their means in texts."""

from torch.nn import functional

#: Standard deviation of the numbers in the vectors.
SPREAD = 0.3


def by_rarity(vectors, counts):
    """Vectors with lengths by how rare the words are, and a mean token of zero.

    The mean of a text is then near to those of its rare words.

    Parameters
    ----------
    vectors : tensor of shape (n_words, n_components)
    counts : tensor of shape (n_words,)
        Occurrences of the words.

    Returns
    -------
    vectors : tensor of shape (n_words, n_components)
        With a standard deviation of `SPREAD`.
    """
    shares = (counts / counts.sum())[:, None]
    vectors = functional.normalize(vectors) * (1 - shares.log())
    vectors = vectors - (shares * vectors).sum(0)
    return SPREAD * vectors / vectors.std(correction=0).clamp_min(1e-12)


def combine_words(packed, vectors, mode, left_out=None):
    """Mean or sum of the vectors of the words of each text; 0 of an empty one.

    Parameters
    ----------
    packed : Packed
    vectors : tensor of shape (n_words, n_components)
    mode : {"mean", "sum"}
    left_out : int, default=None
        Id of a word that does not count.

    Returns
    -------
    combined : tensor of shape (n_texts, n_components)
    """
    starts = packed.lengths.cumsum(0) - packed.lengths
    return functional.embedding_bag(
        packed.ids, vectors, starts, mode=mode, padding_idx=left_out
    )
