"""The net that is trained: skorch's, with whole-tensor batches and few host syncs.

Only the files of this room import skorch. Everything in here takes and returns arrays,
tensors and modules, never an estimator.
"""

import re
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from functools import partial, reduce
from operator import add
from time import perf_counter

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping, LoadInitState
from torch import nn

from sklearn_replearn._deep.networks.network import (
    build_network,
    in_double_precision,
    in_mixed_precision,
    unsaved_buffers,
)
from sklearn_replearn._deep.objectives.health import Diverged
from sklearn_replearn._deep.objectives.losses import WeightedCrossEntropy
from sklearn_replearn._deep.objectives.objective import Objective, as_terms
from sklearn_replearn._deep.training.callbacks import (
    BatchDataset,
    complete,
    refuse_misfits,
)
from sklearn_replearn._deep.training.optimizers import (
    Rates,
    constant,
    first_line,
    make_optimizer,
)
from sklearn_replearn._deep.training.saving import (
    as_arrays,
    load_arrays,
    with_modules,
    with_saved_modules,
)
from sklearn_replearn._deep.training.seeding import (
    as_device,
    forked,
    warn_of_slow_bfloat16,
)
from sklearn_replearn._progress import progress_bar


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
    discard : tuple of str
        Parts of `module_` that are not saved.
    learned : dict of str to ndarray
        State of the objective that was saved, for a training that goes on.
    loss_unit : float
        Gradients are those of the loss in this unit; the losses recorded are not.
    clip_norm : float or None
        Largest length of the gradients, over all weights.
    epochs_ : list of dict
        The losses, and the health, of each epoch of the last training. The history
        repeats them, but callbacks can change it.
    """

    loss_unit = 1.0
    clip_norm = None
    discard = ()
    epochs_ = ()

    @classmethod
    def for_training(
        cls, module, plan, *, optimizer, lr, schedule, weight_decay, **options
    ):
        """An initialised net around a module.

        Parameters
        ----------
        module : Network
        plan : Plan
        optimizer : str or callable
        lr, weight_decay : float
        schedule : callable
            Factor of `lr` for the share of the training that is done.
        **options
            As skorch's net takes them.
        """
        loss = getattr(plan.objective, "loss", None)
        if isinstance(loss, WeightedCrossEntropy):
            cls = ClassifierNet
        net = cls(
            module,
            plan.objective,
            train_split=None,
            iterator_valid__generator=torch.Generator(),  # predictions draw nothing
            lr=lr,
            optimizer=partial(
                make_optimizer,
                optimizer=optimizer,
                lr=lr,
                weight_decay=weight_decay,
                device=torch.device(options["device"]),
                decays=plan.decays,
            ),
            **options,
        )
        net.schedule = schedule
        net.initialize()
        net.description = plan.description
        for name in plan.discard:
            module.get_submodule(name)  # raises if there is none
        net.discard = plan.discard
        unit = plan.loss_unit
        net.loss_unit = unit(module) if callable(unit) else unit
        net.clip_norm = plan.clip_norm
        return net

    @classmethod
    def for_encoding(cls, description, weights, device, discard=(), learned=None):
        """A net with known weights, without an optimizer."""
        # On "meta" the start takes neither memory nor random numbers.
        module = build_network(description, device="meta")
        for name in discard:
            parent, _, part = name.rpartition(".")
            setattr(module.get_submodule(parent), part, None)
        load_arrays(module, weights)
        module.lay_out()
        net = cls.untrained(module, description, device)
        net.discard = discard
        net.learned = learned or {}
        return net

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
        self.rates_ = Rates(self.optimizer_, self.schedule)
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

    # -- saving ----------------------------------------------------------------

    def plain_state(self):
        """Description and weights, of which no part is a tensor."""
        weights = as_arrays(self.module_)
        if self.discard:
            outside = tuple(f"{name}." for name in self.discard)
            weights = {
                name: array
                for name, array in weights.items()
                if not name.startswith(outside)
            }
        state = {"description": self.description, "weights": weights}
        if self.discard:
            state["discard"] = list(self.discard)
        learned = self.learned_state()
        return state | ({"learned": learned} if learned else {})

    def learned_state(self):
        """What the objective has learned, such as a temperature, as arrays."""
        objective = getattr(self, "criterion_", None)
        if isinstance(objective, Objective):
            return as_arrays(objective, unsaved=False)
        return getattr(self, "learned", {})

    def __getstate__(self):
        return with_saved_modules(self.plain_state())

    def __setstate__(self, state):
        twin = Net.for_encoding(**with_modules(state), device=as_device("auto"))
        self.__dict__.update(twin.__dict__)

    # -- training --------------------------------------------------------------

    def train_epochs(
        self,
        batches,
        held_out=None,
        *,
        n_iter_no_change,
        mixed_precision=False,
        rounds=1,
        X=None,
        y=None,
    ):
        """Train for `max_epochs`, or until the held-out loss has stopped falling.

        Parameters
        ----------
        batches : Batches
        held_out : Batches or None
            Their loss is recorded in every epoch.
        n_iter_no_change : int or None
            Epochs to wait for a lower held-out loss. ``None`` records this loss alone:
            the training goes on to the end, and the last weights are kept.
        mixed_precision : bool
            Whether the layers compute in lower precision.
        rounds : int
            How often to do this, each time but the first with new targets.
        X, y : ndarray or None
            The data, for callbacks.

        Raises
        ------
        Diverged
            If the loss of an epoch is not finite.
        ValueError
            If a callback could not do its work.
        """
        if self.callbacks_:
            refuse_misfits(
                self,
                is_constant=self.schedule is constant,
                has_held_out=held_out is not None,
            )
        if held_out is None:
            n_iter_no_change = None
        if rounds > 1 and type(self.criterion_).relabel is Objective.relabel:
            raise ValueError(
                f"{rounds=}, but {type(self.criterion_).__name__} has no relabel, to "
                "make the targets of the second."
            )
        if mixed_precision:
            warn_of_slow_bfloat16(self.device)
        self.epochs_ = []
        self.notify("on_train_begin", X=X, y=y)
        if any(isinstance(callback, LoadInitState) for _, callback in self.callbacks_):
            self.rates_.last = None  # those of a file, which the schedule goes on from
        n_epochs = rounds * self.max_epochs
        with (
            in_mixed_precision(self.module_) if mixed_precision else nullcontext(),
            progress_bar(
                self.verbose,
                n_epochs * batches.n_units,
                batches.samples.unit,
                f"epoch 1/{n_epochs}",
            ) as advance,
        ):
            for number in range(rounds):
                if number:
                    self._relabel(batches, held_out)
                if self._train_round(
                    batches, held_out, n_iter_no_change, advance, n_epochs
                ):
                    break
        self.optimizer_.zero_grad()  # gradients would be copied with the weights
        self.notify("on_train_end", X=X, y=y)
        self._set_training(False)

    def _relabel(self, batches, held_out):
        """New targets from the objective, by the network as it is."""
        self._set_training(False)
        self.criterion_.train()
        with torch.no_grad():
            batches.targets = self.criterion_.relabel(self.module_, batches.samples)
            self.criterion_.eval()
            if held_out is None:
                return
            if held_out.samples is batches.samples:
                held_out.targets = batches.targets
            else:
                samples = held_out.samples
                held_out.targets = self.criterion_.relabel(self.module_, samples)

    def _train_round(self, batches, held_out, n_iter_no_change, advance, n_epochs):
        """Train once for `max_epochs`; whether a callback wants to stop."""
        best = _BestWeights(self.module_, self.criterion_)
        sets = {}
        if self.callbacks_:
            sets["dataset_train"] = BatchDataset(batches)
            sets["dataset_valid"] = held_out and BatchDataset(held_out)
        is_stopped = False
        for epoch in range(self.max_epochs):
            started = perf_counter()
            report = _Progress(advance, self.epochs_, n_epochs)
            self.notify("on_epoch_begin", **sets)
            self.epochs_.append({})
            self._train_epoch(batches, epoch, report)
            if held_out is not None:
                loss = self._judge(held_out)
            if n_iter_no_change is not None:
                best.compare(loss, epoch)
            self.history.record("dur", perf_counter() - started)
            is_stopped = self._end_epoch(sets)
            if is_stopped:
                break
            if n_iter_no_change is not None and epoch - best.epoch >= n_iter_no_change:
                break
        if self.verbose:
            _Progress(advance, self.epochs_, n_epochs)(0)
        best.restore()
        return is_stopped

    def _train_epoch(self, batches, epoch, report):
        """One pass over the batches; records the mean loss of a row."""
        self._set_training(True)
        step = self._step
        if self.callbacks_:
            step = partial(self._announce, "train", step)
        objective = self.criterion_
        follows = type(objective).after_step is not Objective.after_step
        sums, n_batches, n_in_epoch = _Sums(), 0, len(batches)
        n_shown = 0
        for batch in batches:
            self.rates_.set((epoch + n_batches / n_in_epoch) / self.max_epochs)
            sums.add(*step(batch), batch.n_terms)
            n_batches += 1
            if follows:
                progress = (epoch + n_batches / n_in_epoch) / self.max_epochs
                with torch.no_grad():
                    objective.after_step(self.module_, min(progress, 1.0))
            if self.verbose:
                n_done = batches.n_units * n_batches // n_in_epoch
                report(n_done - n_shown)
                n_shown = n_done
        self._record("train", sums, n_batches)
        for name, value in objective.take_health().items():
            self._note(name, value)

    def _judge(self, batches):
        """The mean loss of a row, recorded, of batches that are not trained with."""
        self._set_training(False)
        evaluate = self._evaluate
        if self.callbacks_:
            evaluate = partial(self._announce, "valid", evaluate)
        sums, n_batches = _Sums(), 0
        with torch.no_grad():
            for batch in batches:
                sums.add(*evaluate(batch), batch.n_terms)
                n_batches += 1
        return self._record("valid", sums, n_batches)

    def _step(self, batch):
        """Take a step; the loss before it, and its terms."""
        found = []

        def closure():
            self.optimizer_.zero_grad()
            terms = as_terms(self.criterion_(self.module_, batch))
            found.append(terms)
            loss = _sum(terms) / self.loss_unit
            if not loss.requires_grad:
                raise ValueError(
                    "There is nothing to train: no weight of the network requires a "
                    "gradient; leave some that a module or a callback does not freeze."
                )
            loss.backward()
            if self.clip_norm is not None:
                weights = [weight for _, weight in self.get_all_learnable_params()]
                nn.utils.clip_grad_norm_(weights, self.clip_norm)
            if self.callbacks_:
                self.notify(
                    "on_grad_computed",
                    named_parameters=list(self.get_all_learnable_params()),
                    batch=(batch.inputs, batch.targets),
                    training=True,
                )
            return loss

        loss = self._optimize(closure) * self.loss_unit
        return loss, {name: term.detach() for name, term in found[0].items()}

    def evaluation_step(self, batch, training=False):
        """An output for callbacks, whose noise does not change that of the training."""
        with forked(torch.device(self.device)):
            return super().evaluation_step(batch, training=training)

    def get_loss(self, y_pred, y_true, *args, **options):
        """The loss of an output, for scorers in callbacks."""
        return self.criterion_.loss_of(y_pred, y_true)

    def _evaluate(self, batch):
        terms = as_terms(self.criterion_(self.module_, batch))
        return _sum(terms), terms

    def _announce(self, name, work, batch):
        """Work on a batch between the hooks of callbacks for it."""
        is_training = name == "train"
        self._set_training(is_training)  # hooks may predict
        pair = (batch.inputs, batch.targets)
        self.notify("on_batch_begin", batch=pair, training=is_training)
        with _outputs_of(self.module_) as outputs:
            loss, terms = work(batch)
        self.history.record_batch(f"{name}_loss", loss.item())
        self.history.record_batch(f"{name}_batch_size", int(batch.n_terms))
        self.notify(
            "on_batch_end",
            batch=pair,
            training=is_training,
            loss=loss,
            y_pred=outputs[0] if outputs else None,
        )
        return loss, terms

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

    def _record(self, name, sums, n_batches):
        """Record the loss of an epoch of "train" or "valid", and return it."""
        kind = "training" if name == "train" else "held-out"
        if not sums.n:
            raise ValueError(
                f"No {kind} sample has a place that the loss can be computed at; pass "
                "longer samples, or more of them."
            )
        loss, terms = sums.means()
        if not np.isfinite(loss):
            wrong = [term for term in terms if not np.isfinite(terms[term])]
            where = f" (in {' and '.join(wrong)})" if len(terms) > 1 else ""
            raise Diverged(
                f"the {kind} loss became {loss} in epoch {len(self.epochs_)}{where}"
            )
        key = f"{name}_loss"
        best = min((epoch[key] for epoch in self.epochs_[:-1]), default=np.inf)
        self._note(key, loss)
        self.epochs_[-1][f"{name}_terms"] = terms
        self.history.record(f"{key}_best", loss < best)
        self.history.record(f"{name}_batch_count", n_batches)
        return loss

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
        return np.arange(len(self.criterion_.loss.class_weights))

    def predict_proba(self, X):
        logits = torch.from_numpy(super().predict_proba(X))
        return logits.softmax(1).numpy()

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)


def _sum(terms):
    return reduce(add, terms.values())


class _Sums:
    """Sums of the loss of an epoch and of its terms, on the device of the training."""

    def __init__(self):
        self.loss, self.n, self.terms = 0.0, 0, {}

    def add(self, loss, terms, n):
        self.loss = self.loss + loss * n
        self.n = self.n + n
        if len(terms) > 1:
            for name, term in terms.items():
                self.terms[name] = self.terms.get(name, 0.0) + term * n
        else:
            self.terms = dict.fromkeys(terms)

    def means(self):
        """The mean loss, and the mean of each term by its name."""
        n = float(self.n)
        loss = float(self.loss) / n
        if len(self.terms) < 2:
            return loss, dict.fromkeys(self.terms, loss)
        return loss, {name: float(term) / n for name, term in self.terms.items()}


@contextmanager
def _outputs_of(module):
    """A list to which the outputs of a module are added meanwhile."""
    outputs = []
    hook = module.register_forward_hook(lambda *call: outputs.append(call[-1]))
    try:
        yield outputs
    finally:
        hook.remove()


class _Progress:
    """Moves the bar on by a batch, with the last losses on its left."""

    def __init__(self, advance, epochs, n_epochs):
        self.advance = advance
        n_done = sum("train_loss" in epoch for epoch in epochs)
        self.text = f"epoch {min(n_done + 1, n_epochs)}/{n_epochs}"
        if epochs:
            last = epochs[-1]
            self.text += f", loss {last['train_loss']:.4g}"
            if "valid_loss" in last:
                self.text += f" (held out {last['valid_loss']:.4g})"

    def __call__(self, n_samples):
        self.advance(n_samples, self.text)


class _BestWeights:
    """A copy of the weights, also of the objective's, with the lowest loss."""

    def __init__(self, *modules):
        self.modules = modules
        self.loss = np.inf
        self.epoch = 0
        self.kept = None

    def compare(self, loss, epoch):
        if loss < self.loss:
            self.loss, self.epoch = loss, epoch
            self.kept = [
                deepcopy((module.state_dict(), unsaved_buffers(module)))
                for module in self.modules
            ]

    def restore(self):
        for module, (weights, buffers) in zip(
            self.modules, self.kept or [], strict=False
        ):
            module.load_state_dict(weights)
            for name, buffer in unsaved_buffers(module).items():
                buffer.copy_(buffers[name])
