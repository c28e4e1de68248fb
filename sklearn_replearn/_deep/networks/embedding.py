"""Networks that place rows where their distances say how alike they are."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from sklearn_replearn._deep.input.samples import subtract
from sklearn_replearn._deep.networks.network import Network, build_layers
from sklearn_replearn._deep.networks.own_modules import (
    check_shape,
    refuse_mixed_rows,
    try_module,
)

#: Directions in which rows vary by less, relative to the first, count as none.
LEAST_SPREAD = 1e-3


class EmbeddingNetwork(Network):
    """Rows to embeddings, on the sphere or not.

    Parameters
    ----------
    encoder : dict or torch module
    shape : sequence of int
        Of a sample, as in `Network`.
    normalize : bool
        Whether embeddings have a length of 1.
    standardize : bool
        Whether the encoder sees ``(x - center) / spread``, or x.
    """

    has_channels_last = True

    def __init__(self, *, encoder, shape, normalize, standardize):
        super().__init__(shape)
        self.encoder = build_layers(encoder)
        self.standardize = standardize
        self.normalize = normalize

    def standardized(self, x):
        return super().standardized(x) if self.standardize else x

    def encode(self, x):
        z = self.run(self.encoder, self.standardized(x))
        return functional.normalize(z) if self.normalize else z

    forward = evaluate = encode


def check_encoder(network, rows, n_components):
    """Raise if the module that the user gave does not make embeddings of rows.

    Parameters
    ----------
    network : EmbeddingNetwork
    rows : tensor of shape (n_rows, n_features)
        Some training rows.
    n_components : int
    """
    x = network.arrange(rows)
    mode = network.training
    network.eval()
    with torch.no_grad():
        z = try_module("encoder", network.encoder, x)
        check_shape("encoder", x, z, (len(x), n_components), f"{n_components=}")
        refuse_mixed_rows("encoder", network.encoder, x, z)
    network.train(mode)
    if not any(weights.requires_grad for weights in network.encoder.parameters()):
        raise ValueError("The encoder has no weights that could be trained.")


class LinearEmbedding(Network):
    """A linear map of rows, without a bias.

    Parameters
    ----------
    n_inputs, n_components : int
    unit : float
        What `encode` multiplies the map by that is trained.

    In training the layer is given ``(x - center) / spread``, which has the same
    distances as ``x / spread``, and less rounding.
    """

    def __init__(self, *, n_inputs, n_components, unit):
        super().__init__([n_inputs])
        self.unit = unit
        self.layer = nn.Linear(n_inputs, n_components, bias=False)

    def start_from(self, rows):
        """Take the principal components of rows, with a mean squared distance of 1.

        Parameters
        ----------
        rows : tensor of shape (n_samples, n_inputs)
        """
        weight = self.layer.weight
        rows = subtract(rows, self.origin).numpy()
        mean = rows.mean(axis=0, dtype=np.float64)
        self.center.copy_(torch.from_numpy(mean))
        centred = rows - mean
        self.spread.fill_(float(centred.std()) or 1.0)
        centred /= float(self.spread)
        _, singular, directions = np.linalg.svd(centred, full_matrices=False)
        n = min(weight.shape[0], int((singular > LEAST_SPREAD * singular[:1]).sum()))
        with torch.no_grad():
            weight *= LEAST_SPREAD  # of the directions that are beyond the rows
            weight[:n] = torch.from_numpy(directions[:n])
            kept = 2 * np.square(singular[:n]).sum() / len(rows)
            weight /= kept**0.5 or 1.0

    def components(self):
        """The matrix of the map, of shape (n_components, n_inputs)."""
        weight = self.layer.weight.detach().double()
        return (self.unit * weight / self.spread.double()).cpu().numpy()

    def forward(self, x):
        return self.run(self.layer, self.standardized(x))

    def encode(self, x):
        z = self.layer(x / self.spread) + self.layer(self.origin / self.spread)
        return self.unit * z
