"""Sentences as samples, and the runs of them that questions are about."""

import numpy as np
import torch

from sklearn_replearn._deep.input.ragged import PackedTexts
from sklearn_replearn._deep.input.samples import Samples
from sklearn_replearn._deep.training.splits import both_parts, whole_groups


class Sentences(PackedTexts):
    """Sentences as the numbers of their known words."""

    unit = "sentences"


class Runs(Samples):
    """Sentences that follow each other in a document.

    Parameters
    ----------
    sentences : Sentences
    first : tensor of int64, of shape (n_runs,)
        Number of the first sentence of each run.
    size : int
        How many sentences a run has.
    documents : ndarray of int, of shape (n_sentences,)
        Number of the document that each sentence is from.
    """

    unit = "sentences"

    def __init__(self, sentences, first, size, documents):
        self.sentences = sentences
        self.first = first
        self.size = self.n_units = size
        self.documents = documents

    @property
    def rows(self):
        return self.sentences

    def __len__(self):
        return len(self.first)

    def members(self):
        """Numbers of the sentences of all runs, of shape (n_runs, size)."""
        return self.first[:, None] + torch.arange(self.size)

    def take(self, index):
        """Sentences of some runs, one run after another."""
        return self.sentences.take(self.members()[index.cpu()].flatten())

    def blocks(self, size):
        raise TypeError("Runs are encoded sentence by sentence; pass `rows`.")

    def some(self, n_samples):
        first = self.first[:: max(1, len(self) // n_samples)][:n_samples]
        return Runs(self.sentences, first, self.size, self.documents)

    def to(self, device):
        sentences = self.sentences.to(device)
        return Runs(sentences, self.first, self.size, self.documents)

    def check_finite(self):
        """Integers are always finite."""


def make_runs(sentences, documents, size):
    """Runs of sentences of one document, all of which have a known word.

    Parameters
    ----------
    sentences : Sentences
    documents : ndarray of int, of shape (n_sentences,)
        Number of the document that each sentence is from.
    size : int

    Returns
    -------
    runs : Runs
        From each sentence on, as far as the document goes. In random order, by a fixed
        seed: batches to validate with, which are not shuffled, are then of many
        documents, as those of the training are.
    """
    n_known = np.append(0, (sentences.lengths > 0).numpy().cumsum())
    start = np.arange(max(0, len(documents) - size + 1))
    is_run = documents[start] == documents[start + size - 1]
    is_run &= n_known[start + size] - n_known[start] == size
    first = np.random.RandomState(0).permutation(start[is_run])
    return Runs(sentences, torch.from_numpy(first), size, documents)


def hold_out_documents(samples, targets, fraction, seed):
    """Which runs to train with, and which to hold out: those of whole documents."""
    of_runs = samples.documents[samples.first.numpy()]
    is_held_out = whole_groups(of_runs, fraction, seed)
    if (~is_held_out).sum() < 2 or is_held_out.sum() < 2:
        raise ValueError(
            "early_stopping holds out whole documents, but only "
            f"{len(np.unique(of_runs))} of them can be trained with, and "
            f"validation_fraction={fraction} leaves too few; pass more documents or "
            "X_val, or set early_stopping=False."
        )
    return both_parts(is_held_out)
