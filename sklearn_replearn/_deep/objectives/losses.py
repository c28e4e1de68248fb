"""What networks are trained for: losses of an output and its target, in torch only."""

import torch
from torch import nn
from torch.nn import functional

#: By name, the mean loss of a number of the output.
RECONSTRUCTION_LOSSES = {
    "squared_error": nn.MSELoss,
    "binary_cross_entropy": nn.BCEWithLogitsLoss,
}


def cross_entropy_both_ways(logits):
    """Mean loss of finding the partner of each row among columns, and the reverse.

    Parameters
    ----------
    logits : tensor of shape (n, n)
        Of each row with each column; those of partners are on the diagonal.
    """
    partners = torch.arange(len(logits), device=logits.device)
    first = functional.cross_entropy(logits, partners)
    return (first + functional.cross_entropy(logits.T, partners)) / 2


class WeightedCrossEntropy(nn.Module):
    """Mean over the rows of minus the logarithm of their class's probability.

    Each row counts by the weight of its class; torch's own loss divides by the sum of
    the weights in a batch, and so lets a row count by which rows are beside it.

    Parameters
    ----------
    class_weights : ndarray of shape (n_classes,)
        One on average over the rows.
    shares : ndarray of shape (n_classes,)
        Of the classes among the rows.
    """

    def __init__(self, class_weights, shares):
        super().__init__()
        weights = torch.as_tensor(class_weights, dtype=torch.float32)
        self.register_buffer("class_weights", weights, persistent=False)
        counted = weights * torch.as_tensor(shares)
        self.loss_of_guessing = float(torch.special.entr(counted).sum())

    def forward(self, logits, codes, weights=1.0):
        """The loss from logits and classes, and the weights of the rows."""
        losses = functional.cross_entropy(logits, codes, reduction="none")
        return (losses * self.class_weights[codes] * weights).mean()
