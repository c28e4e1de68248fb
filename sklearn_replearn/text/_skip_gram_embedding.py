"""Word vectors that predict their neighbours: word2vec."""

from numbers import Integral, Real

import numpy as np

from sklearn_replearn._seeds import as_seed
from sklearn_replearn._sklearn import Interval, StrOptions, _fit_context
from sklearn_replearn._threads import n_racing_threads
from sklearn_replearn._warnings import warn
from sklearn_replearn.text._word_embedding import (
    NO_NEIGHBOURS,
    BaseWordEmbedding,
    LearnedWords,
)


class SkipGramEmbedding(BaseWordEmbedding):
    r"""Word vectors that predict their neighbours (word2vec), by gensim.

    Words that occur near the same words get similar vectors. Each word w has a vector
    :math:`v_w`, and a vector :math:`u_w` for its part as a neighbour. Skip-gram with
    negative sampling [1]_ [2]_ maximises

    .. math::

       \sum_{(w, c)} \Big( \log \sigma(v_w^{\mathsf T} u_c) + \sum_{i=1}^{k}
       \mathbb{E}_{c_i \sim P} \log \sigma(-v_w^{\mathsf T} u_{c_i}) \Big) ,
       \qquad P(c) \propto \#(c)^{0.75} ,

    over the pairs of a word w and a neighbour c in the training documents, with
    :math:`\sigma(x) = 1 / (1 + e^{-x})` and k noise words (`negative`) for each pair,
    by stochastic gradient ascent. A document is a pooling of the vectors of its words.

    Parameters
    ----------
    n_components : int, default=100
        Number of dimensions; the data set no limit.
    window : int, default=5
        Largest distance of two words that are neighbours, at most 10,000. Each time a
        word is read, the reach of its window is drawn from 1, ..., `window`, so that a
        neighbour at distance d counts with the chance ``(window - d + 1) / window``.
        Windows stop at the ends of documents. Words outside the vocabulary are taken
        out first, so a window reaches across them.
    architecture : {"skipgram", "cbow"}, default="skipgram"
        Whether the vector of a word predicts each of its neighbours, or the mean of the
        neighbours' vectors predicts the word ("continuous bag of words"), which takes
        a fraction of the time.
    negative : int, default=5
        Number of noise words for each pair, k. 0 switches negative sampling off, and
        then `hierarchical_softmax` must be on.
    hierarchical_softmax : bool, default=False
        Predict a word by the decisions on the way to it in a binary (Huffman) tree
        [3]_, in place of negative sampling, or in addition to it if `negative` is not
        0.
    subsample : float, default=1e-3
        Threshold t in [0, 1). In each epoch an occurrence of a word with the share f of
        all tokens is kept with the chance :math:`\min(1, \sqrt{t / f} + t / f)`;
        windows reach across those that are dropped. 0 keeps all, and is the choice for
        a few thousand tokens, of which the default would drop most.
    max_epochs : int, default=5
        How many times training reads the documents. Below some 100,000 tokens it takes
        20 or more to come near the optimum.
    lr : float, default=0.025
        Learning rate at the start, in (0, 1]. It falls linearly with the words read, to
        1e-4 at the end of the last epoch; one below that stays as it is.
    pooling : {"mean", "idf", "sif", "max", "concat", "principal"}, default="mean"
        How the vectors of a document's words make one:

        - "mean": their mean.
        - "idf": their mean, weighted by the inverse document frequency
          :math:`\ln((1 + n) / (1 + \mathrm{df})) + 1` in the training documents.
        - "sif": each times :math:`a / (a + p(w))`, a = 0.001, for the word's share
          p(w) of the training tokens; their mean, less its projection on the first
          singular vector of the training documents [5]_.
        - "max": the largest value in each dimension.
        - "concat": the first `n_words` vectors side by side, zeros where there are
          fewer.
        - "principal": the first `n_principal` right singular vectors of the document's
          word vectors, each times its root mean square, side by side [6]_.
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
    n_jobs : int, default=1
        Number of threads; ``None`` means 1, and -1 as many as there are processors.
        Several threads change the vectors without waiting for one another, so that
        their results differ from those of one, and from run to run: `random_state` has
        to be ``None``.
    random_state : int, RandomState instance or None, default=None
        First vectors, windows, noise words and subsampling. With an int, which is
        gensim's ``seed``, the vectors are the same in every process.
    verbose : int, default=0
        Whether to show a progress bar, on stderr.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Row of each word, by decreasing number of occurrences.
    word_counts_ : ndarray of shape (n_vocabulary,)
        Occurrences in the training documents.
    word_vectors_ : ndarray of shape (n_vocabulary, n_components), float32
        :math:`v_w` of each word.
    context_vectors_ : ndarray of shape (n_vocabulary, n_components), float32, or None
        :math:`u_w` of each word; ``None`` without negative sampling.
    n_components_ : int
        Length of a word vector.
    word_weights_ : ndarray of shape (n_vocabulary,)
        Weights of the words in the pooling.
    common_component_ : ndarray of shape (n_components,) or None
        The direction that "sif" removes.

    See Also
    --------
    PMIEmbedding : Factorises the matrix of the notes below, of counts.
    PretrainedEmbedding : Pools vectors that were trained elsewhere.

    Notes
    -----
    A document without a known word gets a row of zeros.

    With enough dimensions, and enough epochs without subsampling, skip-gram with
    negative sampling comes to [4]_

    .. math:: v_w^{\mathsf T} u_c = \log \frac{\#(w, c)}{\#(w)\, P(c)} - \log k ,

    the pointwise mutual information of w and c, with smoothed context counts, less log
    k. The pairs are counted as :class:`PMIEmbedding` does with
    ``window_weighting="linear"``.

    Documents are read once, one by one, and kept as numbers of four bytes a token.
    gensim trains on at most 10,000 words at a time: longer documents are cut into
    pieces of that length, where windows stop as they do at the ends of documents. No
    word is left out.

    References
    ----------
    .. [1] T. Mikolov, K. Chen, G. Corrado and J. Dean, "Efficient estimation of word
       representations in vector space", ICLR workshop 2013.
    .. [2] T. Mikolov, I. Sutskever, K. Chen, G. Corrado and J. Dean, "Distributed
       representations of words and phrases and their compositionality", NeurIPS 2013.
    .. [3] F. Morin and Y. Bengio, "Hierarchical probabilistic neural network language
       model", AISTATS 2005.
    .. [4] O. Levy and Y. Goldberg, "Neural word embedding as implicit matrix
       factorization", NeurIPS 2014.
    .. [5] S. Arora, Y. Liang and T. Ma, "A simple but tough-to-beat baseline for
       sentence embeddings", ICLR 2017.
    .. [6] J. Mu, S. Bhat and P. Viswanath, "Representing sentences as low-rank
       subspaces", ACL 2017.

    Examples
    --------
    >>> from sklearn_replearn.text import SkipGramEmbedding
    >>> documents = [
    ...     "cats and dogs are pets", "dogs chase cats", "pets need care",
    ...     "cats purr", "stocks and bonds fell", "bonds are safe", "stocks rose",
    ...     "banks sell bonds",
    ... ]
    >>> skip_gram = SkipGramEmbedding(
    ...     n_components=20, min_count=1, max_epochs=500, subsample=0, random_state=0
    ... ).fit(documents)
    >>> skip_gram.transform(["dogs and cats", "unheard-of"]).shape
    (2, 20)
    >>> [word for word, _ in skip_gram.most_similar("cats", topn=2)]
    ['dogs', 'chase']
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "window": [Interval(Integral, 1, 10_000, closed="both")],
        "architecture": [StrOptions({"skipgram", "cbow"})],
        "negative": [Interval(Integral, 0, None, closed="left")],
        "hierarchical_softmax": ["boolean"],
        "subsample": [Interval(Real, 0, 1, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, 1, closed="right")],
        **BaseWordEmbedding._parameter_constraints,
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_components=100,
        *,
        window=5,
        architecture="skipgram",
        negative=5,
        hierarchical_softmax=False,
        subsample=1e-3,
        max_epochs=5,
        lr=0.025,
        pooling="mean",
        n_words=10,
        n_principal=2,
        stop_words=None,
        tokenizer=None,
        lowercase=True,
        token_pattern=r"(?u)\b\w\w+\b",
        min_count=5,
        max_vocabulary=None,
        n_jobs=1,
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.window = window
        self.architecture = architecture
        self.negative = negative
        self.hierarchical_softmax = hierarchical_softmax
        self.subsample = subsample
        self.max_epochs = max_epochs
        self.lr = lr
        self.pooling = pooling
        self.n_words = n_words
        self.n_principal = n_principal
        self.stop_words = stop_words
        self.tokenizer = tokenizer
        self.lowercase = lowercase
        self.token_pattern = token_pattern
        self.min_count = min_count
        self.max_vocabulary = max_vocabulary
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def _fit(self, X):
        """Refuse what cannot be trained before the documents are read."""
        if self.negative == 0 and not self.hierarchical_softmax:
            raise ValueError(
                "negative=0 with hierarchical_softmax=False leaves nothing to train; "
                "change either."
            )
        n_racing_threads(self.n_jobs, self.random_state)  # may refuse
        return super()._fit(X)

    def _learn(self, words, tokens):
        words, counts, tokens = self._select_words(words, tokens)
        if len(words) == 1 or tokens.lengths.max() == 1:
            warn(
                "All word vectors are zero: "
                + (
                    f"the vocabulary has the one word {words[0]!r}; lower min_count, "
                    "or pass more documents."
                    if len(words) == 1
                    else NO_NEIGHBOURS
                ),
            )
            zeros = np.zeros((len(words), self.n_components), dtype=np.float32)
            context = zeros.copy() if self.negative else None
            attributes = {"context_vectors_": context}
            return LearnedWords(words, counts, tokens, zeros, attributes)
        from sklearn_replearn._gensim import train_word2vec

        word_vectors, context_vectors = train_word2vec(
            _Documents(tokens),
            counts,
            n_components=self.n_components,
            window=self.window,
            architecture=self.architecture,
            negative=self.negative,
            hierarchical_softmax=self.hierarchical_softmax,
            subsample=self.subsample,
            max_epochs=self.max_epochs,
            lr=self.lr,
            n_jobs=n_racing_threads(self.n_jobs, self.random_state),
            seed=as_seed(self.random_state),
            verbose=self.verbose,
        )
        attributes = {"context_vectors_": context_vectors}
        return LearnedWords(words, counts, tokens, word_vectors, attributes)


class _Documents:
    """The token ids of one document after another, as often as they are asked for."""

    def __init__(self, tokens):
        self.tokens = tokens

    def __iter__(self):
        start = 0
        for end in self.tokens.ends:
            yield self.tokens.ids[start:end]
            start = end
