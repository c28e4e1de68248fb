"""Networks with a projector, which only training needs, behind the features."""

from itertools import pairwise

from torch import nn
from torch.nn import functional

from sklearn_replearn._deep.networks.embedding import EmbeddingNetwork
from sklearn_replearn._deep.networks.network import ACTIVATIONS


class ProjectionNetwork(EmbeddingNetwork):
    """Rows to features, and in training to the projections that a loss compares.

    Parameters
    ----------
    encoder, shape, standardize
        As in `EmbeddingNetwork`.
    n_components : int
        Width of the encoder's output.
    projection_sizes : sequence of int
    activation : str
        Of the projector.
    layer : str
        What `encode` gives: "embedding", or the maps of a stage of the encoder.
    pool_size : int
        Maps are averaged over the square of this many parts.
    """

    def __init__(
        self,
        *,
        encoder,
        shape,
        n_components,
        projection_sizes,
        activation,
        standardize,
        layer,
        pool_size,
    ):
        super().__init__(
            encoder=encoder, shape=shape, normalize=False, standardize=standardize
        )
        self.layer = layer
        self.pool_size = pool_size
        self.projector = make_projector(n_components, projection_sizes, activation)

    def forward(self, x):
        return self.projector(self.run(self.encoder, self.standardized(x)))

    evaluate = forward

    def encode(self, x):
        x = self.standardized(x)
        if self.layer == "embedding":
            return self.run(self.encoder, x)
        for name, stage in self.encoder.named_children():
            x = self.run(stage, x)
            if name == self.layer:
                return average_by_parts(x, self.pool_size).flatten(1)


def average_by_parts(maps, n_parts):
    """Means of maps over a grid of parts of an image, or over parts of a signal."""
    if maps.ndim == 3:
        return functional.adaptive_avg_pool1d(maps, min(n_parts**2, maps.shape[2]))
    sides = [min(n_parts, side) for side in maps.shape[2:]]
    return functional.adaptive_avg_pool2d(maps, sides)


def make_projector(n_inputs, sizes, activation):
    """Linear layers, each after batch normalization and the activation."""
    widths = [n_inputs, *sizes]
    steps = []
    for width, next_width in pairwise(widths):
        steps += [nn.BatchNorm1d(width), ACTIVATIONS[activation]()]
        steps.append(nn.Linear(width, next_width))
    return nn.Sequential(*steps)
