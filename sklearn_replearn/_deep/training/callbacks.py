"""skorch's callbacks: copying them, refusing those that cannot work, their datasets."""

from copy import deepcopy
from inspect import Parameter, signature

import numpy as np
import torch
from skorch.callbacks import (
    BatchScoring,
    Callback,
    EpochScoring,
    InputShapeSetter,
    LoadInitState,
    LRScheduler,
    ParamMapper,
    PassthroughScoring,
    PrintLog,
    WandbLogger,
)
from skorch.dataset import Dataset
from skorch.utils import to_numpy
from tqdm.std import tqdm

from sklearn_replearn._deep.training.optimizers import first_line
from sklearn_replearn._labels import first_names


def copy_callbacks(callbacks):
    """Copies for one training.

    The state of a callback is copied. The arguments of its constructor are not: a
    logger, a file or a function that the user gave is the one that is used.

    Parameters
    ----------
    callbacks : list of skorch callbacks, their classes, or pairs (name, callback)

    Raises
    ------
    ValueError
        If something in the list is no callback, or cannot be copied.
    """
    memo = {}  # as deepcopy has it: by id, what stands for an object in the copy
    for place, item in enumerate(callbacks):
        is_pair = isinstance(item, tuple | list) and len(item) == 2
        callback = item[1] if is_pair else item
        kind = callback if isinstance(callback, type) else type(callback)
        if not issubclass(kind, Callback):
            remedy = "take one, its class, or a pair (name, callback)"
            if issubclass(kind, torch.optim.lr_scheduler.LRScheduler):
                remedy = f"take skorch.callbacks.LRScheduler({kind.__name__}, ...)"
            name = kind.__name__ if callback is kind else repr(callback)
            raise ValueError(
                f"callbacks[{place}] is {name}, which is no skorch callback; {remedy}."
            )
        if callback is not kind:
            _share_arguments(callback, memo)
    try:
        return deepcopy(list(callbacks), memo)
    except Exception as error:
        raise ValueError(
            f"The state of the callbacks cannot be copied ({first_line(error)}); make "
            "such objects in the method initialize of the callback, or pass them to "
            "its constructor."
        ) from error


def _share_arguments(callback, memo):
    """Let what a callback was constructed with stand for itself in copies."""
    parameters = signature(type(callback)).parameters
    kinds = {parameter.kind for parameter in parameters.values()}
    names = set(parameters)
    if Parameter.VAR_KEYWORD in kinds:
        names |= {name for name in vars(callback) if not name.endswith("_")}
    for name in names & vars(callback).keys():
        value = vars(callback)[name]
        if isinstance(value, Callback):
            _share_arguments(value, memo)
        else:
            memo[id(value)] = value


def complete(callback):
    """Add to a callback, just initialised, what it needs to work in our training."""
    if isinstance(callback, PrintLog) and callback.sink is print:
        callback.sink = tqdm.write  # above the progress bar, and also with verbose=0
    if isinstance(callback, LoadInitState):
        callback.checkpoint.initialize()  # it may be a copy that is nowhere else


def refuse_misfits(net, *, is_constant, has_held_out):
    """Raise a ValueError if a callback of a net could not do its work.

    Parameters
    ----------
    net : Net
    is_constant : bool
        Whether `lr_schedule` leaves the learning rate as it is.
    has_held_out : bool
        Whether there are held-out rows.
    """
    for _, callback in net.callbacks_:
        name = type(callback).__name__
        if isinstance(callback, LRScheduler) and not is_constant:
            raise ValueError(
                f"The callback {name} sets the learning rate, and so does lr_schedule; "
                "set lr_schedule='constant'."
            )
        if isinstance(callback, InputShapeSetter):
            raise ValueError(
                f"The callback {name} does not apply: the input of the network has the "
                "width of X by itself; leave it out."
            )
        if isinstance(callback, ParamMapper):
            weights = list(net.get_all_learnable_params())
            found = callback.filter_parameters(callback.patterns, weights)
            if next(found, None) is None:
                names = np.array([name for name, _ in weights])
                raise ValueError(
                    f"The callback {name} applies to no weight: none has a name like "
                    f"{callback.patterns}; there are {first_names(names)}."
                )
        remedy = None if has_held_out else _without_held_out(callback)
        if remedy is not None:
            raise ValueError(
                f"The callback {name} needs held-out rows, and there are none; set "
                f"early_stopping=True, pass X_val to fit, or set {remedy} in the "
                "callback."
            )


def _without_held_out(callback):
    """What to set in a callback that needs held-out rows, else None."""
    scorers = BatchScoring, EpochScoring, PassthroughScoring
    if isinstance(callback, scorers) and not callback.on_train:
        return "on_train=True"
    if isinstance(callback, WandbLogger) and callback.save_model:
        return "save_model=False"
    monitor = getattr(callback, "monitor", None)
    if isinstance(callback, LRScheduler) and not _reads_monitor(callback):
        return None
    if isinstance(monitor, str) and monitor in ("valid_loss", "valid_loss_best"):
        return f"monitor={monitor.replace('valid', 'train')!r}"
    return None


def _reads_monitor(scheduler):
    return scheduler.policy_ is torch.optim.lr_scheduler.ReduceLROnPlateau


class BatchDataset(Dataset):
    """The rows of batches and their targets, as skorch gives datasets to callbacks.

    Rows are as the network takes them, and in the order of the table.

    Parameters
    ----------
    batches : Batches
    """

    def __init__(self, batches):
        self.batches = batches
        self.index = batches.sampler.index

    def __len__(self):
        return len(self.index)

    @property
    def X(self):
        return to_numpy(self._take(self.index)[0])

    @property
    def y(self):
        return to_numpy(self._take(self.index)[1])

    def __getitem__(self, i):
        rows, targets = self._take(self.index[[i]])
        return rows[0], targets[0]

    def _take(self, index):
        if self.batches.samples.unit == "pairs":
            raise ValueError(
                "Pairs of rows cannot be predicted apart from their batches; set "
                "use_caching=True in the callback."
            )
        inputs, targets = self.batches.take(index)
        return inputs, inputs if targets is None else targets
