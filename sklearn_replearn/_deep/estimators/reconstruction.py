"""The base of all autoencoders: codes, reconstructions, and how good they are."""

from functools import partial
from numbers import Integral

import numpy as np
import torch
from sklearn.utils.validation import check_array, check_is_fitted
from torch import nn

from sklearn_replearn._deep.estimators.base import BaseDeepTransformer
from sklearn_replearn._deep.estimators.encoders import hidden_sizes
from sklearn_replearn._deep.input.samples import Rows
from sklearn_replearn._deep.networks.own_modules import (
    N_TRIED,
    check_shape,
    refuse_mixed_rows,
    try_module,
)
from sklearn_replearn._deep.objectives.losses import RECONSTRUCTION_LOSSES
from sklearn_replearn._deep.objectives.objective import Objective, Supervised
from sklearn_replearn._deep.training.plan import Plan
from sklearn_replearn._effective_rank import effective_rank
from sklearn_replearn._sklearn import Interval, StrOptions


class BaseAutoencoder(BaseDeepTransformer):
    """Base of the estimators that encode rows, and decode them again."""

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions(set(RECONSTRUCTION_LOSSES))],
        "encoder": [nn.Module, None],
        "decoder": [nn.Module, None],
        **BaseDeepTransformer._parameter_constraints,
    }

    def inverse_transform(self, X):
        """Rows from their codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components_)

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features_in_)
        """
        return self._decode(X)

    def _decode(self, X):
        check_is_fitted(self)
        Z = check_array(X, dtype=[np.float32, np.float64], input_name="X")
        if Z.shape[1] != self.n_components_:
            raise ValueError(
                f"X has {Z.shape[1]} columns, but {type(self).__name__} has "
                f"{self.n_components_} components."
            )
        return self._apply("decode", Rows(Z), arrange=False)

    def reconstruct(self, X):
        """Rows, encoded and decoded.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        X_reconstructed : ndarray of shape (n_samples, n_features)
        """
        return self._apply("reconstruct", self._samples(X))

    def score_samples(self, X):
        r"""Minus the mean squared error of each row's reconstruction.

        .. math:: -\frac{1}{d} \sum_j (x_j - \hat x_j)^2

        Rows that the training rows did not resemble have the lowest values: higher is
        more normal, as in scikit-learn's detectors of outliers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            At most 0.
        """
        return -self._apply("squared_errors", self._samples(X))[:, 0]

    def score(self, X, y=None):
        r"""Share of the variance that the reconstructions keep, R².

        .. math::

           1 - \frac{\sum_i \lVert x_i - \hat x_i \rVert^2}
                    {\sum_i \lVert x_i - \bar x \rVert^2},

        with the mean of the rows given. It compares networks at one number of
        components: more components keep more, also of held-out rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            At least two rows that are not all the same.
        y : None
            Ignored.

        Returns
        -------
        score : float
            At most 1; 0 for what the mean alone achieves.
        """
        samples = self._samples(X)
        return self._share_kept(samples, samples.squares_about_mean())

    # -- the network -------------------------------------------------------------

    def _reconstruction_plan(self, description, loss, *, width=None, loss_unit=None):
        """The plan of a network that reconstructs rows.

        Parameters
        ----------
        description : dict
        loss : torch module or Objective
            A loss compares outputs with the rows; an objective may have other terms.
        width : pair of int and str, default=None
            Number of the encoder's outputs and what they are; ``None`` for codes.
        loss_unit : float, default=None
            ``None`` is the variance of X for squared errors.
        """
        width = width or (self.n_components, "n_components")
        if loss_unit is None:
            is_squared = self.loss == "squared_error"
            loss_unit = variance_of_output if is_squared else 1.0
        return Plan(
            description,
            loss if isinstance(loss, Objective) else Supervised(loss),
            start=partial(start_encoder_decoder, self, width),
            check=None if self.loss == "squared_error" else self._check_range,
            loss_unit=loss_unit,
        )

    def _layers(self, n_features, *, tied=False, width=None):
        """Descriptions of encoder and decoder: the user's modules, or an MLP's."""
        if tied and (self.encoder is not None or self.decoder is not None):
            raise ValueError(
                "tied=True shares the weights of the encoder that is made here; it "
                "cannot be had with an encoder or a decoder of your own."
            )
        hidden = hidden_sizes(self)
        sizes = [n_features, *hidden, width or self.n_components]
        back = [self.n_components, *reversed(hidden), n_features]
        encoder, decoder = (
            {"layers": "mlp", "sizes": sizes, "activation": self.activation}
            for sizes in (sizes, back)
        )
        if self.encoder is not None:
            encoder = self.encoder
        if tied:
            decoder = "tied"
        elif self.decoder is not None:
            decoder = self.decoder
        return {
            "encoder": encoder,
            "decoder": decoder,
            "shape": [n_features],
            "binary": self.loss == "binary_cross_entropy",
        }

    def _check_range(self, samples):
        """Raise if samples have values that are no probabilities."""
        if samples.scale != 1.0:
            return
        low, high = samples.array.min(), samples.array.max()
        if low < 0 or high > 1:
            raise ValueError(
                "loss='binary_cross_entropy' needs values between 0 and 1, but X has "
                f"values from {low:.3g} to {high:.3g}; scale X, or take "
                "loss='squared_error'."
            )

    # -- health ------------------------------------------------------------------

    def _share_kept(self, samples, total):
        """Share of a sum of squares about the mean that reconstructions keep."""
        errors = self._apply("squared_errors", samples).sum(dtype=np.float64)
        errors *= samples.array[0].size
        if total > 0:
            return float(1 - errors / total)
        return 1.0 if errors == 0 else 0.0

    def _diagnose(self, samples):
        return self._diagnose_codes(samples)

    def _diagnose_codes(self, samples):
        total = samples.squares_about_mean()
        kept = self._share_kept(samples, total)
        dead_units = self._find_dead_units(samples)
        self.effective_rank_ = effective_rank(self._apply("encode", samples))
        if total == 0:
            return ["all rows of X are the same, so that there is nothing to encode"]
        findings = []
        if self.effective_rank_ < 1.1 and self.n_components_ > 1 and kept < 0.5:
            findings.append(
                f"the code has collapsed to {self.effective_rank_:.1f} effective "
                f"dimensions of {self.n_components_}, and keeps {max(kept, 0):.0%} of "
                "the variance: train longer, lower lr or standardise the columns of X"
            )
        return findings + dead_units


def variance_of_output(network):
    """Unit of squared errors: that of X, which the decoder's output is scaled to."""
    return float(network.gain) ** 2


def start_encoder_decoder(estimator, width, network, samples):
    """Try the user's modules; let the outputs of ours have the mean and spread of X.

    Parameters
    ----------
    estimator : BaseAutoencoder
    width : pair of int and str
        Number of the encoder's outputs, and what they are.
    network : EncoderDecoder
    samples : Rows
    """
    mean, spread = network.center.clone(), network.spread.clone()
    if estimator.encoder is not None:
        network.center.zero_()
        network.spread.fill_(1.0)
    if not (estimator.encoder is None and estimator.decoder is None):
        _check_shapes(network, samples, *width)
    if estimator.decoder is None and network.binary:
        network.offset.copy_(mean.clamp(0.01, 0.99).logit())
    elif estimator.decoder is None:
        network.offset.copy_(mean)
        network.gain.copy_(spread)


@torch.no_grad()
def _check_shapes(network, samples, width, meaning):
    """Try the modules that the user gave on a few rows."""
    x = network.arrange(samples.first(N_TRIED))
    network.eval()
    output = try_module("encoder", network.run_encoder, x)
    check_shape("encoder", x, output, (len(x), width), meaning)
    refuse_mixed_rows("encoder", network.run_encoder, x, output)
    z = network.encode(x)
    back = try_module("decoder", network.decoder, z)
    check_shape("decoder", z, back, tuple(x.shape), "the shape of the input")
    refuse_mixed_rows("decoder", network.decoder, z, back)
