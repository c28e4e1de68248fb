"""The base of all autoencoders: codes, reconstructions, and how good they are."""

from numbers import Integral

import numpy as np
import torch
from sklearn.utils.validation import check_array, check_is_fitted
from torch import nn

from sklearn_replearn._deep.estimators.base import (
    BaseDeepTransformer,
    squares_about_mean,
)
from sklearn_replearn._deep.networks.own_modules import (
    check_shape,
    refuse_mixed_rows,
    try_module,
)
from sklearn_replearn._deep.objectives.health import effective_rank
from sklearn_replearn._deep.objectives.losses import RECONSTRUCTION_LOSSES
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
        check_is_fitted(self)
        Z = check_array(X, dtype=[np.float32, np.float64], input_name="X")
        if Z.shape[1] != self.n_components_:
            raise ValueError(
                f"X has {Z.shape[1]} columns, but {type(self).__name__} has "
                f"{self.n_components_} components."
            )
        return self._map_validated("decode", Z, arrange=False)

    def reconstruct(self, X):
        """Rows, encoded and decoded.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        X_reconstructed : ndarray of shape (n_samples, n_features)
        """
        return self._map_rows("reconstruct", X)

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
        return -self._map_rows("squared_errors", X)[:, 0]

    def score(self, X, y=None):
        r"""Share of the variance that the reconstructions keep, R².

        .. math::

           1 - \frac{\sum_i \lVert x_i - \hat x_i \rVert^2}
                    {\sum_i \lVert x_i - \bar x \rVert^2},

        with the mean of the rows given. It compares networks at one number of
        components: more components keep more, on held-out rows, too.

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
        X = self._validate(X)
        errors = self._map_validated("squared_errors", X).sum(dtype=np.float64)
        return _share_kept(errors * X[0].size, squares_about_mean(X, self._scale(X)))

    # -- the network -------------------------------------------------------------

    def _code_width(self):
        """Number of the encoder's outputs, and what they are."""
        return self.n_components, "n_components"

    def _layers(self, n_features, *, tied=False):
        """Descriptions of encoder and decoder: the user's modules, or an MLP's."""
        if tied and (self.encoder is not None or self.decoder is not None):
            raise ValueError(
                "tied=True shares the weights of the encoder that is made here; it "
                "cannot be had with an encoder or a decoder of your own."
            )
        hidden = self._hidden_sizes()
        sizes = [n_features, *hidden, self._code_width()[0]]
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

    def _training_set(self, X, y, *, reset=True):
        data = super()._training_set(X, y, reset=reset)
        self._check_range(data.rows)
        return data

    def _prepare_network(self, module, X):
        self._check_shapes(module, X)
        self._adapt_to_units(module, X)

    def _check_range(self, X):
        if self.loss == "squared_error" or self._scale(X) != 1.0:
            return
        low, high = X.min(), X.max()
        if low < 0 or high > 1:
            raise ValueError(
                "loss='binary_cross_entropy' needs values between 0 and 1, but X has "
                f"values from {low:.3g} to {high:.3g}; scale X, or take "
                "loss='squared_error'."
            )

    def _check_shapes(self, module, X):
        """Try the modules that the user gave on two rows."""
        if self.encoder is None and self.decoder is None:
            return
        x = module.arrange(self._rows_to_try(X))
        module.eval()
        with torch.no_grad():
            output = try_module("encoder", module.run_encoder, x)
            width, meaning = self._code_width()
            check_shape("encoder", x, output, (len(x), width), meaning)
            refuse_mixed_rows("encoder", module.run_encoder, x, output)
            z = module.encode(x)
            back = try_module("decoder", module.decoder, z)
            check_shape("decoder", z, back, tuple(x.shape), "the shape of the input")
            refuse_mixed_rows("decoder", module.decoder, z, back)

    def _adapt_to_units(self, module, X):
        """Let layers of ours work about zero and with numbers of about 1."""
        mean, spread = self._mean_and_spread(module, X)
        if self.encoder is None:
            module.center.copy_(mean)
            module.spread.fill_(spread)
        if self.decoder is None and module.binary:
            module.offset.copy_(mean.clamp(0.01, 0.99).logit())
        elif self.decoder is None:
            module.offset.copy_(mean)
            module.gain.fill_(spread)

    def _loss_unit(self, module):
        return float(module.gain) ** 2 if self.loss == "squared_error" else 1.0

    def _set_fitted(self, X):
        self.n_components_ = self.n_components
        super()._set_fitted(X)

    def _examine(self, X):
        Z = self._map_validated("encode", X)
        errors = self._map_validated("squared_errors", X).sum(dtype=np.float64)
        self.effective_rank_ = effective_rank(Z)
        ills_of_units = self._examine_units(X)
        total = squares_about_mean(X, self._scale(X))
        if total == 0:
            return ["all rows of X are the same, so that there is nothing to encode"]
        findings = []
        kept = _share_kept(errors * X[0].size, total)
        if self.effective_rank_ < 1.1 and self.n_components_ > 1 and kept < 0.5:
            findings.append(
                f"the code has collapsed to {self.effective_rank_:.1f} effective "
                f"dimensions of {self.n_components_}, and keeps {max(kept, 0):.0%} of "
                "the variance: train longer, lower lr or standardise the columns of X"
            )
        return findings + ills_of_units


def _share_kept(errors, total):
    if total > 0:
        return float(1 - errors / total)
    return 1.0 if errors == 0 else 0.0
