"""Modules that the user gave: what is asked of them before they are trained."""

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from sklearn_replearn._deep.networks.network import computed_tensors

Module = nn.Module  # for the families, which import no torch


#: Differences of a row's output beside other rows, relative to the largest output,
#: that rounding does not explain, not even in half precision.
MIXED = 0.01


#: Rows that modules of the user are tried with.
N_TRIED = 4


def try_module(name, function, x):
    """What a module that the user gave makes of x; raise if it cannot."""
    try:
        return function(x.clone())  # its first layer may work in place
    except Exception as error:
        raise ValueError(
            f"The {name} cannot take input of shape {_rows_shape(x.shape)}: {error}"
        ) from error


def _rows_shape(shape):
    return str(("n_rows", *shape[1:])).replace("'", "")


def check_module(name, module):
    """Raise if a module that the user gave cannot be copied or saved."""
    problem = _problem(module)
    if problem is not None:
        raise ValueError(f"The {name} {problem}.")


def has_torchscript(module):
    """Whether a module, or a part of it, is compiled by TorchScript."""
    return any(isinstance(part, torch.jit.ScriptModule) for part in module.modules())


def _problem(module):
    """Why a module cannot be copied or saved, with the remedy; None if it can."""
    if has_torchscript(module):
        return (
            "is a TorchScript module, which cannot be pickled; pass the "
            "torch.nn.Module that it was made from"
        )
    if any(nn.utils.parametrize.is_parametrized(part) for part in module.modules()):
        return (
            "has weights made by torch.nn.utils.parametrizations, which torch cannot "
            "pickle; call torch.nn.utils.parametrize.remove_parametrizations first"
        )
    if any(is_lazy(weights) for weights in module.parameters()):
        return (
            "has lazy layers, whose weights have no shape yet; call it once on a batch "
            "of rows first"
        )
    if next(computed_tensors(module), None) is not None:
        return (
            "holds tensors with gradients from an earlier call, as weight_norm leaves "
            "them, which torch cannot copy; call it once under torch.no_grad() first"
        )
    for key, value in module.state_dict().items():
        is_tensor = isinstance(value, torch.Tensor)
        if key.endswith("_extra_state"):
            continue
        if not is_tensor or value.is_quantized:
            return (
                "has quantized parts, whose weights cannot be saved as arrays; pass "
                "the module as it was before quantization"
            )
    return None


def refuse_mixed_rows(name, function, x, output):
    """Raise if what a module gives for a row depends on the rows beside it.

    Parameters
    ----------
    name : str
        Of the module, for the message.
    function : callable
    x : tensor of shape (n_rows, ...)
        At least two rows.
    output : tensor of shape (n_rows, ...)
        Of the function for x.
    """
    if not output.isfinite().all():
        raise ValueError(
            f"The {name} gives numbers that are not finite for rows that are; look for "
            "NaN among its weights, logarithms and divisions."
        )
    limit = MIXED * output.abs().max()
    again = try_module(name, function, x)
    if not near(again, output, limit):
        raise ValueError(
            f"The {name} gives another output for the same rows each time, in "
            "evaluation mode as well; make it deterministic."
        )
    try:
        alone = torch.cat([function(row) for row in x.clone().split(1)])
        mixes = not near(alone, output, limit)
    except Exception:  # of a batch of one, as batch normalization raises it
        mixes = True
    if mixes:
        raise ValueError(
            f"The {name} gives a row another output if other rows are beside it, as "
            "batch normalization without running statistics does; use one that treats "
            "each row alone, such as layer normalization."
        )


def near(one, other, limit):
    """Whether two tensors have one shape, and differ by at most a limit."""
    return one.shape == other.shape and not ((one - other).abs() > limit).any()


def check_shape(name, x, output, expected, meaning):
    """Raise if what a module that the user gave makes of x has another shape."""
    shape = tuple(output.shape) if isinstance(output, torch.Tensor) else None
    if shape == expected and not output.is_floating_point():
        raise ValueError(f"The {name} gives {output.dtype}, which has no gradient.")
    if shape != expected:
        got = f"gives shape {_rows_shape(shape)}" if shape else f"gives {output!r:.50}"
        raise ValueError(
            f"The {name} {got} for input of shape {_rows_shape(x.shape)}, but "
            f"{_rows_shape(expected)} is needed: {meaning}."
        )
