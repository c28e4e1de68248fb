"""Samples through a trained network, block by block."""

import torch

from sklearn_replearn._deep.input.samples import moved, scaled, total
from sklearn_replearn._deep.networks.own_modules import MIXED, near
from sklearn_replearn._deep.training.net import Net


def computes_in_double(net, inputs):
    """Whether a network with modules of the user also works in double precision.

    Parameters
    ----------
    net : Net
    inputs : tensor or named tuple
        Some samples, as `Samples.take` gives them.
    """
    single = _output_for(net.module_, inputs, net.device)
    try:
        double = _output_for(net.in_double_precision(), inputs, net.device)
    except Exception:  # whatever a module raises that makes tensors of its own
        return False
    return double.dtype == torch.float64 and torch.allclose(
        double, single.double(), rtol=0.01, atol=0.01 * float(single.abs().max())
    )


def is_saved_whole(net, inputs):
    """Whether a net with modules of the user gives the same output once it is saved.

    Parameters
    ----------
    net : Net
    inputs : tensor or named tuple
        Some samples, as `Samples.take` gives them.
    """
    try:
        twin = Net.for_encoding(**net.plain_state(), device=net.device)
        one, other = (
            _output_for(module, inputs, net.device)
            for module in (net.module_, twin.module_)
        )
    except Exception:  # whatever a module raises that lacks a part
        return False
    return near(one, other, MIXED * one.abs().max())


@torch.inference_mode()
def _output_for(network, inputs, device):
    return network.evaluate(network.arrange(moved(inputs, device)))


def map_samples(function, samples, *, block_size, device, dtype=None):
    """Apply a function of tensors to samples, block by block.

    Parameters
    ----------
    function : callable
        Of the inputs of some samples, gives a tensor with a row for each. It may
        overwrite its argument, which is never in the memory of the samples.
    samples : Samples
    block_size : int
        Largest number of rows, or of values, of a block.
    device : torch device
    dtype : torch dtype, default=None
        Type of the function's argument; ``None`` is that of the samples, or float32
        with a scale other than 1.

    Returns
    -------
    results : ndarray of shape (n_samples, ...)
    finite : bool
        Whether the sums of all blocks are finite.
    """
    results, checksum = None, 0
    with torch.inference_mode():
        for index, inputs in samples.blocks(block_size):
            block = moved(inputs, device, dtype)
            checksum = checksum + total(block)  # stays NaN or infinite
            result = function(scaled(block, samples.scale))
            if isinstance(index, slice) and len(result) == len(samples):
                results = result.cpu()
                break
            if results is None:
                shape = (len(samples), *result.shape[1:])
                results = torch.empty(shape, dtype=result.dtype)
            results[index] = result.cpu()
        finite = bool(torch.isfinite(torch.as_tensor(checksum)))
    return results.numpy(), finite
