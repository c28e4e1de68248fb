"""Word vectors by factorising pointwise mutual information."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._components import available_components
from sklearn_replearn._cooccurrence import (
    count_pairs,
    factorize,
    keep_probabilities,
    mirror,
    pointwise_mutual_information,
    window_weights,
)
from sklearn_replearn._linalg import numerical_rank
from sklearn_replearn._sklearn import Interval, StrOptions
from sklearn_replearn._warnings import warn
from sklearn_replearn.text._word_embedding import (
    NO_NEIGHBOURS,
    BaseWordEmbedding,
    LearnedWords,
)


class PMIEmbedding(BaseWordEmbedding):
    r"""Word vectors from a truncated SVD of pointwise mutual information.

    Words that occur near the same words get similar vectors. With :math:`\#(w, c)` the
    weighted number of times that word c occurs at most `window` words from word w, and
    :math:`\#(w)` its sum over c, the matrix

    .. math::

       M_{wc} = \max\Big(0,\; \log \frac{\#(w, c)}{\#(w)\, P_\alpha(c)}
       - \log k\Big), \qquad P_\alpha(c) =
       \frac{\#(c)^\alpha}{\sum_{c'} \#(c')^\alpha}

    is factorised as :math:`M \approx U S V^{\mathsf T}`, and word w has the vector
    :math:`U_w S^p`. Skip-gram with negative sampling factorises the same matrix
    implicitly [2]_. The names of Levy, Goldberg and Dagan [1]_ for the knobs are in
    brackets below. A document is a pooling of the vectors of its words.

    Parameters
    ----------
    n_components : int, default=100
        Number of dimensions. More than the size of the vocabulary, or the rank of M,
        are cut to it, with a warning.
    window : int, default=5
        Largest distance of two words that are counted as neighbours [win]. Windows
        stop at the ends of documents. Words outside the vocabulary are taken out
        first, so a window reaches across them.
    window_weighting : {"uniform", "linear", "harmonic"}, default="harmonic"
        Weight of a neighbour at distance d [dyn]: 1; ``(window - d + 1) / window``,
        which is word2vec's window of random size in expectation; ``1 / d``, as in
        GloVe.
    smoothing : float, default=0.9
        Exponent :math:`\alpha` of the context counts [cds]. Below 1, rare words have
        less mutual information with everything.
    shift : float, default=1.0
        k, of which the logarithm is subtracted [neg]: skip-gram's number of negative
        samples. More than 1 keeps the strongest pairs only.
    positive : bool, default=True
        Whether negative values are set to 0. With ``False``, pairs that occur keep
        theirs; pairs that never occur are 0 all the same, and so count for more than
        those that occur too seldom. Nearest words are worse for it, as a rule.
    eigenvalue_weight : float, default=0.1
        p, at least 0 [eig]. 1 is the SVD's own scale, 0 gives all dimensions equal
        weight.
    vectors : {"word", "context", "sum", "concat"}, default="word"
        :math:`U S^p`, :math:`V S^p`, their sum [w+c], or both side by side, which
        doubles `n_components_`.
    subsample : float, default=3e-5
        Words whose share f of all tokens is above this threshold t count less: every
        count is multiplied by :math:`\sqrt{t / f}` for each of its words above it, as
        word2vec would drop them at random [sub]. 0 counts all.
    n_iter : int, default=50
        Iterations of the randomised solver, at most; `tol` ends it earlier as a rule.
        Each multiplies a block of 24 columns by M and by its transpose, and at least
        ``n_components / 24`` are made. A small matrix is decomposed exactly, and
        neither these two nor `random_state` act.
    tol : float, default=4e-3
        The solver stops when further iterations would add less than this share to the
        sum of squares that the components capture. With 0 it makes all `n_iter`
        iterations.
    pooling : {"mean", "idf", "sif", "max", "concat", "principal"}, default="mean"
        How the vectors of a document's words make one:

        - "mean": their mean.
        - "idf": their mean, weighted by the inverse document frequency
          :math:`\ln((1 + n) / (1 + \mathrm{df})) + 1` in the training documents.
        - "sif": each times :math:`a / (a + p(w))`, a = 0.001, for the word's share
          p(w) of the training tokens; their mean, less its projection on the first
          singular vector of the training documents [3]_.
        - "max": the largest value in each dimension.
        - "concat": the first `n_words` vectors side by side, zeros where there are
          fewer.
        - "principal": the first `n_principal` right singular vectors of the document's
          word vectors, each times its root mean square, side by side [4]_.
    n_words : int, default=10
        Number of words for "concat".
    n_principal : int, default=2
        Number of components for "principal".
    stop_words : {"english"} or collection of str, default=None
        Words to leave out of documents; "english" is scikit-learn's list.
    tokenizer : callable, default=None
        From a string to its tokens, in place of `token_pattern`. Neither these two nor
        `lowercase` act on documents that are lists of tokens: those stay as they are.
    lowercase : bool, default=True
        Make strings lower-case before they are split.
    token_pattern : str, default=r"(?u)\b\w\w+\b"
        Regular expression of a token, by default two letters or digits or more. With
        one group in it, the group is the token.
    min_count : int, default=5
        Words with fewer occurrences are left out.
    max_vocabulary : int, default=None
        Keep only so many of the most frequent words.
    random_state : int, RandomState instance or None, default=None
        Starting block of the solver.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Row of each word, by decreasing number of occurrences.
    word_counts_ : ndarray of shape (n_vocabulary,)
        Occurrences in the training documents.
    word_vectors_ : ndarray of shape (n_vocabulary, n_components_), float32
        A vector for each word.
    singular_values_ : ndarray of shape (n_components_,)
        Singular values of M.
    cooccurrence_ : csr_array of shape (n_vocabulary, n_vocabulary)
        The symmetric counts :math:`\#(w, c)`, weighted by distance, before
        subsampling; computed anew from one half of them when it is asked for. Its row
        sums are :math:`\#(w)`, the number of neighbours, where `word_counts_` has the
        number of occurrences.
    n_components_ : int
        Length of a word vector.
    word_weights_ : ndarray of shape (n_vocabulary,)
        Weights of the words in the pooling.
    common_component_ : ndarray of shape (n_components_,) or None
        The direction that "sif" removes.

    See Also
    --------
    SkipGramEmbedding : Learns about the same from the same windows, by gradient steps.
    LSA : Counts words by document instead of by window.
    sklearn_replearn.decomposition.SimilarityEmbedding : Factors of any similarity.

    Notes
    -----
    A document without a known word gets a row of zeros.

    Documents are read once, one by one, and kept as numbers of four bytes a token. The
    counts take eight bytes a distinct pair of neighbours; while they are factorised, as
    much again, and some 1,500 bytes a word for 100 dimensions. Time grows linearly with
    the number of tokens.

    References
    ----------
    .. [1] O. Levy, Y. Goldberg and I. Dagan, "Improving distributional similarity with
       lessons learned from word embeddings", TACL 3, 2015.
    .. [2] O. Levy and Y. Goldberg, "Neural word embedding as implicit matrix
       factorization", NeurIPS 2014.
    .. [3] S. Arora, Y. Liang and T. Ma, "A simple but tough-to-beat baseline for
       sentence embeddings", ICLR 2017.
    .. [4] J. Mu, S. Bhat and P. Viswanath, "Representing sentences as low-rank
       subspaces", ACL 2017.

    Examples
    --------
    >>> from sklearn_replearn.text import PMIEmbedding
    >>> documents = [
    ...     "the cat chased the mouse", "the dog chased the cat", "a dog barked",
    ...     "the stock fell", "the bond fell", "a bond and a stock rose",
    ... ]
    >>> pmi = PMIEmbedding(n_components=3, min_count=1).fit(documents)
    >>> pmi.transform(["a cat and a dog", "unheard-of"]).shape
    (2, 3)
    >>> [word for word, _ in pmi.most_similar("stock", topn=1)]
    ['bond']
    >>> pair = pmi.vocabulary_["stock"], pmi.vocabulary_["fell"]
    >>> float(pmi.cooccurrence_[pair])
    1.0
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "window": [Interval(Integral, 1, None, closed="left")],
        "window_weighting": [StrOptions({"uniform", "linear", "harmonic"})],
        "smoothing": [Interval(Real, 0, None, closed="left")],
        "shift": [Interval(Real, 0, None, closed="neither")],
        "positive": ["boolean"],
        "eigenvalue_weight": [Interval(Real, 0, None, closed="left")],
        "vectors": [StrOptions({"word", "context", "sum", "concat"})],
        "subsample": [Interval(Real, 0, None, closed="left")],
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        **BaseWordEmbedding._parameter_constraints,
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components=100,
        *,
        window=5,
        window_weighting="harmonic",
        smoothing=0.9,
        shift=1.0,
        positive=True,
        eigenvalue_weight=0.1,
        vectors="word",
        subsample=3e-5,
        n_iter=50,
        tol=4e-3,
        pooling="mean",
        n_words=10,
        n_principal=2,
        stop_words=None,
        tokenizer=None,
        lowercase=True,
        token_pattern=r"(?u)\b\w\w+\b",
        min_count=5,
        max_vocabulary=None,
        random_state=None,
    ):
        self.n_components = n_components
        self.window = window
        self.window_weighting = window_weighting
        self.smoothing = smoothing
        self.shift = shift
        self.positive = positive
        self.eigenvalue_weight = eigenvalue_weight
        self.vectors = vectors
        self.subsample = subsample
        self.n_iter = n_iter
        self.tol = tol
        self.pooling = pooling
        self.n_words = n_words
        self.n_principal = n_principal
        self.stop_words = stop_words
        self.tokenizer = tokenizer
        self.lowercase = lowercase
        self.token_pattern = token_pattern
        self.min_count = min_count
        self.max_vocabulary = max_vocabulary
        self.random_state = random_state

    @property
    def cooccurrence_(self):
        """Weighted counts of word pairs, symmetric, in CSR format."""
        check_is_fitted(self)
        return mirror(self._pairs)

    def _learn(self, words, tokens):
        words, counts, tokens = self._select_words(words, tokens)
        longest = tokens.lengths.max()
        weights = window_weights(self.window_weighting, self.window, longest)
        pairs = count_pairs([tokens], len(words), weights)
        matrix = pointwise_mutual_information(
            pairs,
            keep_probabilities(counts, self.subsample),
            smoothing=self.smoothing,
            shift=self.shift,
            positive=self.positive,
        )
        U, s, Vt = factorize(
            matrix,
            min(self.n_components, len(words)),
            n_iter=self.n_iter,
            tol=self.tol,
            random_state=self.random_state,
        )
        n_components = self._available_components(s, pairs, len(words))
        s = s[:n_components]
        scale = np.where(s > 0, s, 1) ** self.eigenvalue_weight * (s > 0)
        vectors = _combine(
            U[:, :n_components] * scale, Vt[:n_components].T * scale, self.vectors
        )
        attributes = {"singular_values_": s, "_pairs": pairs}
        return LearnedWords(words, counts, tokens, vectors, attributes)

    def _available_components(self, s, pairs, n_words):
        """How many singular values are not zero, up to rounding, with a warning."""
        rank = numerical_rank(s, n_words, np.finfo(s.dtype).eps)
        if rank == 0:
            warn(
                "All word vectors are zero: "
                + (
                    "no pair of words occurs together more often than by chance, as "
                    "shift and smoothing have it; lower shift, or pass more documents."
                    if pairs.nnz
                    else NO_NEIGHBOURS
                ),
            )
            return len(s)
        if rank == self.n_components:
            return rank
        reason = "size of the vocabulary" if rank == n_words else "rank of the matrix"
        return available_components(self.n_components, rank, reason)


def _combine(word, context, vectors):
    """The vectors of the words, from those as words and those as contexts."""
    if vectors == "sum":
        return word + context
    if vectors == "concat":
        return np.hstack([word, context])
    return np.ascontiguousarray(word if vectors == "word" else context)
