"""The net that is trained: skorch's, with whole-tensor batches and few host syncs.

The only import of skorch. Everything in here takes and returns arrays, tensors and
modules, never an estimator.
"""

from contextlib import contextmanager, nullcontext
from copy import deepcopy
from threading import RLock

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from skorch.callbacks import EarlyStopping as SkorchEarlyStopping
from torch import nn

from sklearn_replearn._deep.modules import in_mixed_precision
from sklearn_replearn._deep.networks import build_network
from sklearn_replearn._progress import progress_bar

OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}
BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_grad_computed")


# ---------------------------------------------------------------------------
# Devices, seeds, tensors
# ---------------------------------------------------------------------------


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


class _Writeable:
    """What numpy needs to see memory as writeable."""

    def __init__(self, array):
        self.owner = array
        interface = dict(array.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface


def as_tensor(array):
    """A tensor in the memory of an array, which may be read-only; we never write."""
    if any(stride < 0 for stride in array.strides):
        array = array.copy()
    if not array.flags.writeable:  # torch would warn
        array = np.asarray(_Writeable(array))
    return torch.from_numpy(array)


def as_float32(rows, scale=1.0):
    """Rows of a tensor in single precision, times a scale."""
    rows = rows.to(torch.float32)
    return rows if scale == 1.0 else rows * scale


class Batches:
    """Batches of rows and their targets, each gathered by one index.

    Parameters
    ----------
    rows : tensor of shape (n_samples, ...)
        Of any dtype, on the device of the training.
    sampler : iterable
        Yields which rows, and which targets, make a batch; see `samplers`.
    arrange : callable
        Makes the input of the network from rows in single precision.
    scale : float
        Factor of the rows.
    targets : tensor of shape (n_targets, ...), default=None
        What the network is to put out. ``None`` takes its input.
    augment : callable, default=None
        Makes other inputs that have the same targets.
    """

    def __init__(
        self, rows, sampler, *, arrange, scale=1.0, targets=None, augment=None
    ):
        self.rows = rows
        self.sampler = sampler
        self.arrange = arrange
        self.scale = scale
        self.targets = targets
        self.augment = augment

    @property
    def n_rows(self):
        return self.sampler.n_rows

    def __len__(self):
        return len(self.sampler)

    def __iter__(self):
        for chosen, aims in self.sampler:
            rows = self.rows.index_select(0, chosen)
            x = self.arrange(as_float32(rows, self.scale))
            target = x if self.targets is None else self.targets[aims]
            yield (x if self.augment is None else self.augment(x)), target


# ---------------------------------------------------------------------------
# Training
# ---------------------------------------------------------------------------


class Net(NeuralNet):
    """A skorch net that is trained from tensors, and keeps plain state.

    In place of skorch's loops over a data loader, one `index_select` makes a batch, the
    losses stay on the device until an epoch is over, and callbacks hear of batches only
    when one of them listens. Pickled, a net is the description of its network and the
    weights as arrays.

    Attributes
    ----------
    description : dict
        What `module_` is built from.
    loss_unit : float
        Gradients are those of the loss in this unit; the losses recorded are not.
    """

    loss_unit = 1.0

    @classmethod
    def for_training(cls, module, description, criterion, loss_unit, **options):
        """An initialised net around a module."""
        net = cls(
            module, criterion, train_split=None, verbose=0, **options
        ).initialize()
        net.description = description
        net.loss_unit = loss_unit
        return net

    @classmethod
    def for_encoding(cls, description, weights, device):
        """A net with known weights, without an optimizer."""
        with torch.device("meta"):  # neither memory nor random numbers for the start
            module = build_network(description)
        tensors = {name: as_tensor(array) for name, array in weights.items()}
        module.load_state_dict(tensors, assign=True)
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

    def initialize_module(self):
        self.module_ = self.module.to(self.device)
        return self

    def plain_state(self):
        """Description and weights, of which no part is a tensor."""
        weights = {
            name: tensor.detach().cpu().numpy()
            for name, tensor in self.module_.state_dict().items()
        }
        return {"description": self.description, "weights": weights}

    def __getstate__(self):
        return self.plain_state()

    def __setstate__(self, state):
        twin = Net.for_encoding(**state, device=as_device("auto"))
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
    ):
        """Train for `max_epochs`, or until the held-out loss has stopped falling.

        Parameters
        ----------
        batches : Batches
        held_out : Batches or None
            Judge every epoch, and decide which weights are kept in the end.
        schedule : callable
            Factor of `lr` for the share of the training that is done.
        n_iter_no_change : int
            Epochs to wait for a lower held-out loss.
        verbose : int
        mixed_precision : bool
            Whether the layers compute in lower precision.

        Raises
        ------
        FloatingPointError
            If the loss of an epoch is not finite.
        """
        best = _BestWeights(self.module_)
        sets = {"dataset_train": batches, "dataset_valid": held_out}
        self.notify("on_train_begin", X=None, y=None)
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
                self.notify("on_epoch_begin", **sets)
                say = _Progress(advance, epoch, self.max_epochs, self.history)
                loss = self._train_epoch(batches, epoch, schedule, say)
                self._record("train_loss", loss)
                if hasattr(self.criterion_, "take_health"):
                    self.history.record("health", self.criterion_.take_health())
                if held_out is not None:
                    loss = self._mean_loss(held_out)
                    self._record("valid_loss", loss)
                    best.compare(loss, epoch)
                if self._end_epoch(sets):
                    break
                if held_out is not None and epoch - best.epoch >= n_iter_no_change:
                    break
        self.notify("on_train_end", X=None, y=None)
        best.restore()
        self.optimizer_.zero_grad()  # gradients would be copied with the weights
        self.module_.eval()

    def _train_epoch(self, batches, epoch, schedule, say):
        """One pass over the batches; the mean loss of a row."""
        self.module_.train()
        listens = any(_hears_of_batches(callback) for _, callback in self.callbacks_)
        step = self._announced_step if listens else self._step
        total, n_rows, n_batches = 0.0, 0, len(batches)
        for i, (x, target) in enumerate(batches):
            factor = schedule((epoch * n_batches + i) / (self.max_epochs * n_batches))
            for group in self.optimizer_.param_groups:
                group["lr"] = self.lr * factor
            total = total + step(x, target) * len(x)
            n_rows += len(x)
            say(len(x))
        return float(total) / n_rows

    def _step(self, x, target):
        def closure():
            self.optimizer_.zero_grad()
            loss = self.criterion_(self.module_(x), target) / self.loss_unit
            loss.backward()
            return loss

        return self.optimizer_.step(closure).detach() * self.loss_unit

    def _announced_step(self, x, target):
        """A step that tells the callbacks."""
        pair = (x, target)
        self.notify("on_batch_begin", batch=pair, training=True)
        output = None

        def closure():
            nonlocal output
            self.optimizer_.zero_grad()
            output = self.module_(x)
            loss = self.criterion_(output, target) / self.loss_unit
            loss.backward()
            self.notify(
                "on_grad_computed",
                named_parameters=list(self.module_.named_parameters()),
                batch=pair,
                training=True,
            )
            return loss

        loss = self.optimizer_.step(closure).detach() * self.loss_unit
        self.history.record_batch("train_loss", loss.item())
        self.history.record_batch("train_batch_size", len(x))
        self.notify("on_batch_end", batch=pair, training=True, loss=loss, y_pred=output)
        return loss

    def _mean_loss(self, batches):
        self.module_.eval()
        total, n_rows = 0.0, 0
        with torch.no_grad():
            for x, target in batches:
                total = total + self.criterion_(self.module_(x), target) * len(x)
                n_rows += len(x)
        return float(total) / n_rows

    def _record(self, name, loss):
        if not np.isfinite(loss):
            what = "training" if name == "train_loss" else "held-out"
            raise FloatingPointError(
                f"the {what} loss became {loss} in epoch {len(self.history)}"
            )
        losses = [row[name] for row in self.history[:-1]]
        self.history.record(name, loss)
        self.history.record(f"{name}_best", loss <= min(losses, default=loss))

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
                if isinstance(callback, SkorchEarlyStopping)
            ]
            if any(stopper.misses_ == stopper.patience for stopper in stoppers):
                return True
            raise
        return False


class _Progress:
    """Moves the bar on by a batch, with the last losses on its left."""

    def __init__(self, advance, epoch, max_epochs, history):
        self.advance = advance
        self.text = f"epoch {epoch + 1}/{max_epochs}"
        if epoch:
            last = history[-2]
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

    def restore(self):
        if self.weights is not None:
            self.module.load_state_dict(self.weights)


def _hears_of_batches(callback):
    """Whether a callback does anything when a batch begins or ends."""
    return any(
        getattr(type(callback), hook, None) is not getattr(Callback, hook)
        for hook in BATCH_HOOKS
    )


def make_optimizer(optimizer, weight_decay, device):
    """Class and options of an optimizer, as skorch takes them."""
    options = {"optimizer__weight_decay": weight_decay} if weight_decay else {}
    if isinstance(optimizer, str):
        # One kernel for all weights: an epoch of small layers takes 0.6 of the time.
        options["optimizer__fused"] = device.type in ("cpu", "cuda")
        if optimizer == "sgd":
            options |= {"optimizer__momentum": 0.9, "optimizer__nesterov": True}
        return {"optimizer": OPTIMIZERS[optimizer], **options}
    return {"optimizer": optimizer, **options}


# ---------------------------------------------------------------------------
# Encoding
# ---------------------------------------------------------------------------


def in_double_precision(module):
    """A copy of a module, with its weights in double precision."""
    tensors = (*module.parameters(), *module.buffers())
    doubles = {
        id(tensor): tensor.detach().double()
        for tensor in tensors
        if tensor.is_floating_point()
    }
    return deepcopy(module, doubles)


def map_rows(function, X, *, block_rows, dtype, device, scale=1.0):
    """Apply a function of tensors to rows, block by block.

    Every block has the same number of rows, the last one padded with zeros, so that a
    row's result does not depend, to the last bit, on the rows beside it.

    Parameters
    ----------
    function : callable
        Of a tensor of rows, gives a tensor with as many rows.
    X : ndarray of shape (n_samples, ...)
    block_rows : int
    dtype : torch dtype
        What the function is given.
    device : torch device
    scale : float
        Factor of the rows.

    Returns
    -------
    results : ndarray
    finite : bool
        Whether the sums of all blocks of X are finite.
    """
    rows, results = as_tensor(X), None
    # As one tensor: many small ones would lie between blocks, and scatter the memory.
    sums = torch.empty(-(-len(X) // block_rows), dtype=dtype, device=device)
    with torch.inference_mode():
        for i, start in enumerate(range(0, len(X), block_rows)):
            block = rows[start : start + block_rows].to(device=device, dtype=dtype)
            n = len(block)
            if n < block_rows:
                padding = block.new_zeros((block_rows - n, *block.shape[1:]))
                block = torch.cat([block, padding])
            result = function(block if scale == 1.0 else block * scale)
            sums[i] = block.sum()  # now that it is in the cache
            if results is None:
                results = torch.empty((len(X), *result.shape[1:]), dtype=result.dtype)
            results[start : start + n] = result[:n]
        finite = bool(torch.isfinite(sums).all())
    return results.numpy(), finite
