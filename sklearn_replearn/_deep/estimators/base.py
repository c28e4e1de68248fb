"""The estimator that every neural technique is: validation, training, encoding."""

from abc import ABCMeta, abstractmethod
from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real
from textwrap import shorten

import numpy as np
import torch
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import get_tags
from sklearn.utils.validation import (
    assert_all_finite,
    check_is_fitted,
    validate_data,
)

from sklearn_replearn._cloning import clone_sharing
from sklearn_replearn._containers import row_blocks
from sklearn_replearn._deep.input.tensors import as_tensor, scaled, subtract
from sklearn_replearn._deep.networks.copies import copy_modules, share_weights
from sklearn_replearn._deep.networks.layers import ACTIVATIONS
from sklearn_replearn._deep.networks.network import UpToLayer
from sklearn_replearn._deep.networks.own_modules import check_modules, has_own_modules
from sklearn_replearn._deep.networks.registry import build_network
from sklearn_replearn._deep.objectives.health import Diverged, count_dead_units
from sklearn_replearn._deep.training.callbacks import copy_callbacks
from sklearn_replearn._deep.training.net import (
    Batches,
    Net,
    as_device,
    computes_in_double,
    has_bfloat16,
    is_saved_whole,
    map_rows,
    seeded,
)
from sklearn_replearn._deep.training.optimizers import (
    OPTIMIZERS,
    make_optimizer,
    take_state,
)
from sklearn_replearn._deep.training.samplers import RandomBatches
from sklearn_replearn._deep.training.saving import with_modules, with_saved_modules
from sklearn_replearn._deep.training.schedules import SCHEDULES
from sklearn_replearn._deep.training.splits import (
    count_rows,
    first_of_each,
    in_random_order,
)
from sklearn_replearn._fitted_state import drop_fitted, unchanged_by_errors
from sklearn_replearn._seeds import as_seed
from sklearn_replearn._sklearn import Interval, StrOptions, _fit_context
from sklearn_replearn._warnings import warn
from sklearn_replearn._weights import leave_out_weightless

#: Rows that the spread of the data is found from, and those that health is judged by.
N_SOME_ROWS = 1024
N_EXAMINED = 512

#: Rows that the user's modules are tried with.
N_TRIED = 4

#: Numbers that are worked on at a time.
MANY = 2**17

#: Share of dead units that is worth a warning.
MOST = 0.8

#: Types of numbers that are read batch by batch, without a copy of the whole.
DTYPES = (np.float32, np.float64, np.uint8, np.int64)

#: From how many standard deviations on a mean is subtracted before the cast to float32.
FAR = 64


@dataclass
class TrainingSet:
    """Samples to learn from: rows, or pairs of rows.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, n_features)
    targets : tensor of shape (n_samples,) or None
        What the network learns for each sample; ``None`` for the rows themselves.
    pairs : tensor of int64, of shape (n_samples, 2), default=None
        The two rows of each sample; ``None`` if a sample is a row.
    weights : tensor of float64, of shape (n_samples,), default=None
        How much each sample counts; ``None`` if all count as much.
    validation : TrainingSet, default=None
        Samples to validate with. ``None`` holds some of these samples out, if any.
    """

    rows: np.ndarray
    targets: torch.Tensor | None
    pairs: torch.Tensor | None = None
    weights: torch.Tensor | None = None
    validation: "TrainingSet | None" = None

    def __len__(self):
        return len(self.rows if self.pairs is None else self.pairs)

    def weights_of(self, index, device):
        """Weights with a mean of 1 over the samples that the index names, or None."""
        if self.weights is None:
            return None
        return (self.weights / self.weights[index].mean()).float().to(device)


class BaseDeepEstimator(BaseEstimator, metaclass=ABCMeta):
    """Base of all estimators that train a network.

    A technique says which network it trains, and by which loss, in `_design`; the rest
    is here. The parameters below are those that all techniques share.
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

    @abstractmethod
    def _design(self, data):
        """The description of the network, and the loss that it is trained by.

        Parameters
        ----------
        data : TrainingSet

        Returns
        -------
        description : dict
            As `build_network` takes it.
        criterion : torch module
            Of the network's output and the targets (a pair of targets and weights if
            samples have weights), or without targets, the rows as the network takes
            them.
        """

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
            Validation data, read as X is. All rows of X are trained with, and
            `validation_loss_curve_` is the loss on these rows. Without early stopping
            it is only recorded.
        y_val : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If X or X_val is not such a table, if parameters contradict each other, or
            if the training diverges. The estimator is then as it was before.
        """
        return self._fit(X, y, X_val, y_val)

    # -- fitting ---------------------------------------------------------------

    def _fit(
        self, X, y, X_val=None, y_val=None, sample_weight=None, sample_weight_val=None
    ):
        """What every `fit` does, whatever its docstring says of y."""
        with unchanged_by_errors(self):
            check_modules(self.get_params(deep=False))
            if not self._goes_on():
                drop_fitted(self)
            data = self._read(X, y, sample_weight)
            data.validation = self._read_validation(X_val, y_val, sample_weight_val)
            device = as_device(self.device)
            seed = as_seed(self.random_state)
            if not (self._goes_on() and hasattr(self, "_split_seed")):
                self._split_seed = int(seed)  # a warm start holds out the same rows
            with seeded(seed, device):
                net = self._train(data, device)
                if has_own_modules(net.description):
                    rows = self._rows_to_try(data.rows)
                    net.module_.knows_double.fill_(computes_in_double(net, rows))
                    _refuse_unsaved(net, rows)
            self.net_ = net
            self._set_fitted(data.rows)
            findings = self._find_ills(data.rows)
            if findings:
                warn(
                    f"{type(self).__name__}: {'; '.join(findings)}.",
                    ConvergenceWarning,
                )
        return self

    def as_module(self, layer=None):
        """A copy of the trained network, for gradients and for other torch code.

        Parameters
        ----------
        layer : str, default=None
            Name of the layer whose output is wanted, one of those that
            ``as_module().network.named_modules()`` names. ``None`` gives the code.

        Returns
        -------
        module : torch.nn.Module
            In evaluation mode. It takes a float32 tensor of what `transform` takes
            (uint8 images as [0, 1]); inside, the channels of images come first.

        Raises
        ------
        ValueError
            If there is no such layer; the message lists those that there are.
        """
        check_is_fitted(self)
        return UpToLayer(copy_modules(self.net_.module_).eval(), layer)

    def _read(self, X, y, sample_weight, *, reset=True):
        """What there is to learn from, or with ``reset=False`` to validate with."""
        if sample_weight is None:
            return self._training_set(X, y, reset=reset)
        name = "sample_weight" if reset else "sample_weight_val"
        X, y, weights = leave_out_weightless(X, y, sample_weight, name)
        data = self._training_set(X, y, reset=reset)
        data.weights = None if weights is None else as_tensor(weights)
        return data

    def _read_validation(self, X, y, sample_weight):
        """What the user gave to validate with, or None."""
        if X is None:
            for name, given in (("y_val", y), ("sample_weight_val", sample_weight)):
                if given is not None:
                    raise ValueError(f"{name} is given without X_val; pass both.")
            return None
        if y is None and get_tags(self).target_tags.required:
            raise ValueError(
                "X_val is given without y_val; pass the labels that belong to it."
            )
        try:
            return self._read(X, y, sample_weight, reset=False)
        except ValueError as error:
            raise ValueError(f"Validation data (X_val, y_val): {error}") from None

    def _training_set(self, X, y, *, reset=True):
        """Samples, validated."""
        X = self._validate(X, reset=reset)
        if not reset:
            assert_all_finite(X, input_name="X")
        return TrainingSet(X, self._validate_targets(X, y, reset=reset))

    def _train(self, data, device):
        """A trained net."""
        if self.mixed_precision and device.type == "cpu" and has_bfloat16() is False:
            warn(
                "mixed_precision=True makes the training 4 to 12 times slower on this "
                "processor, which has neither AMX nor AVX512-BF16; set "
                "mixed_precision=False."
            )
        X = data.rows
        description, criterion = self._design(data)
        module = self._start(description, X)
        train, held_out = self._split(data)
        net = Net.for_training(
            module,
            description,
            criterion,
            self._loss_unit(module),
            lr=self.lr,
            max_epochs=self.max_epochs,
            batch_size=self._batch_size(len(train)),
            device=str(device),
            callbacks=copy_callbacks(self.callbacks or []),
            verbose=self.verbose,
            optimizer=partial(
                make_optimizer,
                optimizer=self.optimizer,
                lr=self.lr,
                weight_decay=self.weight_decay,
                device=device,
            ),
        )
        if self._goes_on():
            take_state(net.optimizer_, getattr(self.net_, "optimizer_", None))
        rows = as_tensor(X).to(device)

        def make_batches(data, rows, index, *, shuffle=True, augment=None):
            return Batches(
                rows,
                self._sampler(data, net.batch_size, device, index, shuffle=shuffle),
                arrange=module.arrange,
                scale=self._scale(data.rows),
                targets=None if data.targets is None else data.targets.to(device),
                weights=data.weights_of(index, device),
                augment=augment,
            )

        batches = make_batches(data, rows, train, augment=self._augmentation(module))
        to_validate = None
        if data.validation is not None:
            given = data.validation
            rows, index = as_tensor(given.rows).to(device), torch.arange(len(given))
            to_validate = make_batches(given, rows, index, shuffle=False)
        elif len(held_out):
            to_validate = make_batches(data, rows, held_out, shuffle=False)
        try:
            net.train_epochs(
                batches,
                to_validate,
                schedule=SCHEDULES[self.lr_schedule],
                mixed_precision=self.mixed_precision,
                n_iter_no_change=self.n_iter_no_change if self.early_stopping else None,
                verbose=self.verbose,
                X=X,
                y=None if data.targets is None else data.targets.numpy(),
            )
        except Diverged as error:
            largest = float(max(abs(X.max()), abs(X.min())))
            raise ValueError(
                f"{type(self).__name__} diverged: {error}. Values of X reach "
                f"{largest:.3g} in absolute value and lr is {self.lr}; standardise X, "
                "or lower lr."
            ) from None
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise ValueError(
                f"batch_size={self.batch_size} leaves a single value to batch "
                "normalisation, which then knows no variance; raise it."
            ) from None
        return net

    def _goes_on(self):
        """Whether there is a network to go on with."""
        return self.warm_start and hasattr(self, "net_")

    def _start(self, description, X):
        """The network to train: a new one, or a copy of that to go on with."""
        if not self._goes_on():
            module = build_network(description)
            if not (has_own_modules(description) or description.get("binary")):
                module.origin.copy_(self._origin(X, len(module.origin)))
            self._prepare_network(module, X)
            return module
        before = self.net_.description
        changed = [
            name
            for name in description
            if not _alike(description[name], before.get(name))
        ]
        if changed:
            raise ValueError(
                "warm_start=True goes on with the network as it is, but the parameters "
                f"now describe another one ({', '.join(changed)}: "
                f"{_in_short(before.get(changed[0]))} then, "
                f"{_in_short(description[changed[0]])} now); set warm_start=False."
            )
        return copy_modules(self.net_.module_)

    def _split(self, data):
        """Indices of the samples to train with, and of those held out.

        Each class has its share of either; see `splits`.
        """
        index = torch.arange(len(data))
        if not self.early_stopping or data.validation is not None:
            return index, index[:0]
        codes = np.zeros(len(data)) if data.targets is None else data.targets.numpy()
        seed = getattr(self, "_split_seed", None)
        seed = as_seed(self.random_state) if seed is None else seed
        order, ranks = in_random_order(codes, seed)
        n_each = self._count_held_out(data, np.bincount(ranks))
        is_held_out = torch.from_numpy(first_of_each(order, ranks, n_each))
        return index[~is_held_out], index[is_held_out]

    def _count_held_out(self, data, counts):
        """How many samples to hold out of each class, from how many it has."""
        what = "rows" if data.pairs is None else "pairs"
        if len(counts) > 1:
            n_each = count_rows(counts, self.validation_fraction)
        else:  # there are no classes
            n_each = np.array([round(self.validation_fraction * len(data))])
        n_held_out = n_each.sum()
        if 1 <= n_held_out <= len(data) - 2:
            return n_each
        if max(counts) < 2:
            raise ValueError(
                f"early_stopping leaves one of the {what} of each class in training, "
                "but each class in y has only one; pass X_val and y_val, or set "
                "early_stopping=False."
            )
        raise ValueError(
            f"early_stopping needs {what} to validate with and at least two to train "
            f"with, but validation_fraction={self.validation_fraction} of {len(data)} "
            f"{what} holds out {n_held_out}; change it, pass X_val, or set "
            "early_stopping=False."
        )

    def _sampler(self, data, batch_size, device, index, *, shuffle=True):
        """What makes batches of the samples that the indices name."""
        return RandomBatches(index.to(device), batch_size, shuffle=shuffle)

    def _batch_size(self, n_samples):
        if self.batch_size == "auto":
            return min(n_samples, max(16, min(128, n_samples // 16)))
        if self.batch_size > n_samples:
            warn(
                f"batch_size={self.batch_size} is more than the {n_samples} rows to "
                "train with: each epoch is one batch of all of them.",
            )
        return min(self.batch_size, n_samples)

    def _set_fitted(self, X):
        """Set the attributes that tell of the training."""
        epochs = self.net_.epochs_
        before = getattr(self, "loss_curve_", [])  # dropped unless the fit goes on
        self.loss_curve_ = before + [epoch["train_loss"] for epoch in epochs]
        self.n_iter_ = len(self.loss_curve_)
        if epochs and "valid_loss" in epochs[0]:
            before = getattr(self, "validation_loss_curve_", None) or []
            held_out = [epoch["valid_loss"] for epoch in epochs]
            self.validation_loss_curve_ = before + held_out
        else:
            self.validation_loss_curve_ = None

    def _find_ills(self, X):
        """What is wrong with the training and its result, and what to change."""
        findings = self._examine(some_rows(X, N_EXAMINED))
        losses = [epoch["train_loss"] for epoch in self.net_.epochs_]
        if len(losses) >= 5 and min(losses[1:]) > 0.999 * losses[0] > 0:
            findings.append(
                f"the loss has not fallen in {len(losses)} epochs (it is "
                f"{losses[-1]:.3g}): change lr, or train longer"
            )
        return findings

    def _examine(self, X):
        """Set attributes of health from some training rows.

        Returns
        -------
        findings : list of str
            What is ill with the representation, each with what to change.
        """
        return []

    def _examine_units(self, X):
        """Set `n_dead_units_` from some training rows, and say if they are too many."""
        network = self.net_.module_
        X = X[: max(64, MANY // X[0].size)]  # what all units give is in memory at once
        rows = scaled(as_tensor(X).to(self.net_.device), self._scale(X))
        self.n_dead_units_, n_units = count_dead_units(network, network.arrange(rows))
        if self.n_dead_units_ <= MOST * n_units:
            return []
        return [
            f"{self.n_dead_units_} of {n_units} hidden units give the same value for "
            "every row: lower lr, or take activation='leaky_relu'"
        ]

    # -- input -----------------------------------------------------------------

    def _validate(self, X, *, reset=False):
        """Rows as an array of one of `DTYPES`. NaN in `transform` is found later.

        Other types are cast to one of them that holds the same numbers.
        """
        if not reset:
            check_is_fitted(self)
        X = validate_data(
            self,
            X,
            reset=reset,
            ensure_min_samples=2 if reset else 1,
            ensure_all_finite=reset,
        )
        if X.dtype.kind in "mM":
            raise ValueError(
                f"X has times of type {X.dtype}, which are no numbers; pass X as "
                "numbers in a unit of your choice, such as days."
            )
        if X.dtype in DTYPES:
            return X
        if X.dtype.kind == "f":
            return X.astype(np.float32 if X.dtype == np.float16 else np.float64)
        if X.dtype.itemsize <= 2:
            return X.astype(np.float32)
        beyond_int64 = X.dtype == np.uint64 and X.max() > np.iinfo(np.int64).max
        return X.astype(np.float64 if beyond_int64 else np.int64)

    def _validate_targets(self, X, y, *, reset=True):
        """What the network learns to put out for X, or None for X itself."""
        return None

    def _sizes(self, name, things):
        """The whole numbers that a parameter holds, one or several."""
        given = getattr(self, name)
        sizes = np.atleast_1d(np.asarray(given, dtype=object))
        if sizes.ndim > 1 or not all(
            isinstance(size, Integral) and size >= 1 for size in sizes
        ):
            raise ValueError(
                f"{name} must be whole numbers of {things}, each at least 1; got "
                f"{given!r}."
            )
        return [int(size) for size in sizes]

    def _hidden_sizes(self):
        return self._sizes("hidden_layer_sizes", "units")

    def _scale(self, X):
        """Factor by which the network wants the numbers of X."""
        return 1.0

    def _augmentation(self, module):
        """What makes other inputs of those of the training, or None."""
        return None

    def _loss_unit(self, module):
        """What the loss is divided by in training, so that `lr` means the same."""
        return 1.0

    def _prepare_network(self, module, X):
        """Raise if a module that the user gave does not fit X; else adapt its start."""

    def _origin(self, X, n_origins):
        """Mean of each column, or of all, where it is far from zero; 0 elsewhere."""
        if self._scale(X) != 1.0:
            return torch.zeros(n_origins)
        rows = some_rows(X).reshape(-1, n_origins)
        mean = rows.mean(axis=0, dtype=np.float64)
        differences = subtract(as_tensor(rows), torch.from_numpy(mean)).numpy()
        with np.errstate(over="ignore"):  # an infinite spread is far from nothing
            spread = differences.std(axis=0)
        is_far = (spread > 0) & (np.abs(mean) > FAR * spread)
        # Whole numbers in single precision are subtracted from any type exactly.
        return torch.from_numpy(np.where(is_far, mean.round(), 0)).float()

    def _mean_and_spread(self, module, X):
        """Mean row in the layers' shape, less the origin; deviation of all values."""
        scale = self._scale(X)
        if module.origin.any():
            blocks = row_blocks(len(X), X[0].size, size=MANY)
            parts = (subtract(as_tensor(X[rows]), module.origin) for rows in blocks)
            mean = sum(part.double().sum(0) for part in parts) / len(X)
        else:
            mean = torch.from_numpy(X.mean(axis=0, dtype=np.float64) * scale)
        rows = some_rows(X)
        variance = squares_about_mean(rows, scale) / rows.size
        return module.lay(mean[None].float())[0], variance**0.5 or 1.0

    def _rows_to_try(self, X):
        """A few rows to try a module with."""
        return scaled(as_tensor(X[:N_TRIED]), self._scale(X))

    # -- encoding --------------------------------------------------------------

    def _map_rows(self, name, X):
        """Apply a method of the network to rows."""
        return self._map_validated(name, self._validate(X))

    def _map_validated(self, name, X, *, arrange=True):
        """Apply a method of the network to rows, or (without `arrange`) to codes.

        In their own precision, if the network knows it.
        """
        dtype = X.dtype if X.dtype == np.float64 else np.dtype(np.float32)
        network = self.net_.module_
        if dtype == np.float64 and network.knows_double:
            network = self.net_.in_double_precision()
        if network.reads_by_hook:  # no other thread may add its outputs
            network = share_weights(network)
        method = getattr(network, name)
        results, finite = map_rows(
            (lambda rows: method(network.arrange(rows))) if arrange else method,
            X,
            block_rows=network.block_rows,
            device=torch.device(self.net_.device),
            dtype=None if arrange else network.origin.dtype,
            scale=self._scale(X) if arrange else 1.0,
        )
        if not finite:
            assert_all_finite(X, input_name="X")
        if results.dtype.kind == "f":
            results = results.astype(dtype, copy=False)
        return results

    def __sklearn_clone__(self):
        """A clone that shares modules, callbacks and `preprocessor`.

        They may be large, and `fit` never changes them. Two modules that share a weight
        still share it in the clone.
        """
        shared = (
            name
            for name, value in self.get_params(deep=False).items()
            if isinstance(value, torch.nn.Module)
            or name in ("callbacks", "preprocessor")
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
        return self._map_rows("encode", X)

    @property
    def _n_features_out(self):
        return self.n_components_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _refuse_unsaved(net, rows):
    """Raise if the training changed a part of the user's modules that is not saved."""
    if not is_saved_whole(net, rows):
        names = " or the ".join(
            name
            for name, value in net.description.items()
            if isinstance(value, torch.nn.Module)
        )
        raise ValueError(
            f"The {names} keeps something of the training that is neither a weight "
            "nor a buffer, and would not be saved; make it a buffer with "
            "register_buffer in __init__, or let get_extra_state return it."
        )


def some_rows(X, n_rows=N_SOME_ROWS):
    """At most so many rows from all over X."""
    step = max(1, len(X) // n_rows)
    return X[::step][:n_rows]


def squares_about_mean(X, scale):
    """Sum of squared differences from the mean row, without a second copy of X."""
    mean = torch.from_numpy(X.mean(axis=0, dtype=np.float64))
    total = 0.0
    with np.errstate(over="ignore"):  # what is beyond all numbers is infinite
        for rows in row_blocks(len(X), X[0].size, size=MANY):
            differences = subtract(as_tensor(X[rows]), mean).numpy().ravel()
            total += differences @ differences
    return float(total) * scale**2


def _alike(one, other):
    """Whether parts of two descriptions are the same, or modules of the same layers."""
    if isinstance(one, torch.nn.Module) and isinstance(other, torch.nn.Module):
        return repr(one) == repr(other) and _weight_shapes(one) == _weight_shapes(other)
    return one == other


def _weight_shapes(module):
    state = module.state_dict()
    return {name: getattr(value, "shape", None) for name, value in state.items()}


def _in_short(value):
    """A part of a description for a message, on one line."""
    return shorten(repr(value), width=60, placeholder=" ...")


def _device_at_hand(device):
    """The device of a parameter, or the CPU where it is not there."""
    try:
        return as_device(device)
    except ValueError:
        return torch.device("cpu")
