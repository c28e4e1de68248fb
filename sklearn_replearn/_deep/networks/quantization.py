"""Codebooks, and the network and objective of vector quantisation, in torch only."""

from math import exp

import torch
from torch import nn

from sklearn_replearn._deep.networks.encoder_decoder import EncoderDecoder

#: How far back a vector of a codebook remembers what it replaced: as many rows, if all
#: the vectors are used alike. It makes the forgetting independent of the batch size.
MEMORY = 10

#: A vector is restarted if it has less than this part of an equal share of the rows.
FEWEST = 0.1

#: Steps of Lloyd's algorithm that the codebooks start with.
START_STEPS = 10


def straight_through(z, q):
    """The values of q, with gradients that pass to z as if z had been given."""
    return q.detach() + (z - z.detach())


def random_index(n_samples, n_wanted):
    """Indices of so many samples, or of all if there are fewer, in random order."""
    return torch.randperm(n_samples)[:n_wanted]


def spread_seeds(groups, n_seeds):
    """Vectors that lie apart, by the sampling of k-means++.

    D. Arthur and S. Vassilvitskii, "k-means++: the advantages of careful seeding",
    SODA 2007.

    Parameters
    ----------
    groups : tensor of shape (n_groups, n_samples, width)

    Returns
    -------
    seeds : tensor of shape (n_groups, n_seeds, width)
    """
    seeds = groups[:, torch.randint(groups.shape[1], (1,))]
    distances = (groups - seeds).square().sum(2)
    for _ in range(n_seeds - 1):
        # The smallest of exponential waiting times, at rates that are the distances.
        waits = torch.empty_like(distances).exponential_()
        chosen = (distances / waits).argmax(1)
        seed = groups[torch.arange(len(groups)), chosen].unsqueeze(1)
        seeds = torch.cat([seeds, seed], dim=1)
        distances = distances.minimum((groups - seed).square().sum(2))
    return seeds


class Quantizer(nn.Module):
    r"""Replaces each group of numbers by the nearest vector of the group's codebook.

    In training, the vectors :math:`e_k` of a codebook follow what they replace. With
    the share :math:`n_k` of a batch that is nearest to a vector, and its mean
    :math:`m_k`,

    .. math:: N_k' = \gamma N_k + (1 - \gamma) n_k, \qquad
       e_k' = \big( \gamma N_k e_k + (1 - \gamma) n_k m_k \big) / N_k' .

    These are the moving averages of van den Oord et al., appendix A.1, of shares in
    place of counts.

    Parameters
    ----------
    n_codes : int
        Number of groups, each with a codebook.
    codebook_size : int
        Number of vectors in a codebook.
    width : int
        Length of a vector.
    """

    def __init__(self, n_codes, codebook_size, width):
        super().__init__()
        self.register_buffer("codebooks", torch.randn(n_codes, codebook_size, width))
        shares = torch.full((n_codes, codebook_size), 1 / codebook_size)
        self.register_buffer("shares", shares)

    def split(self, z):
        """Groups of shape (n_codes, n_samples, width), from rows of numbers."""
        return z.unflatten(1, (len(self.codebooks), -1)).transpose(0, 1)

    def nearest(self, groups):
        """Indices of the nearest vectors, of shape (n_codes, n_samples)."""
        # About the middle of the codebook, no digits are lost to its offset.
        middle = self.codebooks.mean(1, keepdim=True)
        vectors = self.codebooks - middle
        lengths = vectors.square().sum(2).unsqueeze(1)
        products = (groups - middle) @ vectors.transpose(1, 2)
        return (lengths - 2 * products).min(2).indices

    def look_up(self, index):
        """Rows of numbers, of shape (n_samples, n_codes * width)."""
        index = index.unsqueeze(2).expand(-1, -1, self.codebooks.shape[2])
        return self.codebooks.gather(1, index).transpose(0, 1).flatten(1)

    def forward(self, z):
        """Rows of the nearest vectors; in training, the codebooks follow."""
        with torch.no_grad():
            groups = self.split(z)
            index = self.nearest(groups)
            q = self.look_up(index)
            if self.training:
                self.follow(groups, index, self.kept_share(len(z)))
        return q

    def kept_share(self, n_rows):
        r"""How much a codebook keeps of its past in a batch, :math:`\gamma`."""
        return exp(-n_rows / (MEMORY * self.shares.shape[1]))

    def follow(self, groups, index, kept):
        """Move the codebooks towards what they replaced.

        Vectors that (almost) no row uses restart at random rows of the batch.
        """
        used = torch.zeros(*index.shape, self.shares.shape[1], device=index.device)
        used.scatter_(2, index.unsqueeze(2), 1 / index.shape[1])
        shares = kept * self.shares + (1 - kept) * used.sum(1)
        sums = (kept * self.shares).unsqueeze(2) * self.codebooks
        sums += (1 - kept) * used.transpose(1, 2) @ groups
        equal_share = 1 / shares.shape[1]
        dead = shares < FEWEST * equal_share
        chosen = torch.randint(index.shape[1], shares.shape, device=index.device)
        restarts = groups.gather(1, chosen.unsqueeze(2).expand_as(sums))
        means = sums / shares.unsqueeze(2)
        self.codebooks.copy_(torch.where(dead.unsqueeze(2), restarts, means))
        self.shares.copy_(torch.where(dead, equal_share, shares))

    def start(self, z):
        """Let the codebooks be the clusters that k-means finds in each group."""
        groups = self.split(z)
        self.codebooks.copy_(spread_seeds(groups, self.codebooks.shape[1]))
        for _ in range(START_STEPS):
            self.follow(groups, self.nearest(groups), kept=0.0)


class QuantizedLoss(nn.Module):
    r"""Loss of the reconstruction, plus the encoder's distance to what replaces it.

    .. math:: L(\hat x, x) + \frac{\beta}{d} \lVert z - q \rVert^2

    The first term is a mean over the d features, and so the second is divided by d.
    """

    def __init__(self, reconstruction, commitment):
        super().__init__()
        self.reconstruction = reconstruction
        self.commitment = commitment

    def forward(self, output, x):
        x_hat, z, q = output
        distances = (z - q).square().sum() / x.numel()
        return {
            "reconstruction": self.reconstruction(x_hat, x),
            "commitment": self.commitment * distances,
        }


class QuantizedEncoderDecoder(EncoderDecoder):
    """Rows to codes out of codebooks, and back.

    `forward` is what is trained; it also gives the encoder's output, and what it was
    replaced by.

    Parameters
    ----------
    encoder, decoder, shape, binary
        As in `EncoderDecoder`.
    n_codes, codebook_size, width : int
        As in `Quantizer`.
    """

    def __init__(self, encoder, decoder, shape, binary, n_codes, codebook_size, width):
        super().__init__(encoder, decoder, shape, binary)
        self.quantizer = Quantizer(n_codes, codebook_size, width)

    @torch.no_grad()
    def start(self, x):
        """Let the codebooks be clusters of what the encoder gives."""
        self.eval()
        self.quantizer.start(self.run_encoder(x))

    def forward(self, x):
        z = self.run_encoder(x)
        q = self.quantizer(z)
        x_hat = self.run_decoder(straight_through(z, q))
        return x_hat, z * self.gain, q * self.gain  # in units of x, as x_hat

    def encode(self, x):
        z = self.run_encoder(x)
        return straight_through(z, self.quantizer(z))

    def encode_codes(self, x):
        """Indices of the codes, of shape (n_samples, n_codes)."""
        groups = self.quantizer.split(self.run_encoder(x))
        return self.quantizer.nearest(groups).transpose(0, 1)
