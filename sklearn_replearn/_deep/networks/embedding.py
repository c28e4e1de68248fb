"""Networks that place rows where their distances say how alike they are."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from sklearn_replearn._deep.input.samples import channels_first, subtract
from sklearn_replearn._deep.networks.network import Network
from sklearn_replearn._deep.networks.own_modules import (
    check_shape,
    refuse_mixed_rows,
    try_module,
)
from sklearn_replearn._deep.networks.registry import build_layers

#: Directions in which rows vary by less, relative to the first, count as none.
LEAST_SPREAD = 1e-3


class EmbeddingNetwork(Network):
    """Rows to embeddings, on the sphere or not.

    Parameters
    ----------
    encoder : dict or torch module
    shape : sequence of int
        (n_features,) of rows; (channels, length) of signals, or (channels, height,
        width) of images, which rows have with their channels last.
    normalize : bool
        Whether embeddings have a length of 1.
    standardize : bool
        Whether the encoder sees ``(x - center) / spread``.

    Attributes
    ----------
    center, spread : tensors of shape `shape` and ()
        Mean and deviation of the training values.
    """

    def __init__(self, *, encoder, shape, normalize, standardize):
        super().__init__(n_origins=shape[0] if len(shape) == 1 else 1)
        self.encoder = build_layers(encoder)
        self.standardize = standardize
        self.shape = list(shape)
        self.normalize = normalize
        self.register_buffer("center", torch.zeros(shape))
        self.register_buffer("spread", torch.ones(()))
        if len(shape) > 1:
            self.block_rows = 64  # as in ConvEncoderDecoder
        self.lay_out()

    def lay_out(self):
        if len(self.shape) == 3:  # as in ConvClassifier
            self.to(memory_format=torch.channels_last)

    def lay(self, rows):
        return channels_first(rows, self.shape) if len(self.shape) > 1 else rows

    def standardized(self, x):
        """What the encoder sees."""
        return (x - self.center) / self.spread if self.standardize else x

    def encode(self, x):
        z = self.run(self.encoder, self.standardized(x))
        return functional.normalize(z) if self.normalize else z

    forward = encode


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

    Attributes
    ----------
    center, spread : tensors of shape (n_inputs,) and ()
        In training the layer is given ``(x - center) / spread``, which has the same
        distances as ``x / spread``, and less rounding.
    """

    def __init__(self, *, n_inputs, n_components, unit):
        super().__init__(n_origins=n_inputs)
        self.unit = unit
        self.layer = nn.Linear(n_inputs, n_components, bias=False)
        self.register_buffer("center", torch.zeros(n_inputs))
        self.register_buffer("spread", torch.ones(()))

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
        return self.run(self.layer, (x - self.center) / self.spread)

    def encode(self, x):
        z = self.layer(x / self.spread) + self.layer(self.origin / self.spread)
        return self.unit * z
