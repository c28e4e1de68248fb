"""Rows to codes and back."""

import torch

from sklearn_replearn._deep.networks.network import (
    Network,
    build_layers,
    tied_decoder,
)


class EncoderDecoder(Network):
    """Rows to codes and back.

    `forward` is what is trained: for binary cross-entropy it gives logits, where
    `decode` gives probabilities.

    Parameters
    ----------
    encoder, decoder : dict or torch module
        ``decoder="tied"`` shares the weights of the encoder, an MLP.
    shape : sequence of int
        Of a sample, as in `Network`.
    binary : bool
        Whether the outputs are probabilities.

    Attributes
    ----------
    gain, offset : tensors of shape () and `shape`
        What the decoder gives is ``gain * output + offset``.
    """

    def __init__(self, encoder, decoder, shape, binary=False):
        super().__init__(shape)
        self.encoder = build_layers(encoder)
        self.decoder = (
            tied_decoder(self.encoder) if decoder == "tied" else build_layers(decoder)
        )
        self.binary = binary
        self.register_buffer("gain", torch.ones(()))
        self.register_buffer("offset", torch.zeros(shape))

    def run_encoder(self, x):
        return self.run(self.encoder, self.standardized(x))

    def run_decoder(self, z):
        # The first layer of a user's decoder may work in place.
        output = self.run(self.decoder, z.clone())
        return torch.addcmul(self.offset, output, self.gain)

    def encode(self, x):
        return self.run_encoder(x)

    def decode(self, z):
        """Rows in their own units, from codes."""
        return self._decode(z) + self.origin

    def reconstruct(self, x):
        return self.decode(self.encode(x))

    evaluate = reconstruct

    def squared_errors(self, x):
        """Mean squared error of each row, as a column."""
        errors = self._decode(self.encode(x)) - x
        return errors.square().flatten(1).mean(1, keepdim=True)

    def _decode(self, z):
        x = self.run_decoder(z)
        return torch.sigmoid(x) if self.binary else x

    def forward(self, x):
        return self.run_decoder(self.encode(x))
