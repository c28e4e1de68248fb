"""The net that is trained: skorch's, with whole-tensor batches and few host syncs.

Only this file and that of the callbacks import skorch. Everything in here takes and
returns arrays, tensors and modules, never an estimator.
"""

import platform
import re
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from threading import RLock
from time import perf_counter

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping, LoadInitState
from torch import nn

from sklearn_replearn._deep.input.tensors import as_tensor, scaled
from sklearn_replearn._deep.networks.copies import in_double_precision, unsaved_buffers
from sklearn_replearn._deep.networks.network import in_mixed_precision
from sklearn_replearn._deep.networks.own_modules import MIXED, near
from sklearn_replearn._deep.networks.registry import build_network
from sklearn_replearn._deep.objectives.health import Diverged
from sklearn_replearn._deep.objectives.losses import WeightedCrossEntropy
from sklearn_replearn._deep.training.callbacks import (
    BatchDataset,
    complete,
    refuse_misfits,
)
from sklearn_replearn._deep.training.optimizers import first_line
from sklearn_replearn._deep.training.saving import (
    is_known,
    with_modules,
    with_saved_modules,
)
from sklearn_replearn._deep.training.schedules import constant
from sklearn_replearn._progress import progress_bar

# ---------------------------------------------------------------------------
# Devices, seeds, tensors
# ---------------------------------------------------------------------------


def _without_weights(target):
    """Targets of a batch as callbacks get them."""
    return target[0] if isinstance(target, tuple) else target


def as_device(device):
    """The torch device that a parameter names; "auto" takes a GPU if there is one."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(device)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"device={str(device)!r} cannot be used here ({reason}); take 'auto' or "
            "'cpu'."
        ) from None
    return device


def has_bfloat16():
    """Whether the processor has instructions for bfloat16, or None if that is unknown.

    That is AMX or AVX512-BF16, as torch names them; other architectures are unknown.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return None
    try:
        return (
            torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
        )
    except (AttributeError, RuntimeError):  # private, so they may be gone
        return None


_GENERATOR = RLock()  # torch's default generator belongs to all threads


@contextmanager
def seeded(seed, device):
    """Torch's generators with a seed, and as they were afterwards.

    Denormal numbers count as zero meanwhile: the moments that Adam keeps of weights
    that have no gradient any more become denormal, and slow an epoch down to half.
    """
    devices = [device] if device.type == "cuda" else []
    with _GENERATOR, torch.random.fork_rng(devices=devices):
        torch.random.default_generator.manual_seed(seed)
        if devices:
            torch.cuda.manual_seed(seed)
        kept_denormals = bool(torch.tensor(1e-40) * 1.0)
        torch.set_flush_denormal(True)
        try:
            yield
        finally:
            torch.set_flush_denormal(not kept_denormals)


class Batches:
    """Batches of rows and their targets, each gathered by one index.

    Parameters
    ----------
    rows : tensor of shape (n_samples, ...)
        Of any dtype, on the device of the training.
    sampler : iterable
        Yields which rows, and which targets, make a batch; see `samplers`.
    arrange : callable
        Makes the input of the network from rows.
    scale : float
        Factor of the rows.
    targets : tensor of shape (n_targets, ...), default=None
        What the network is to put out. ``None`` takes its input.
    weights : tensor of shape (n_targets,), default=None
        How much each target counts; a batch then has a pair of targets and weights.
    augment : callable, default=None
        Makes other inputs that have the same targets.
    """

    def __init__(
        self,
        rows,
        sampler,
        *,
        arrange,
        scale=1.0,
        targets=None,
        weights=None,
        augment=None,
    ):
        self.rows = rows
        self.sampler = sampler
        self.arrange = arrange
        self.scale = scale
        self.targets = targets
        self.weights = weights
        self.augment = augment

    @property
    def n_rows(self):
        return self.sampler.n_rows

    def __len__(self):
        return len(self.sampler)

    def __iter__(self):
        for chosen, aims in self.sampler:
            x, target = self.take(chosen, aims)
            if self.weights is not None:
                target = target, self.weights[aims]
            yield (x if self.augment is None else self.augment(x)), target

    def take(self, chosen, aims):
        """Some rows as the network takes them, and some targets."""
        rows = self.rows.index_select(0, chosen)
        x = self.arrange(scaled(rows, self.scale))
        return x, x if self.targets is None else self.targets[aims]


def as_arrays(module):
    """Weights and all buffers of a module as arrays, and its extra state as it is.

    Sparse tensors stay tensors. Floats of which numpy has no type, such as bfloat16,
    are kept in single precision.
    """
    arrays = {}
    for name, value in {**module.state_dict(), **unsaved_buffers(module)}.items():
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu()
            if value.layout == torch.strided:
                value = (value if is_known(value.dtype) else value.float()).numpy()
        arrays[name] = value
    return arrays


def load_arrays(module, arrays):
    """Give a module the weights that `as_arrays` has taken from one of its kind.

    Weights that two of its parts share are one tensor again.
    """
    shared, values = {}, {}
    unsaved = unsaved_buffers(module)
    places = {**module.state_dict(keep_vars=True), **unsaved}
    for name, array in arrays.items():
        place = places[name]
        if not isinstance(place, torch.Tensor):
            values[name] = array
            continue
        if id(place) not in shared:
            tensor = array if isinstance(array, torch.Tensor) else as_tensor(array)
            tensor = tensor.to(place.dtype)
            if isinstance(place, nn.Parameter):
                is_trained = place.requires_grad
                tensor = nn.Parameter(tensor, requires_grad=is_trained)
            shared[id(place)] = tensor
        values[name] = shared[id(place)]
    for name in unsaved:
        parent, _, buffer = name.rpartition(".")
        setattr(module.get_submodule(parent), buffer, values.pop(name))
    module.load_state_dict(values, assign=True)


# ---------------------------------------------------------------------------
# Training
# ---------------------------------------------------------------------------


class Net(NeuralNet):
    """A skorch net that is trained from tensors, and keeps plain state.

    In place of skorch's loops over a data loader, one `index_select` makes a batch, and
    the losses stay on the device until an epoch is over. If there are callbacks, they
    are called, and batches are recorded in the history, as by skorch. Pickled, a net is
    the description of its network and the weights as arrays.

    Attributes
    ----------
    description : dict
        What `module_` is built from.
    loss_unit : float
        Gradients are those of the loss in this unit; the losses recorded are not.
    epochs_ : list of dict
        The losses, and the health, of each epoch of the last training. The history
        repeats them, but callbacks can change it.
    """

    loss_unit = 1.0
    epochs_ = ()

    @classmethod
    def for_training(cls, module, description, criterion, loss_unit, **options):
        """An initialised net around a module; `optimizer` makes one of weights."""
        if isinstance(criterion, WeightedCrossEntropy):
            cls = ClassifierNet
        net = cls(
            module,
            criterion,
            train_split=None,
            iterator_valid__generator=torch.Generator(),  # predictions draw nothing
            **options,
        ).initialize()
        net.description = description
        net.loss_unit = loss_unit
        return net

    @classmethod
    def for_encoding(cls, description, weights, device):
        """A net with known weights, without an optimizer."""
        # On "meta" the start takes neither memory nor random numbers.
        module = build_network(description, device="meta")
        load_arrays(module, weights)
        module.lay_out()
        return cls.untrained(module, description, device)

    @classmethod
    def untrained(cls, module, description, device):
        """A net around a module that is used as it is, without an optimizer."""
        net = cls(module, nn.Identity(), device=str(device))
        net.initialize_virtual_params()
        net._initialize_module()
        net.initialize_history()
        net.module_.eval()
        net.description = description
        net.initialized_ = True
        return net

    @property
    def _default_callbacks(self):
        return []  # losses are recorded, and shown, in train_epochs

    def initialize_callbacks(self):
        super().initialize_callbacks()
        for _, callback in self.callbacks_:
            complete(callback)
        return self

    def initialize_module(self):
        self.module_ = self.module.to(self.device)
        return self

    def initialize_optimizer(self, triggered_directly=None):
        weights = [weights for _, weights in self.get_all_learnable_params()]
        self.optimizer_ = self.optimizer(weights)
        return self

    def load_params(self, *args, **options):
        try:
            super().load_params(*args, **options)
        except (RuntimeError, ValueError) as error:
            heading, *details = str(error).splitlines() or [""]
            if not re.search("load.* state.dict", heading):  # torch's words
                raise
            reason = (details or [heading])[0].strip()
            raise ValueError(
                f"The file is that of another network or optimizer ({reason})."
            ) from error

    def in_double_precision(self):
        """The network with its weights in double precision, made when it is needed.

        It is kept for the next call, until a weight changes.
        """
        tensors = (*self.module_.parameters(), *self.module_.buffers())
        versions = [(id(tensor), tensor._version) for tensor in tensors]
        known, network = getattr(self, "_double", (None, None))
        if known != versions:
            network = in_double_precision(self.module_)
            self._double = versions, network
        return network

    def plain_state(self):
        """Description and weights, of which no part is a tensor."""
        return {"description": self.description, "weights": as_arrays(self.module_)}

    def __getstate__(self):
        return with_saved_modules(self.plain_state())

    def __setstate__(self, state):
        twin = Net.for_encoding(**with_modules(state), device=as_device("auto"))
        self.__dict__.update(twin.__dict__)

    def train_epochs(
        self,
        batches,
        held_out=None,
        *,
        schedule,
        n_iter_no_change,
        verbose,
        mixed_precision=False,
        X=None,
        y=None,
    ):
        """Train for `max_epochs`, or until the held-out loss has stopped falling.

        Parameters
        ----------
        batches : Batches
        held_out : Batches or None
            Their loss is recorded in every epoch.
        schedule : callable
            Factor of `lr` for the share of the training that is done.
        n_iter_no_change : int or None
            Epochs to wait for a lower held-out loss. ``None`` records this loss alone:
            the training goes on to the end, and the last weights are kept.
        verbose : int
        mixed_precision : bool
            Whether the layers compute in lower precision.
        X, y : ndarray or None
            The data, for callbacks.

        Raises
        ------
        Diverged
            If the loss of an epoch is not finite.
        ValueError
            If a callback could not do its work.
        """
        refuse_misfits(
            self, is_constant=schedule is constant, has_held_out=held_out is not None
        )
        best = _BestWeights(self.module_)
        stops_early = held_out is not None and n_iter_no_change is not None
        rates = _Rates(self.optimizer_, schedule)
        sets = {
            "dataset_train": BatchDataset(batches),
            "dataset_valid": None if held_out is None else BatchDataset(held_out),
        }
        self.epochs_ = []
        self.notify("on_train_begin", X=X, y=y)
        if any(isinstance(callback, LoadInitState) for _, callback in self.callbacks_):
            rates.last = None  # those of a file, which the schedule goes on from
        with (
            in_mixed_precision(self.module_) if mixed_precision else nullcontext(),
            progress_bar(
                verbose,
                self.max_epochs * batches.n_rows,
                "rows",
                f"epoch 1/{self.max_epochs}",
            ) as advance,
        ):
            for epoch in range(self.max_epochs):
                started = perf_counter()
                say = _Progress(advance, epoch, self.max_epochs, self.epochs_)
                self.notify("on_epoch_begin", **sets)
                self.epochs_.append({})
                self._train_epoch(batches, epoch, rates, say)
                if held_out is not None:
                    loss = self._judge(held_out)
                if stops_early:
                    best.compare(loss, epoch)
                self.history.record("dur", perf_counter() - started)
                if self._end_epoch(sets):
                    break
                if stops_early and epoch - best.epoch >= n_iter_no_change:
                    break
            _Progress(advance, epoch, self.max_epochs, self.epochs_)(0)
        best.restore()
        self.optimizer_.zero_grad()  # gradients would be copied with the weights
        self.notify("on_train_end", X=X, y=y)
        self.module_.eval()

    def _train_epoch(self, batches, epoch, rates, say):
        """One pass over the batches; records the mean loss of a row."""
        self.module_.train()
        step = self._announced_step if self.callbacks_ else self._step
        total, n_rows, n_batches, n_steps = 0.0, 0, 0, self.max_epochs * len(batches)
        for x, target in batches:
            rates.set(epoch / self.max_epochs + n_batches / n_steps)
            total = total + step(x, target)[0] * len(x)
            n_rows += len(x)
            n_batches += 1
            say(len(x))
        self._record("train", float(total) / n_rows, n_batches)
        if hasattr(self.criterion_, "take_health"):
            for name, value in self.criterion_.take_health().items():
                self._note(name, value)

    def _judge(self, batches):
        """The mean loss of a row, recorded, of batches that are not trained with."""
        self.module_.eval()
        evaluate = self._announced_evaluate if self.callbacks_ else self._evaluate
        total, n_rows, n_batches = 0.0, 0, 0
        with torch.no_grad():
            for x, target in batches:
                total = total + evaluate(x, target)[0] * len(x)
                n_rows += len(x)
                n_batches += 1
        loss = float(total) / n_rows
        self._record("valid", loss, n_batches)
        return loss

    def _step(self, x, target):
        """Take a step; the loss and the output before it."""
        outputs = []

        def closure():
            self.optimizer_.zero_grad()
            outputs.append(self.module_(x))
            loss = self.criterion_(outputs[-1], target) / self.loss_unit
            if not loss.requires_grad:
                raise ValueError(
                    "There is nothing to train: no weight of the network requires a "
                    "gradient; leave some that a module or a callback does not freeze."
                )
            loss.backward()
            if self.callbacks_:
                self.notify(
                    "on_grad_computed",
                    named_parameters=list(self.get_all_learnable_params()),
                    batch=(x, _without_weights(target)),
                    training=True,
                )
            return loss

        loss = self._optimize(closure) * self.loss_unit
        return loss, outputs[0]

    def evaluation_step(self, batch, training=False):
        """An output for callbacks, whose noise does not change that of the training."""
        devices = [self.device] if torch.device(self.device).type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            return super().evaluation_step(batch, training=training)

    def _evaluate(self, x, target):
        output = self.module_(x)
        return self.criterion_(output, target), output

    def _announced_step(self, x, target):
        return self._announce("train", self._step, x, target)

    def _announced_evaluate(self, x, target):
        return self._announce("valid", self._evaluate, x, target)

    def _announce(self, name, work, x, target):
        """Work on a batch between the hooks of callbacks for it."""
        is_training = name == "train"
        self._set_training(is_training)  # hooks may predict
        batch = (x, _without_weights(target))
        self.notify("on_batch_begin", batch=batch, training=is_training)
        loss, output = work(x, target)
        self.history.record_batch(f"{name}_loss", loss.item())
        self.history.record_batch(f"{name}_batch_size", len(x))
        self.notify(
            "on_batch_end", batch=batch, training=is_training, loss=loss, y_pred=output
        )
        return loss, output

    def _optimize(self, closure):
        """Take a step; the first loss of the closure.

        Errors of the closure are raised as they are.
        """
        loss = failure = None

        def watched():
            nonlocal loss, failure
            try:
                result = closure()
            except BaseException as error:
                failure = error
                raise
            if loss is None:
                loss = result.detach()
            return result

        name = type(self.optimizer_).__name__
        try:
            self.optimizer_.step(watched)
        except Exception as error:
            if error is failure:
                raise
            raise ValueError(
                f"The optimizer {name} failed in a step ({first_line(error)}); take "
                "another optimizer, or other options."
            ) from error
        if loss is None:
            raise ValueError(
                f"The optimizer {name} did not call the closure that its step() was "
                "given; take another optimizer."
            )
        return loss

    def _record(self, name, loss, n_batches):
        """Record the loss of an epoch of "train" or "valid"."""
        if not np.isfinite(loss):
            kind = "training" if name == "train" else "held-out"
            raise Diverged(
                f"the {kind} loss became {loss} in epoch {len(self.epochs_)}"
            )
        name = f"{name}_loss"
        best = min((epoch[name] for epoch in self.epochs_[:-1]), default=np.inf)
        self._note(name, loss)
        self.history.record(f"{name}_best", loss < best)
        self.history.record(name.replace("loss", "batch_count"), n_batches)

    def _note(self, name, value):
        self.epochs_[-1][name] = value
        self.history.record(name, value)

    def _end_epoch(self, sets):
        """Tell the callbacks; whether skorch's own early stopping wants to stop.

        It says so by KeyboardInterrupt, which is Ctrl-C otherwise.
        """
        try:
            self.notify("on_epoch_end", **sets)
        except KeyboardInterrupt:
            stoppers = [
                callback
                for _, callback in self.callbacks_
                if isinstance(callback, EarlyStopping)
            ]
            if any(stopper.misses_ == stopper.patience for stopper in stoppers):
                return True
            raise
        return False


class ClassifierNet(ClassifierMixin, Net):
    """A net whose outputs are logits of classes, as scikit-learn's scorers need it."""

    @property
    def classes_(self):
        return np.arange(len(self.criterion_.class_weights))

    def predict_proba(self, X):
        logits = torch.from_numpy(super().predict_proba(X))
        return logits.softmax(1).numpy()

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)


class _Rates:
    """The learning rates of an optimizer in the course of a schedule."""

    def __init__(self, optimizer, schedule):
        self.optimizer = optimizer
        self.schedule = schedule
        self.first = self.last = self._read()

    def _read(self):
        return [group["lr"] for group in self.optimizer.param_groups]

    def set(self, progress):
        """Set the rates for the share of the training that is done.

        Raises
        ------
        ValueError
            If somebody else has set them.
        """
        if self.schedule is constant:
            return
        if self.last not in (None, self._read()):
            raise ValueError(
                "A callback changed the learning rate, which lr_schedule sets at each "
                "batch; set lr_schedule='constant'."
            )
        factor = self.schedule(progress)
        self.last = [rate * factor for rate in self.first]
        for group, rate in zip(self.optimizer.param_groups, self.last, strict=True):
            group["lr"] = rate


class _Progress:
    """Moves the bar on by a batch, with the last losses on its left."""

    def __init__(self, advance, epoch, max_epochs, epochs):
        self.advance = advance
        self.text = f"epoch {epoch + 1}/{max_epochs}"
        if epochs:
            last = epochs[-1]
            self.text += f", loss {last['train_loss']:.4g}"
            if "valid_loss" in last:
                self.text += f" (held out {last['valid_loss']:.4g})"

    def __call__(self, n_rows):
        self.advance(n_rows, self.text)


class _BestWeights:
    """A copy of the weights with the lowest loss."""

    def __init__(self, module):
        self.module = module
        self.loss = np.inf
        self.epoch = 0
        self.weights = None

    def compare(self, loss, epoch):
        if loss < self.loss:
            self.loss, self.epoch = loss, epoch
            self.weights = deepcopy(self.module.state_dict())
            self.buffers = deepcopy(unsaved_buffers(self.module))

    def restore(self):
        if self.weights is not None:
            self.module.load_state_dict(self.weights)
            for name, buffer in unsaved_buffers(self.module).items():
                buffer.copy_(self.buffers[name])


# ---------------------------------------------------------------------------
# Encoding
# ---------------------------------------------------------------------------


def computes_in_double(net, rows):
    """Whether a network with modules of the user also works in double precision.

    Parameters
    ----------
    net : Net
    rows : tensor of shape (n_rows, n_values)
    """
    single = _output_for(net.module_, rows, net.device)
    try:
        double = _output_for(net.in_double_precision(), rows, net.device)
    except Exception:  # whatever a module raises that makes tensors of its own
        return False
    return double.dtype == torch.float64 and torch.allclose(
        double, single.double(), rtol=0.01, atol=0.01 * float(single.abs().max())
    )


def is_saved_whole(net, rows):
    """Whether a net with modules of the user gives the same output once it is saved.

    Parameters
    ----------
    net : Net
    rows : tensor of shape (n_rows, n_values)
    """
    try:
        twin = Net.for_encoding(**net.plain_state(), device=net.device)
        one, other = (
            _output_for(module, rows, net.device)
            for module in (net.module_, twin.module_)
        )
    except Exception:  # whatever a module raises that lacks a part
        return False
    return near(one, other, MIXED * one.abs().max())


@torch.inference_mode()
def _output_for(network, rows, device):
    """What a network gives for rows, taken twice: an even number, for pairs."""
    return network.evaluate(network.arrange(torch.cat([rows, rows]).to(device)))


def map_rows(function, X, *, block_rows, device, dtype=None, scale=1.0):
    """Apply a function of tensors to rows, block by block.

    Parameters
    ----------
    function : callable
        Of a tensor of rows, gives a tensor with as many rows. It may overwrite its
        argument, which is never in the memory of X.
    X : ndarray of shape (n_samples, ...)
    block_rows : int
        Largest number of rows of a block.
    device : torch device
    dtype : torch dtype, default=None
        Type of the function's argument; ``None`` is that of X, or float32 with a scale
        other than 1.
    scale : float, default=1.0
        Factor of the rows.

    Returns
    -------
    results : ndarray
    finite : bool
        Whether the sums of all blocks of X are finite.
    """
    rows, results = as_tensor(X), None
    dtype = dtype or rows.dtype
    total = 0
    with torch.inference_mode():
        for start in range(0, len(X), block_rows):
            stop = min(start + block_rows, len(X))
            block = rows[start:stop].to(device=device, dtype=dtype, copy=True)
            total = total + block.sum()  # stays NaN or infinite
            result = function(scaled(block, scale))
            if len(result) == len(X):
                results = result.cpu()
                break
            if results is None:
                results = torch.empty((len(X), *result.shape[1:]), dtype=result.dtype)
            results[start:stop] = result
        finite = bool(torch.isfinite(total))
    return results.numpy(), finite
