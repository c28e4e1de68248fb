"""Noise that a denoising autoencoder learns to remove, in torch only."""

import torch

from sklearn_replearn._deep.networks.encoder_decoder import EncoderDecoder


def add_gaussian(x, level, zero=0.0):
    """Normal noise with a standard deviation of `level`."""
    return x + level * torch.randn_like(x)


def mask(x, level, zero=0.0):
    """Each value set to zero with the chance `level`."""
    return x.where(torch.rand_like(x) >= level, zero)


#: By name, a corrupted copy of rows, given the level of noise and what stands for 0.
NOISES = {"gaussian": add_gaussian, "masking": mask}


class DenoisingEncoderDecoder(EncoderDecoder):
    """Rows to codes and back, trained to reconstruct rows from corrupted ones.

    Only `forward` corrupts, and always does: rows held out are judged in the same way.

    Parameters
    ----------
    noise : str
    noise_level : float
    **layers
        As `EncoderDecoder` takes them.
    """

    def __init__(self, *, noise, noise_level, **layers):
        super().__init__(**layers)
        self.noise = noise
        self.noise_level = noise_level

    def corrupt(self, x):
        """Corrupted rows in their own units."""
        return self._corrupt(x) + self.origin

    def forward(self, x):
        return super().forward(self._corrupt(x))

    def _corrupt(self, x):
        return NOISES[self.noise](x, self.noise_level, -self.origin)
