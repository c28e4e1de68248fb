"""The loss of predicted words, and which words a language model predicts."""

import torch
from torch import nn

from sklearn_replearn._deep.objectives.masking import Masked, bert_corruption, draw_mask
from sklearn_replearn._deep.objectives.objective import Batch, Objective
from sklearn_replearn._deep.objectives.softmax import (
    NegativeSampler,
    chunked_cross_entropy,
)

#: Random words in the sample of a batch, beside those that it predicts.
N_SAMPLED = 1000


class WordLoss(nn.Module):
    """Mean cross-entropy of words, in training estimated by a sample of them.

    Parameters
    ----------
    counts : tensor of shape (n_words,)
        How often each word is predicted in training.

    Of a vocabulary that is hardly larger than a sample, all words are taken.
    """

    def __init__(self, counts):
        super().__init__()
        self.sampler = None
        if len(counts) > 2 * N_SAMPLED:
            self.sampler = NegativeSampler(counts, N_SAMPLED)

    def forward(self, network, hidden, words):
        weight, bias = network.output()
        if self.sampler is None or not self.training:
            return chunked_cross_entropy(hidden, weight, bias, words)
        # As `sampled_cross_entropy`, whose targets are here all in the sample.
        sampled, log_probabilities = self.sampler(words)
        places = torch.searchsorted(sampled, words)
        return chunked_cross_entropy(
            hidden,
            weight.index_select(0, sampled),
            bias[sampled] - log_probabilities,
            places,
            corrections=log_probabilities[places],
        )


class NextWords(Objective):
    """The word after each of a window, predicted from those before it.

    Parameters
    ----------
    loss : WordLoss
    """

    def __init__(self, loss):
        super().__init__()
        self.loss = loss

    def prepare(self, inputs, targets):
        return Batch(inputs, inputs.targets[inputs.counted], inputs.counted.sum())

    def forward(self, network, batch):
        hidden = network(batch.inputs)[batch.inputs.counted]
        return {"loss": self.loss(network, hidden, batch.targets)}


class MaskedWords(Masked):
    """Hidden words of windows, predicted from the others; boundaries are never hidden.

    The id of the mask is behind that of the boundary, which is behind all words.
    """

    def prepare(self, inputs, targets):
        places = inputs.counted & (inputs.ids < self.mask_id - 1)
        chosen = draw_mask(places, self.share)
        ids = bert_corruption(inputs.ids, chosen, self.mask_id, self.vocabulary_size)
        hidden = inputs.ids[chosen]
        return Batch(inputs._replace(ids=ids), (chosen, hidden), chosen.sum())
