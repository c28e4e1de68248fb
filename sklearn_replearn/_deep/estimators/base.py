"""The estimator that every neural technique is: validation, training, encoding."""

from abc import ABCMeta, abstractmethod
from contextlib import contextmanager
from math import ceil
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_replearn._cloning import clone_sharing
from sklearn_replearn._deep.estimators.classification import merge_equal
from sklearn_replearn._deep.input.samples import BLOCK_SIZE, Rows, as_tensor
from sklearn_replearn._deep.networks.network import (
    ACTIVATIONS,
    UpToLayer,
    build_network,
    copy_modules,
    has_own_modules,
)
from sklearn_replearn._deep.networks.own_modules import check_module
from sklearn_replearn._deep.objectives.health import Diverged, count_dead_units
from sklearn_replearn._deep.training.batches import make_batches
from sklearn_replearn._deep.training.callbacks import copy_callbacks
from sklearn_replearn._deep.training.encoding import map_samples, try_trained
from sklearn_replearn._deep.training.net import Net
from sklearn_replearn._deep.training.optimizers import OPTIMIZERS, SCHEDULES
from sklearn_replearn._deep.training.saving import with_modules, with_saved_modules
from sklearn_replearn._deep.training.seeding import as_device, seeded
from sklearn_replearn._deep.training.warm_start import continue_network, take_state
from sklearn_replearn._fitted_state import drop_fitted, unchanged_by_errors
from sklearn_replearn._images import image_scale, read_images
from sklearn_replearn._seeds import as_seed
from sklearn_replearn._sklearn import Interval, StrOptions, _fit_context
from sklearn_replearn._warnings import warn
from sklearn_replearn._weights import leave_out_weightless

#: Rows that health is judged by.
N_EXAMINED = 512

#: Steps that ``max_epochs="auto"`` is enough for, and the least epochs.
N_STEPS, N_EPOCHS = 1000, 5

#: Share of dead units that is worth a warning.
MANY_DEAD = 0.8

#: Types of numbers that are read batch by batch, without a copy of the whole.
DTYPES = (np.float32, np.float64, np.uint8, np.int64)


class BaseDeepEstimator(BaseEstimator, metaclass=ABCMeta):
    """Base of all estimators that train a network.

    A technique says four things: what it reads (`_read`), which network it trains and
    how (`_plan`), which attributes it sets (`_finish`) and what can be wrong with the
    result (`_diagnose`). The parameters below are those that all techniques share.
    """

    _parameter_constraints = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "lr_schedule": [StrOptions(set(SCHEDULES))],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "optimizer": [StrOptions(set(OPTIMIZERS)), callable],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "callbacks": [list, tuple, None],
        "warm_start": ["boolean"],
        "mixed_precision": ["boolean"],
        "device": [str, torch.device],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    #: Up to how many samples equal ones of a class are merged into one.
    _n_merged = 0

    #: Whether `fit` needs y.
    _requires_y = False

    # -- what a technique says -------------------------------------------------

    def _read(self, X, y, *, reset):
        """Validated samples, and what the network learns for each, or None.

        Parameters
        ----------
        X, y : what the user gave
            y is None for rows to encode.
        reset : bool
            Whether these are the data of `fit`; otherwise they have to be like those.

        Returns
        -------
        samples : Samples
        targets : tensor of shape (n_samples, ...), Samples or None
        """
        return self._rows(X, reset=reset), None

    @abstractmethod
    def _plan(self, samples, targets):
        """The network and how it is trained: a `Plan`."""

    def _finish(self, samples):
        """Set what else is fitted, by the trained `net_`."""

    def _diagnose(self, samples):
        """Set attributes of health, and find what is wrong with the representation.

        Parameters
        ----------
        samples : Samples
            Some of those of the training.

        Returns
        -------
        findings : list of str
            Each with what to change.
        """
        return []

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, X_val=None, y_val=None):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            At least two rows of finite numbers.
        y : None
            Ignored.
        X_val : array-like of shape (n_validation, n_features), default=None
            Validation data, read as X is, in place of held-out rows
            (:ref:`guide <early_stopping>`).
        y_val : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If data or parameters are wrong, or the training diverges. The estimator is
            then as it was before.
        """
        return self._fit(X, y, X_val, y_val)

    # -- fitting ---------------------------------------------------------------

    def _fit(
        self, X, y, X_val=None, y_val=None, sample_weight=None, sample_weight_val=None
    ):
        """What every `fit` does, whatever its docstring says of y."""
        for name, value in self.get_params(deep=False).items():
            if isinstance(value, torch.nn.Module):
                check_module(name, value)
        continues = self._continues_training()
        with unchanged_by_errors(self):
            if not continues:
                drop_fitted(self)
            samples, targets = self._read_weighted(X, y, sample_weight, reset=True)
            validation = None
            if X_val is not None:
                validation = self._read_validation(X_val, y_val, sample_weight_val)
            elif y_val is not None or sample_weight_val is not None:
                name = "sample_weight_val" if y_val is None else "y_val"
                raise ValueError(f"{name} is given without X_val; pass both.")
            seed, device = as_seed(self.random_state), as_device(self.device)
            if not (continues and hasattr(self, "_split_seed")):
                self._split_seed = int(seed)  # a warm start holds out the same rows
            with seeded(seed, device):
                self.net_ = self._train(samples, targets, validation, device)
            self._record_training(samples)
            self._finish(samples)
            findings = self._diagnose(samples.rows.some(N_EXAMINED))
            losses = [epoch["train_loss"] for epoch in self.net_.epochs_]
            has_fallen = len(losses) < 5 or min(losses[1:]) <= 0.999 * losses[0]
            if not (findings or has_fallen or losses[0] <= 0):
                findings.append(
                    f"the loss has not fallen in {len(losses)} epochs (it is "
                    f"{losses[-1]:.3g}): change lr, or train longer"
                )
            if findings:
                warn(
                    f"{type(self).__name__}: {'; '.join(findings)}.",
                    ConvergenceWarning,
                )
        return self

    def _continues_training(self):
        """Whether there is a trained network to go on with."""
        return self.warm_start and getattr(self, "n_iter_", 0) > 0

    def _read_weighted(self, X, y, sample_weight, *, reset):
        """Samples with their weights, and targets."""
        weights = None
        if sample_weight is not None:
            name = "sample_weight" if reset else "sample_weight_val"
            X, y, weights = leave_out_weightless(X, y, sample_weight, name)
        samples, targets = self._read(X, y, reset=reset)
        samples.weights = None if weights is None else as_tensor(weights)
        merges = reset and targets is not None and self._n_merged > 0
        if merges and len(samples) <= self._n_merged:
            return merge_equal(samples, targets)
        return samples, targets

    def _read_validation(self, X, y, sample_weight):
        """Samples and targets that the user gave to validate with."""
        if y is None and get_tags(self).target_tags.required:
            raise ValueError(
                "X_val is given without y_val; pass the labels that belong to it."
            )
        with _of_validation_data():
            samples, targets = self._read_weighted(X, y, sample_weight, reset=False)
            samples.check_finite()
        return samples, targets

    def _train(self, samples, targets, validation, device):
        """A trained net."""
        plan = self._plan(samples, targets)
        if plan.check is not None:
            plan.check(samples)
            if validation is not None:
                with _of_validation_data():
                    plan.check(validation[0])
        if plan.objective is None:
            network = build_network(plan.description)
            if plan.start is not None:
                plan.start(network, samples.rows)
            net = Net.untrained(network, plan.description, device)
            if has_own_modules(plan.description):
                try_trained(net, samples)
            return net
        before = self.net_ if self._continues_training() else None
        if before is None:
            network = plan.new_network(samples)
        else:
            network = continue_network(plan.description, before, plan.discard)
        network = network.to(device)
        plan.objective.begin(network, samples)
        there = plan.samples_on(device, network, samples)
        if validation is not None:
            validation = plan.samples_on(device, network, validation[0]), validation[1]
        batches, held_out, batch_size = make_batches(
            plan,
            network.arrange,
            there,
            targets,
            validation,
            batch_size=self.batch_size,
            fraction=self.validation_fraction if self.early_stopping else None,
            seed=self._split_seed,
            device=device,
        )
        max_epochs = self.max_epochs
        if max_epochs == "auto":
            n_samples = batches.n_samples
            max_epochs = max(N_EPOCHS, ceil(N_STEPS * batch_size / n_samples))
        net = Net.for_training(
            network,
            plan,
            optimizer=self.optimizer,
            lr=plan.auto_lr if self.lr == "auto" else self.lr,
            schedule=SCHEDULES[self.lr_schedule],
            weight_decay=self.weight_decay,
            max_epochs=max_epochs,
            batch_size=batch_size,
            device=str(device),
            callbacks=copy_callbacks(self.callbacks) if self.callbacks else [],
            verbose=self.verbose,
        )
        if before is not None:
            take_state(net, before)
        try:
            net.train_epochs(
                batches,
                held_out,
                mixed_precision=self.mixed_precision,
                n_iter_no_change=self.n_iter_no_change if self.early_stopping else None,
                rounds=plan.rounds,
                X=getattr(samples.rows, "array", None),
                y=targets.numpy() if isinstance(targets, torch.Tensor) else None,
            )
        except (Diverged, ValueError) as error:
            raise self._explained(error, samples) from None
        if has_own_modules(net.description):
            try_trained(net, samples)
        return net

    def _explained(self, error, samples):
        """An error of the training in the words of the parameters, if it is known."""
        if isinstance(error, Diverged):
            largest = samples.rows.largest()
            values, remedy = "", ""
            if largest is not None:
                values = f"Values of X reach {largest:.3g} in absolute value and "
                remedy = "standardise X, or "
            return ValueError(
                f"{type(self).__name__} diverged: {error}. {values}lr is {self.lr}; "
                f"{remedy}lower lr."
            )
        if "more than 1 value per channel" in str(error):
            return ValueError(
                f"batch_size={self.batch_size} leaves a single value to batch "
                "normalisation, which then knows no variance; raise it."
            )
        return error

    def _record_training(self, samples):
        """Set the attributes that tell of the training."""
        epochs = self.net_.epochs_
        before = getattr(self, "loss_curve_", [])  # dropped unless the fit goes on
        self.loss_curve_ = before + [epoch["train_loss"] for epoch in epochs]
        before = getattr(self, "loss_terms_curve_", [])
        self.loss_terms_curve_ = before + [epoch["train_terms"] for epoch in epochs]
        self.n_iter_ = len(self.loss_curve_)
        if epochs and "valid_loss" in epochs[0]:
            before = getattr(self, "validation_loss_curve_", None) or []
            held_out = [epoch["valid_loss"] for epoch in epochs]
            self.validation_loss_curve_ = before + held_out
        else:
            self.validation_loss_curve_ = None

    def _find_dead_units(self, samples):
        """Set `n_dead_units_` by some training rows, and say if they are too many."""
        network = self.net_.module_
        # What all units give is in memory at once.
        rows = samples.first(max(64, BLOCK_SIZE // samples.array[0].size))
        x = network.arrange(rows.to(self.net_.device))
        self.n_dead_units_, n_units = count_dead_units(network, x)
        if self.n_dead_units_ <= MANY_DEAD * n_units:
            return []
        return [
            f"{self.n_dead_units_} of {n_units} hidden units give the same value for "
            "every row: lower lr, or take activation='leaky_relu'"
        ]

    # -- input -----------------------------------------------------------------

    def _rows(self, X, *, reset):
        """Rows of a table, or images as rows where there is an `image_shape`.

        NaN in rows to encode is found later, block by block.
        """
        if not reset:
            check_is_fitted(self)
        if not hasattr(self, "image_shape"):
            return Rows(self._validate(X, reset=reset))
        array = read_images(self, X, self._validate, reset=reset)
        if len(self.image_shape_) == 2:  # a table, or signals
            return Rows(array)
        return Rows(array, image_scale(array, self.image_shape_))

    def _validate(self, X, *, reset):
        """Rows as an array of one of `DTYPES`."""
        X = validate_data(
            self,
            X,
            reset=reset,
            ensure_min_samples=2 if reset else 1,
            ensure_all_finite=reset,
        )
        return as_numbers(X)

    # -- encoding --------------------------------------------------------------

    def _samples(self, X):
        """What the user gave to a fitted estimator, as samples."""
        check_is_fitted(self)
        samples, _ = self._read(X, None, reset=False)
        return samples

    def _apply(self, name, samples, *, arrange=True, part=""):
        """Apply a method of the network to samples, or (without `arrange`) to codes.

        In their own precision, if the network knows it. `part` names a network within
        it whose method this is.
        """
        network = self.net_.module_
        if samples.is_double and network.knows_double:
            network = self.net_.in_double_precision()
        network = network.get_submodule(part)
        method = getattr(network, name)
        results, finite = map_samples(
            (lambda rows: method(network.arrange(rows))) if arrange else method,
            samples,
            block_size=network.block_rows,
            device=torch.device(self.net_.device),
            dtype=None if arrange else network.origin.dtype,
        )
        if not finite:
            samples.check_finite()
        if results.dtype.kind == "f":
            dtype = np.float64 if samples.is_double else np.float32
            results = results.astype(dtype, copy=False)
        return results

    def as_module(self, layer=None):
        """A copy of the trained network, for gradients and for other torch code.

        Parameters
        ----------
        layer : str, default=None
            Name of the layer whose output is wanted, one of those that
            ``as_module().network.named_modules()`` names. ``None`` gives the code; of
            a PairClassifier the log odds of each pair, as a column.

        Returns
        -------
        module : torch.nn.Module
            In evaluation mode. It takes a float32 tensor of what `transform`, or
            `predict`, takes (uint8 images as [0, 1]); inside, the channels of images
            come first.

        Raises
        ------
        ValueError
            If there is no such layer; the message lists those that there are.
        """
        check_is_fitted(self)
        network = copy_modules(self.net_.module_).eval()
        return UpToLayer(network, layer, getattr(self, "_unit", None))

    def __sklearn_clone__(self):
        """A clone that shares modules, callbacks, `init` and `preprocessor`.

        They may be large, and `fit` never changes them. Two modules that share a weight
        still share it in the clone.
        """
        shared = (
            name
            for name, value in self.get_params(deep=False).items()
            if isinstance(value, torch.nn.Module)
            or name in ("callbacks", "init", "preprocessor")
        )
        return clone_sharing(self, *shared)

    def __getstate__(self):
        state = dict(super().__getstate__())
        if "net_" in state:
            state["net_"] = state["net_"].plain_state()
        return with_saved_modules(state)

    def __setstate__(self, state):
        state = with_modules(state)
        super().__setstate__(state)
        if isinstance(state.get("net_"), dict):
            self.net_ = Net.for_encoding(
                **state["net_"], device=_device_at_hand(self.device)
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = hasattr(self, "image_shape")
        tags.target_tags.required |= self._requires_y
        return tags


class BaseDeepTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseDeepEstimator
):
    """Base of the estimators whose network encodes rows."""

    def transform(self, X):
        """Encode rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components_)
            In X's own precision; integers give float32.
        """
        return self._apply("encode", self._samples(X))

    def _record_training(self, samples):
        super()._record_training(samples)
        self.n_components_ = self._apply("encode", samples.rows.some(1)).shape[1]

    @property
    def _n_features_out(self):
        return self.n_components_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def as_numbers(X, name="X"):
    """An array of numbers as one of `DTYPES` that holds the same numbers."""
    if X.dtype.kind in "mM":
        raise ValueError(
            f"{name} has times of type {X.dtype}, which are no numbers; pass {name} "
            "as numbers in a unit of your choice, such as days."
        )
    if X.dtype in DTYPES:
        return X
    if X.dtype.kind == "f":
        return X.astype(np.float32 if X.dtype == np.float16 else np.float64)
    if X.dtype.itemsize <= 2:
        return X.astype(np.float32)
    beyond_int64 = X.dtype == np.uint64 and X.max() > np.iinfo(np.int64).max
    return X.astype(np.float64 if beyond_int64 else np.int64)


@contextmanager
def _of_validation_data():
    """Errors say that it is the validation data that are wrong."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"Validation data (X_val, y_val): {error}") from None


def _device_at_hand(device):
    """The device of a parameter, or the CPU where it is not there."""
    try:
        return as_device(device)
    except ValueError:
        return torch.device("cpu")
