"""Weights as arrays, and pickles of the user's modules in which they are.

torch writes the addresses of weights into a pickle. Equal modules then have different
pickles, and a cache such as the ``memory`` of a pipeline never finds them again. As
arrays, equal weights are the same bytes.
"""

from copy import deepcopy

import torch
from torch import nn

from sklearn_replearn._deep.input.samples import as_tensor
from sklearn_replearn._deep.networks.network import unsaved_buffers
from sklearn_replearn._deep.networks.own_modules import has_torchscript

#: Types of numpy that stand for numbers of which it has no type, by their bytes.
BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32}


def is_known(dtype):
    """Whether numpy has a type of torch's."""
    try:
        torch.empty(0, dtype=dtype).numpy()
    except TypeError:
        return False
    return True


class SavedModule:
    """A module in the state of an estimator; pickles as a copy with plain weights.

    Copies of the estimator, which are made of its state as well, take the module as it
    is out of here.
    """

    def __init__(self, module, plain):
        self.module = module
        self.plain = plain

    def __reduce__(self):
        return _itself, (self.plain,)

    def __deepcopy__(self, memo):
        return SavedModule(deepcopy(self.module, memo), self.plain)


class PlainTensor:
    """A weight that pickles as an array."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        tensor = self.tensor.detach()
        bits = tensor if is_known(tensor.dtype) else tensor.view(BITS[tensor.itemsize])
        is_parameter = isinstance(self.tensor, nn.Parameter)
        return _tensor, (
            bits.numpy(),
            tensor.dtype,
            is_parameter,
            self.tensor.requires_grad,
        )


def with_saved_modules(state):
    """A state in whose dicts each module is one that is saved with plain weights.

    Modules that share weights or layers still share them once they are loaded.
    """
    modules = list({id(module): module for module in _modules_in(state)}.values())
    if not modules or any(map(has_torchscript, modules)):
        return state
    try:
        copies = deepcopy(modules, _plain_tensors(modules))
    except Exception:  # of a class that refuses; pickle says so in its own words
        return state
    saved = {
        id(module): SavedModule(module, plain)
        for module, plain in zip(modules, copies, strict=True)
    }
    return _replaced(state, lambda value: saved.get(id(value), value))


def with_modules(state):
    """A state with the modules themselves, for copies that are not pickled."""
    return _replaced(
        state, lambda value: value.module if isinstance(value, SavedModule) else value
    )


def as_arrays(module, *, unsaved=True):
    """Weights and all buffers of a module as arrays, and its extra state as it is.

    With ``unsaved=False`` without the buffers that its ``state_dict`` leaves out.

    Sparse tensors stay tensors. Floats of which numpy has no type, such as bfloat16,
    are kept in single precision.
    """
    arrays = {}
    others = unsaved_buffers(module) if unsaved else {}
    for name, value in {**module.state_dict(), **others}.items():
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


def _modules_in(state):
    for value in state.values():
        if isinstance(value, nn.Module):
            yield value
        elif type(value) is dict:
            yield from _modules_in(value)


def _replaced(state, replace):
    return {
        name: _replaced(value, replace) if type(value) is dict else replace(value)
        for name, value in state.items()
    }


def _plain_tensors(modules):
    """By the id of each weight that an array can stand for, what takes its place."""
    tensors = {}
    for module in modules:
        for part in module.modules():
            values = (*vars(part).values(), *part._parameters.values())
            for value in (*values, *part._buffers.values()):
                if isinstance(value, torch.Tensor):
                    tensors[id(value)] = value
    return {
        key: PlainTensor(tensor) for key, tensor in tensors.items() if _is_plain(tensor)
    }


def _is_plain(tensor):
    return (
        type(tensor) in (torch.Tensor, nn.Parameter)
        and tensor.layout == torch.strided
        and tensor.device.type == "cpu"
        and not tensor.is_quantized
        and tensor.is_leaf
        and tensor.is_contiguous()
        and not vars(tensor)
    )


def _itself(module):
    return module


def _tensor(array, dtype, is_parameter, requires_grad):
    tensor = torch.tensor(array)
    tensor = tensor if tensor.dtype == dtype else tensor.view(dtype)
    if is_parameter:
        return nn.Parameter(tensor, requires_grad=requires_grad)
    return tensor.requires_grad_(requires_grad)
