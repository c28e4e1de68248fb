"""Copies of modules: deep, in double precision, or with shared weights."""

from copy import deepcopy

import torch
from torch import nn


def copy_modules(modules, memo=None):
    """A deep copy of a module, or of a dict of modules, also after a forward pass.

    Parameters
    ----------
    modules : torch module or dict
        What several modules share, their copies share.
    memo : dict, default=None
        Copies that exist already, by ``id`` of the original.
    """
    memo = {} if memo is None else memo
    values = modules.values() if isinstance(modules, dict) else [modules]
    for module in values:
        if isinstance(module, nn.Module):
            for tensor in computed_tensors(module):
                memo.setdefault(id(tensor), tensor.detach().clone())
    return deepcopy(modules, memo)


def computed_tensors(module):
    """Attributes of a module that hold results of torch, such as weight_norm's."""
    for part in module.modules():
        for value in vars(part).values():
            if isinstance(value, torch.Tensor) and not value.is_leaf:
                yield value


def in_double_precision(network):
    """A copy of a network, with its weights in double precision."""
    doubles = {
        id(tensor): _double(tensor)
        for tensor in (*network.parameters(), *network.buffers())
        if tensor.is_floating_point()
    }
    # Modules that define how they are copied may still have other weights.
    return copy_modules(network, doubles).double()


def _double(tensor):
    """A weight in double precision: a parameter where it is one."""
    double = tensor.detach().double()
    is_parameter = isinstance(tensor, nn.Parameter)
    return nn.Parameter(double, requires_grad=False) if is_parameter else double


def share_weights(module):
    """A copy of a module that has the same tensors, for hooks of one call only."""
    tensors = (*module.parameters(), *module.buffers())
    copy = copy_modules(module, {id(tensor): tensor for tensor in tensors})
    # Modules that define how they are copied may have other tensors.
    copy.load_state_dict(module.state_dict(keep_vars=True), assign=True)
    return copy


def unsaved_buffers(module):
    """Buffers, by name, that a module leaves out of its ``state_dict``."""
    saved = module.state_dict()
    buffers = module.named_buffers()
    return {name: buffer for name, buffer in buffers if name not in saved}
