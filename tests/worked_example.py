"""The example of docs/contributing.rst: columns predicted from the others."""

from numbers import Integral, Real

import torch

from sklearn_replearn._deep.estimators.base import BaseDeepTransformer
from sklearn_replearn._deep.estimators.encoders import hidden_sizes
from sklearn_replearn._deep.networks.network import ACTIVATIONS, Network, mlp
from sklearn_replearn._deep.objectives.masking import draw_mask
from sklearn_replearn._deep.objectives.objective import Batch, Objective
from sklearn_replearn._deep.objectives.tuple_losses import masked_mean
from sklearn_replearn._deep.training.plan import Plan
from sklearn_replearn._effective_rank import effective_rank
from sklearn_replearn._sklearn import Interval


class ColumnNetwork(Network):
    """Rows, and which of their columns are hidden, to codes and to all columns."""

    def __init__(self, *, sizes, activation):
        n_columns = sizes[0]
        super().__init__([n_columns])
        encoder = mlp([2 * n_columns, *sizes[1:]], activation)
        self.encoder = torch.nn.Sequential(*encoder, ACTIVATIONS[activation]())
        self.decoder = torch.nn.Linear(sizes[-1], n_columns)

    def arrange(self, rows):  # from any dtype to what the layers take
        return self.standardized(super().arrange(rows))

    def encode(self, x):  # what `transform` gives: nothing is hidden
        return self.run(self.encoder, torch.cat([x, torch.zeros_like(x)], 1))

    def forward(self, inputs):  # what is trained
        return self.decoder(self.run(self.encoder, torch.cat(inputs, 1)))


class HiddenColumns(Objective):
    """Mean squared error of the hidden values."""

    draws = True  # held-out rows then hide the same columns in each epoch

    def __init__(self, share):
        super().__init__()
        self.share = share

    def prepare(self, inputs, targets):
        hidden = draw_mask(torch.ones_like(inputs, dtype=torch.bool), self.share)
        shown = inputs.masked_fill(hidden, 0.0)
        return Batch((shown, hidden.to(inputs.dtype)), (inputs, hidden), hidden.sum())

    def forward(self, network, batch):
        values, hidden = batch.targets
        errors = (network(batch.inputs) - values).square()
        return {"error": masked_mean(errors, hidden)}


class ColumnPredictor(BaseDeepTransformer):
    r"""Codes of rows from which hidden columns can be predicted.

    In each batch, other columns M of each row are hidden (0 in place of their
    standardised values), and a network f with outputs for all columns minimises

    .. math:: \frac{1}{|M|} \sum_{(i, j) \in M} (f(x_i)_j - x_{ij})^2

    Parameters
    ----------
    n_components : int, default=16
        Number of components of a code.
    share : float, default=0.3
        Share of the columns that are hidden, in (0, 1), at least one.
    hidden_layer_sizes, activation, ..., verbose
        As in all estimators with a network.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.preprocessing import scale
    >>> X = scale(load_wine().data)
    >>> predictor = ColumnPredictor(8, random_state=0).fit(X)
    >>> predictor.transform(X).shape
    (178, 8)
    >>> predictor.loss_curve_[-1] < 0.8  # 1 for predictions of the mean
    True
    """

    _parameter_constraints = {
        **BaseDeepTransformer._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "share": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        n_components=16,
        *,
        share=0.3,
        hidden_layer_sizes=(64,),
        activation="relu",
        max_epochs=30,
        batch_size="auto",
        lr=5e-3,
        lr_schedule="one_cycle",
        weight_decay=0.0,
        optimizer="adam",
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        callbacks=None,
        warm_start=False,
        mixed_precision=False,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.share = share
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.mixed_precision = mixed_precision
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _plan(self, samples, targets):
        sizes = [self.n_features_in_, *hidden_sizes(self), self.n_components]
        description = {
            "network": ColumnNetwork,  # in the package: its name in the registry
            "sizes": sizes,
            "activation": self.activation,
        }
        return Plan(description, HiddenColumns(self.share))

    def _diagnose(self, samples):
        self.effective_rank_ = effective_rank(self._apply("encode", samples))
        return self._find_dead_units(samples)
