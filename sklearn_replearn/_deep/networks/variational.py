"""The network and the objective of a variational autoencoder, in torch only."""

from math import pi

import torch
from torch import nn
from torch.nn import functional

from sklearn_replearn._deep.networks.encoder_decoder import EncoderDecoder

#: Largest absolute value of a log variance; its exponential stays finite.
LOG_VARIANCE_LIMIT = 20.0


def bounded(log_variance):
    """Log variances within the limit, with the gradient that they have without it.

    A plain clamp has no gradient outside: what leaves the range could never come back.
    """
    within = log_variance.clamp(-LOG_VARIANCE_LIMIT, LOG_VARIANCE_LIMIT)
    return log_variance + (within - log_variance).detach()


def draw(mean, log_variance):
    """One draw of normal distributions, through which gradients pass."""
    return mean + (log_variance / 2).exp() * torch.randn_like(mean)


def kl_divergence(mean, log_variance):
    r"""Nats by which normal distributions differ from the standard one.

    .. math:: \mathrm{KL}(N(\mu, \sigma^2) \,\|\, N(0, 1)) =
       \tfrac12 (\mu^2 + \sigma^2 - 1 - \log \sigma^2)

    Of each element. Near zero, no digits are lost.
    """
    return (mean.square() + log_variance.expm1() - log_variance) / 2


def gaussian_loss(squared_error, variance):
    """Minus the log density of a number, given its squared error and the variance."""
    return (torch.log(2 * pi * variance) + squared_error / variance) / 2


def bernoulli_loss(logits, x):
    """Minus the log likelihood of each row, summed over the other axes."""
    losses = functional.binary_cross_entropy_with_logits(logits, x, reduction="none")
    return losses.flatten(1).sum(1)


def row_errors(output, x):
    """Mean squared error of each row."""
    return (output - x).square().flatten(1).mean(1)


class NegativeELBO(nn.Module):
    r"""Minus the evidence lower bound of a row, in nats, as a mean over a batch.

    The reconstruction term, summed over features, plus `beta` times the KL divergence,
    summed over components.

    Gaussian outputs have the variance that makes the batch most likely, its mean
    squared error. It needs no gradient: the loss is flat in it there.

    Parameters
    ----------
    binary : bool
        Whether the outputs are logits of probabilities, and not means of Gaussians.
    beta : float
    min_variance : float
        Keeps the loss of rows that are reconstructed without error finite.
    """

    def __init__(self, *, binary, beta=1.0, min_variance=1e-6):
        super().__init__()
        self.binary = binary
        self.beta = beta
        self.min_variance = min_variance

    def forward(self, output, x):
        x_hat, mean, log_variance = output
        kl = kl_divergence(mean, log_variance).sum(1).mean()
        if self.binary:
            return {
                "reconstruction": bernoulli_loss(x_hat, x).mean(),
                "divergence": self.beta * kl,
            }
        error = functional.mse_loss(x_hat, x)
        variance = error.detach().clamp(min=self.min_variance)
        return {
            "reconstruction": x[0].numel() * gaussian_loss(error, variance),
            "divergence": self.beta * kl,
        }


class VariationalEncoderDecoder(EncoderDecoder):
    """Rows to normal distributions of codes, and codes back to rows.

    `forward` is what is trained: it decodes one draw of each row's distribution.
    `encode` gives the means.

    Parameters
    ----------
    encoder : dict or torch module
        The first half of its outputs are means, the second log variances.
    decoder, shape, binary
        As in `EncoderDecoder`.
    """

    def posterior(self, x):
        """Means and log variances of the codes."""
        mean, log_variance = self.run_encoder(x).chunk(2, dim=1)
        return mean, bounded(log_variance)

    def encode(self, x):
        return self.posterior(x)[0]

    def forward(self, x):
        mean, log_variance = self.posterior(x)
        return self.run_decoder(draw(mean, log_variance)), mean, log_variance

    def bound_terms(self, x):
        """What the evidence lower bound of each row is made of, by one draw.

        Returns
        -------
        terms : tensor of shape (n_samples, 1 + n_components)
            Mean squared error, or minus the log likelihood for binary outputs; then the
            KL divergence of each component.
        """
        output, mean, log_variance = self(x)
        first = bernoulli_loss if self.binary else row_errors
        kl = kl_divergence(mean, log_variance)
        return torch.cat([first(output, x)[:, None], kl], dim=1)


def lower_bounds(terms, n_features, variance):
    """Evidence lower bounds of rows, from what `bound_terms` gives.

    Parameters
    ----------
    terms : ndarray of shape (n_samples, 1 + n_components)
    n_features : int
    variance : float or None
        Of the Gaussian outputs; ``None`` for binary ones.

    Returns
    -------
    bounds : ndarray of shape (n_samples,)
    """
    sums = torch.from_numpy(terms).double()
    loss = sums[:, 0]
    if variance is not None:
        loss = n_features * gaussian_loss(loss, torch.tensor(variance))
    return -(loss + sums[:, 1:].sum(1)).numpy().astype(terms.dtype)
