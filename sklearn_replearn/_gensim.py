"""The only door to gensim."""

from contextlib import closing

import numpy as np
from gensim.models import KeyedVectors, Word2Vec
from gensim.models.word2vec import MAX_WORDS_IN_BATCH

from sklearn_replearn._progress import progress_bar
from sklearn_replearn._threads import map_in_threads
from sklearn_replearn._warnings import warn

__all__ = ["keyed_vectors", "train_word2vec"]

#: What the learning rate falls to, as in word2vec.
LAST_LR = 1e-4


def keyed_vectors(words, vectors):
    """Word vectors as gensim's ``KeyedVectors``, row i of `vectors` for word i."""
    keyed = KeyedVectors(vectors.shape[1], dtype=vectors.dtype)
    keyed.add_vectors(list(words), vectors)
    return keyed


def train_word2vec(
    sequences,
    counts,
    *,
    n_components,
    window,
    architecture,
    negative,
    hierarchical_softmax,
    subsample,
    max_epochs,
    lr,
    n_jobs,
    seed,
    verbose,
    unit="words",
):
    """Vectors of the words of sequences, trained by gensim's ``Word2Vec``.

    The batches, and their learning rates, are those of gensim's ``train`` with
    `total_words`, which is not called: its threads run on after Ctrl-C, and wait
    forever after an error in `sequences`. gensim drops what a batch has beyond 10,000
    words, so that longer sequences are cut into pieces.

    Parameters
    ----------
    sequences : iterable of ndarray of int
        Each a sequence of rows of `counts`. Read once in each epoch.
    counts : ndarray of shape (n_words,)
        Occurrences of each word in one reading: at least two words, none of them 0.
    n_components, window : int
    architecture : {"skipgram", "cbow"}
    negative : int
        Noise words a pair; may be 0 with `hierarchical_softmax`.
    hierarchical_softmax : bool
    subsample : float
        In [0, 1); 0 keeps all words.
    max_epochs : int
    lr : float
        At most 1; gensim reads beyond its tables where its numbers overflow.
    n_jobs : int
        Threads. With more than one no result can be repeated.
    seed : int
    verbose : int
        Whether to show a progress bar.
    unit : str
        What the progress bar calls the words.

    Returns
    -------
    word_vectors : ndarray of shape (n_words, n_components), float32
    context_vectors : ndarray of shape (n_words, n_components), float32, or None
        The output vectors of negative sampling, ``None`` without it.
    """
    model = Word2Vec(
        vector_size=n_components,
        window=window,
        sg=architecture == "skipgram",
        negative=negative,
        hs=hierarchical_softmax,
        sample=subsample,
        min_count=1,
        sorted_vocab=False,
        seed=seed,
    )
    model.build_vocab_from_freq(dict(enumerate(counts.tolist())))

    def train(job):
        batch, rate, epoch = job
        model._do_train_job(batch, rate, model._get_thread_working_mem())
        return _n_words(batch), f"epoch {epoch}/{max_epochs}"

    n_words = int(counts.sum())
    jobs = _jobs(sequences, n_words, max_epochs, lr)
    with (
        progress_bar(
            verbose, max_epochs * n_words, unit, f"epoch 1/{max_epochs}"
        ) as advance,
        closing(map_in_threads(train, jobs, n_jobs)) as results,
    ):
        for n_trained, description in results:
            advance(n_trained, description)

    outputs = [getattr(model, name, None) for name in ("syn1neg", "syn1")]
    outputs = [output for output in outputs if output is not None]
    if not any(output.any() for output in outputs):  # they start at zero
        warn(
            f"subsample={subsample} left no two words together, so that nothing was "
            "trained, and the word vectors are random; raise it, or switch it off "
            "with subsample=0.",
        )
    if not all(np.isfinite(array).all() for array in (model.wv.vectors, *outputs)):
        raise ValueError(
            f"Training with lr={lr} went to infinity or NaN; lower lr, to 0.025 say."
        )
    return model.wv.vectors, model.syn1neg if negative else None


def _jobs(sequences, n_words, max_epochs, lr):
    """Batches with their learning rate and the number of their epoch, from 1."""
    last = min(lr, LAST_LR)
    for epoch in range(max_epochs):
        n_read = 0
        for batch in _batches(sequences):
            progress = (epoch + n_read / n_words) / max_epochs
            yield batch, max(last, lr - (lr - last) * progress), epoch + 1
            n_read += _n_words(batch)


def _batches(sequences):
    """Lists of sequences, at most as many words together as gensim trains at a time."""
    batch, size = [], 0
    for sequence in sequences:
        for start in range(0, len(sequence), MAX_WORDS_IN_BATCH):
            piece = sequence[start : start + MAX_WORDS_IN_BATCH].tolist()
            if size + len(piece) > MAX_WORDS_IN_BATCH:
                yield batch
                batch, size = [], 0
            batch.append(piece)
            size += len(piece)
    if batch:
        yield batch


def _n_words(batch):
    return sum(map(len, batch))
