"""Networks that say whether two rows belong together, and their losses."""

from math import prod

import torch
from torch import nn
from torch.nn import functional

from sklearn_replearn._deep.networks.embedding import EmbeddingNetwork
from sklearn_replearn._deep.networks.network import ACTIVATIONS, Network, mlp
from sklearn_replearn._deep.objectives.tuple_losses import masked_mean, same_and_other

#: What equal rows have as log odds before the training of "siamese", and what they
#: lose where the embeddings are 1 apart, by as much in each component.
ALIKE, AGAINST = 5.0, 4.0


class PairNetwork(Network):
    """Pairs of rows to the log odds that they belong together.

    Parameters
    ----------
    architecture : {"siamese", "shared", "joint"}
        The head sees the absolute differences of the embeddings of the two rows; both
        embeddings; or one embedding of both rows at once.
    encoder : dict or torch module
        Of rows; with "joint" of the two rows of a pair, one after the other, or of
        images with twice the channels.
    shape : sequence of int
        Of a row, as in `Network`.
    n_components : int
        Width of an embedding.
    hidden_sizes : sequence of int
        Widths of the hidden layers of the head of "shared".
    activation : str
        Of the head.
    standardize : bool
        As in `EmbeddingNetwork`.
    all_pairs : bool
        Whether `forward` takes rows and gives the log odds of each with each.
    """

    has_channels_last = True

    def __init__(
        self,
        *,
        architecture,
        encoder,
        shape,
        n_components,
        hidden_sizes,
        activation,
        standardize,
        all_pairs,
    ):
        super().__init__(shape)
        self.architecture = architecture
        self.standardize = standardize
        self.all_pairs = all_pairs
        self.embedding = EmbeddingNetwork(
            encoder=encoder,
            shape=joint_shape(shape) if architecture == "joint" else shape,
            normalize=False,
            standardize=False,
        )
        self.head = make_head(architecture, n_components, hidden_sizes, activation)

    def arrange(self, rows):
        """Rows one after the other, of rows or of pairs of rows in any shape."""
        return super().arrange(rows.reshape(-1, prod(self.shape)))

    def standardized(self, x):
        return super().standardized(x) if self.standardize else x

    def embed(self, x):
        """Embeddings of rows."""
        return self.embedding(self.standardized(x))

    def compare(self, z):
        """Log odds, as a column, of pairs of embeddings side by side."""
        if self.architecture == "siamese":
            first, second = z.chunk(2, dim=1)
            z = (first - second).abs()
        return self.head(z)

    def encode(self, x):
        """Log odds, as a column, of every two rows of x."""
        if self.architecture == "joint":
            pairs = self.standardized(x).unflatten(0, (-1, 2)).flatten(1, 2)
            return self.head(self.embedding(pairs))
        return self.compare(self.embed(x).unflatten(0, (-1, 2)).flatten(1))

    evaluate = encode

    def forward(self, x):
        """Logits of "different" and "the same" of pairs, or log odds of all pairs."""
        if self.all_pairs:
            z = self.embed(x)
            return self.head((z[:, None] - z).abs()).squeeze(2)
        log_odds = self.encode(x)
        return torch.cat([torch.zeros_like(log_odds), log_odds], dim=1)


def joined(rows):
    """Each row and one of the others, side by side."""
    return torch.cat([rows, rows.flip(0)], dim=1)


def joint_shape(shape):
    """Shape of two rows as one, as layers have it: images get twice the channels."""
    return [2 * shape[0], *shape[1:]]


def make_head(architecture, n_components, hidden_sizes, activation):
    """The layers after the embeddings, to the log odds."""
    if architecture == "siamese":
        head = nn.Linear(n_components, 1)
        # Differences speak against the same from the start. Weights of random signs
        # learn half of them the other way round, and generalise worse.
        nn.init.constant_(head.weight, -AGAINST / n_components**0.5)
        nn.init.constant_(head.bias, ALIKE)
        return head
    sizes = [n_components, 1]
    if architecture == "shared":
        sizes = [2 * n_components, *hidden_sizes, 1]
    return nn.Sequential(ACTIVATIONS[activation](), *mlp(sizes, activation))


class DrawnPairsLoss(nn.Module):
    """The loss of pairs whose rows have classes.

    Parameters
    ----------
    cross_entropy : WeightedCrossEntropy
        Of the classes "different" and "the same".
    """

    def __init__(self, cross_entropy):
        super().__init__()
        self.cross_entropy = cross_entropy
        self.loss_of_guessing = cross_entropy.loss_of_guessing

    def forward(self, logits, codes):
        """The mean loss, from logits and the classes of both rows of each pair."""
        first, second = codes.view(-1, 2).unbind(1)
        return self.cross_entropy(logits, (first == second).long())


class AllPairsLoss(DrawnPairsLoss):
    """The loss of all pairs of a batch; both kinds count as if they were half of it."""

    def forward(self, log_odds, codes):
        """The loss, from the log odds of each row with each, and their classes."""
        different, same = self.cross_entropy.class_weights / 2
        is_same, is_other = same_and_other(codes)
        pull = masked_mean(functional.softplus(-log_odds), is_same)
        push = masked_mean(functional.softplus(log_odds), is_other)
        return same * pull + different * push
