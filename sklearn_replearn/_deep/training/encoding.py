"""Samples through a trained network: block by block, and some on trial."""

import torch

from sklearn_replearn._deep.input.samples import moved, scaled, total
from sklearn_replearn._deep.networks.own_modules import MIXED, N_TRIED, near
from sklearn_replearn._deep.training.net import Net


def try_trained(net, samples):
    """Find out whether modules of the user know double precision.

    Raises if the training changed a part of them that is not saved.
    """
    index = torch.arange(min(N_TRIED, len(samples.rows)))
    inputs = samples.rows.take(index.repeat(2))  # an even number, for pairs
    net.module_.knows_double.fill_(_computes_in_double(net, inputs))
    if not _is_saved_whole(net, inputs):
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


def _computes_in_double(net, inputs):
    single = _output_for(net.module_, inputs, net.device)
    try:
        double = _output_for(net.in_double_precision(), inputs, net.device)
    except Exception:  # whatever a module raises that makes tensors of its own
        return False
    return double.dtype == torch.float64 and torch.allclose(
        double, single.double(), rtol=0.01, atol=0.01 * float(single.abs().max())
    )


def _is_saved_whole(net, inputs):
    """Whether the net gives the same output once it is saved."""
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
