"""A training that goes on where another one ended: weights, optimizer, objective."""

from copy import deepcopy
from textwrap import shorten

import numpy as np
import torch

from sklearn_replearn._deep.networks.network import build_network, copy_modules


def continue_network(description, net, discard):
    """A copy of the network of a net, to train it further.

    Parameters
    ----------
    description : dict
        Of the network that is to be trained.
    net : Net
    discard : tuple of str
        Parts that are not saved; where they are missing they are new.

    Raises
    ------
    ValueError
        If the description is that of another network.
    """
    before = net.description
    changed = [
        name
        for name in description
        if not _is_alike(description[name], before.get(name))
    ]
    if changed:
        raise ValueError(
            "warm_start=True goes on with the network as it is, but the parameters "
            f"now describe another one ({', '.join(changed)}: "
            f"{_in_short(before.get(changed[0]))} then, "
            f"{_in_short(description[changed[0]])} now); set warm_start=False."
        )
    network = copy_modules(net.module_)
    for name in discard:
        parent, _, part = name.rpartition(".")
        if getattr(network.get_submodule(parent), part) is None:  # not saved
            fresh = build_network(description).get_submodule(name)
            setattr(network.get_submodule(parent), part, fresh)
    return network


def _is_alike(one, other):
    """Whether parts of two descriptions are the same, or modules of the same layers."""
    if isinstance(one, torch.nn.Module) and isinstance(other, torch.nn.Module):
        return repr(one) == repr(other) and _weight_shapes(one) == _weight_shapes(other)
    return one == other


def _weight_shapes(module):
    state = module.state_dict()
    return {name: getattr(value, "shape", None) for name, value in state.items()}


def _in_short(value):
    return shorten(repr(value), width=60, placeholder=" ...")


def take_state(net, before):
    """Let a new net go on with the state of the optimizer and of the objective.

    That of the optimizer is taken if both have the same options; learning rate and
    weight decay may differ, which no state depends on.

    Parameters
    ----------
    net : Net
    before : Net
        After its training, or loaded, and then without an optimizer.

    Raises
    ------
    ValueError
        If the objective was of another kind.
    """
    old = getattr(before, "optimizer_", None)
    if type(old) is type(net.optimizer_) and _options(old) == _options(net.optimizer_):
        fresh, state = net.optimizer_.state_dict(), old.state_dict()
        if _places(fresh) == _places(state):
            state = {"state": deepcopy(state["state"])}
            net.optimizer_.load_state_dict(fresh | state)
    learned = before.learned_state()
    if not learned:
        return
    tensors = {
        name: torch.tensor(value) if isinstance(value, np.ndarray) else value
        for name, value in learned.items()
    }
    try:
        net.criterion_.load_state_dict(tensors)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise ValueError(
            "warm_start=True goes on with what the loss has learned, but the "
            f"parameters now describe another loss ({reason}); set warm_start=False."
        ) from error


def _options(optimizer):
    free = ("lr", "weight_decay")
    return {
        name: value for name, value in optimizer.defaults.items() if name not in free
    }


def _places(state):
    return [group["params"] for group in state["param_groups"]]
