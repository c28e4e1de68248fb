"""Noise that a denoising autoencoder learns to remove, in torch only."""

import torch

from sklearn_replearn._deep.modules import EncoderDecoder


def add_gaussian(x, level):
    """Normal noise with a standard deviation of `level`."""
    return x + level * torch.randn_like(x)


def mask(x, level):
    """Each value set to zero with the chance `level`."""
    return x * (torch.rand_like(x) >= level)


#: By name, a corrupted copy of rows, given the level of noise.
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
        return NOISES[self.noise](x, self.noise_level)

    def forward(self, x):
        return super().forward(self.corrupt(x))
