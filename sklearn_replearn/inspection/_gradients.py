"""Gradients of a network's output with respect to its input, and steps along them.

Functions of a module and arrays, which give arrays. A module takes float32 rows, is in
evaluation mode, and treats each row alone.
"""

from itertools import chain

import numpy as np
import torch
from torch import nn

from sklearn_replearn._deep.input.samples import Rows, as_tensor
from sklearn_replearn._deep.training.encoding import map_samples

#: Largest number of rows in a block.
BLOCK_ROWS = 64


# ---------------------------------------------------------------------------
# Modules
# ---------------------------------------------------------------------------


class Scaling(nn.Module):
    """``(x - center) * factor``, value by value."""

    def __init__(self, center, factor):
        super().__init__()
        self.register_buffer("center", _float32(center))
        self.register_buffer("factor", _float32(factor))

    def forward(self, x):
        return (x - self.center) * self.factor


class Projection(nn.Module):
    """``x @ matrix + offset``."""

    def __init__(self, matrix, offset):
        super().__init__()
        self.register_buffer("matrix", _float32(matrix))
        self.register_buffer("offset", _float32(offset))

    def forward(self, x):
        return torch.addmm(self.offset, x, self.matrix)


class BothClasses(nn.Module):
    """A column for either of two classes, from the one that speaks for the second."""

    def forward(self, z):
        return torch.cat([-z, z], dim=1)


def connect(modules):
    """One module out of several, whose weights need no gradients."""
    device = next((d for d in map(_device, modules) if d is not None), "cpu")
    return nn.Sequential(*modules).eval().requires_grad_(False).to(device)


def output_shape(module, n_values):
    """Shape of what a module makes of a row; whether it has gradients, too."""
    x = torch.zeros((2, n_values), device=_device(module), requires_grad=True)
    output = module(x)
    return tuple(output.shape[1:]), output.requires_grad


# ---------------------------------------------------------------------------
# Functions of the output, one value for each row
# ---------------------------------------------------------------------------


def unit_values(outputs, units):
    """One unit's output for each row, the mean over all places of a map.

    Without units, the Euclidean norm of the whole output.
    """
    if units is None:
        return outputs.flatten(1).norm(dim=1)
    if outputs.ndim > 2:
        outputs = outputs.flatten(2).mean(2)
    return outputs.gather(1, units[:, None])[:, 0]


def log_odds(logits, classes):
    """Log of the odds against a class: the others' share over its own.

    It rises where the cross-entropy, ``log(1 + exp(.))`` of it, rises, and so has
    gradients of the same direction, but they do not vanish where the class is all but
    certain.
    """
    return _others(logits, classes).logsumexp(1) - _own(logits, classes)


def lead_of_others(logits, classes):
    """By how much the best other class leads a class; above 0 it is not predicted."""
    return _others(logits, classes).amax(1) - _own(logits, classes)


def _own(logits, classes):
    return logits.gather(1, classes[:, None])[:, 0]


def _others(logits, classes):
    return logits.scatter(1, classes[:, None], -torch.inf)


# ---------------------------------------------------------------------------
# Outputs and gradients, block by block
# ---------------------------------------------------------------------------


def evaluate(module, rows, scale=1.0):
    """What a module gives for rows.

    Parameters
    ----------
    module : torch module
    rows : ndarray of shape (n_samples, n_values)
    scale : float
        Factor of the rows.

    Returns
    -------
    outputs : ndarray of shape (n_samples, ...)
    """
    outputs, _ = map_samples(
        module,
        Rows(rows, scale),
        block_size=BLOCK_ROWS,
        dtype=torch.float32,
        device=_device(module),
    )
    return outputs


def input_gradients(module, rows, units=None, *, scale=1.0, noise=None):
    """Gradients of units' outputs with respect to the rows.

    Parameters
    ----------
    module : torch module
    rows : ndarray of shape (n_samples, n_values)
    units : ndarray of int of shape (n_samples,), default=None
        The unit of each row. ``None`` is for the norm of the whole output.
    scale : float
        Factor of the rows; the gradients are those of the scaled rows.
    noise : ndarray of shape (n_copies, n_values), default=None
        Take the mean gradient of these copies of each row, to which this is added, in
        units of the row's range.

    Returns
    -------
    gradients : ndarray of shape (n_samples, n_values)
    """
    noise = np.zeros((1, 1)) if noise is None else noise
    noise = _float32(noise).to(_device(module))

    def mean_gradient(x, part):
        targets = None if units is None else _targets(units[part], x)
        spread = x.amax(1, keepdim=True) - x.amin(1, keepdim=True)
        total = torch.zeros_like(x)
        for shift in noise:
            _, gradient = _gradient(module, x + shift * spread, unit_values, targets)
            total += gradient
        return total / len(noise)

    return _by_blocks(module, rows, scale, mean_gradient)


def _gradient(module, x, function, targets):
    """What a function of the output gives for each row, and its gradient."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        values = function(module(x), targets)
        (gradient,) = torch.autograd.grad(values.sum(), x)
    return values.detach(), gradient


def _by_blocks(module, rows, scale, function):
    device, results = _device(module), []
    for start in range(0, len(rows), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        x = as_tensor(rows[part]).to(device=device, dtype=torch.float32)
        results.append(function(x * scale, part).cpu().numpy())
    return np.concatenate(results)


def _targets(targets, x):
    """Targets of the rows of a block, on its device."""
    return torch.from_numpy(np.array(targets, dtype=np.int64)).to(x.device)


def _float32(values):
    return torch.from_numpy(np.array(values, dtype=np.float32))


def _device(module):
    tensors = chain(module.parameters(), module.buffers())
    return next((tensor.device for tensor in tensors), None)


# ---------------------------------------------------------------------------
# Attacks
# ---------------------------------------------------------------------------


class MaximumBall:
    """What is within `epsilon` of rows in each value, and within bounds."""

    def __init__(self, x, epsilon, low, high):
        self.epsilon = epsilon
        self.low = torch.maximum(x - epsilon, low)
        self.high = torch.minimum(x + epsilon, high)

    def project(self, x):
        return torch.clamp(x, self.low, self.high)

    def steepest(self, gradient):
        """The direction of length 1 that gains most."""
        return gradient.sign()


class EuclideanBall:
    """What has a Euclidean distance of at most `epsilon` to rows, within bounds."""

    def __init__(self, x, epsilon, low, high):
        self.x = x
        self.epsilon = epsilon
        self.low, self.high = low, high

    def project(self, x):
        change = x - self.x
        length = change.norm(dim=1, keepdim=True).clamp_min(1e-30)
        change = change * (self.epsilon / length).clamp_max(1)
        return torch.clamp(self.x + change, self.low, self.high)

    def steepest(self, gradient):
        # Squares of small gradients would be zero.
        gradient = gradient / gradient.abs().amax(1, keepdim=True).clamp_min(1e-37)
        return gradient / gradient.norm(dim=1, keepdim=True).clamp_min(1e-30)


def attack(
    module,
    rows,
    classes,
    *,
    towards,
    ball,
    epsilon,
    low,
    high,
    n_iter=None,
    step_size=None,
    noise=None,
):
    """Rows near the given ones that change what a module says of them.

    Parameters
    ----------
    module : torch module
        It gives the logits of the classes.
    rows : ndarray of shape (n_samples, n_values)
    classes : ndarray of int of shape (n_samples,)
    towards : bool
        Whether these classes are to be predicted, or any others.
    ball : {MaximumBall, EuclideanBall}
    epsilon : float
    low, high : ndarray of shape (n_values,)
        Bounds of the rows.
    n_iter : int, default=None
        Number of steps of projected gradient ascent. ``None`` takes one step of length
        `epsilon`.
    step_size : float, default=None
    noise : ndarray of shape (n_values,), default=None
        What is added to a row before the first of `n_iter` steps.

    Returns
    -------
    rows : ndarray of shape (n_samples, n_values) of float32
    """
    device = _device(module)
    low, high = (_float32(bound).to(device) for bound in (low, high))
    sign = -1 if towards else 1

    def step(x, around, length, targets):
        _, gradient = _gradient(module, x, log_odds, targets)
        return around.project(x + sign * length * around.steepest(gradient))

    def move(x, part):
        targets = _targets(classes[part], x)
        around = ball(x, epsilon, low, high)
        at_once = step(x, around, epsilon, targets)
        if n_iter is None:
            return at_once
        best = _Best(module, targets, sign)
        best.compare(x)
        best.compare(at_once)
        x = around.project(x + _float32(noise).to(device))
        for _ in range(n_iter):
            x = step(x, around, step_size, targets)
            best.compare(x)
        return best.x

    return _by_blocks(module, rows, 1.0, move)


class _Best:
    """For each row, what leads furthest away from a class (or towards it)."""

    def __init__(self, module, classes, sign):
        self.module = module
        self.classes = classes
        self.sign = sign
        self.x = None

    def compare(self, x):
        with torch.no_grad():
            gain = self.sign * lead_of_others(self.module(x), self.classes)
        if self.x is None:
            self.x, self.gain = x, gain
            return
        better = gain > self.gain
        self.x = torch.where(better[:, None], x, self.x)
        self.gain = torch.where(better, gain, self.gain)


# ---------------------------------------------------------------------------
# Inputs that excite units
# ---------------------------------------------------------------------------


def maximize(
    module,
    start,
    units,
    *,
    low,
    high,
    clamp,
    image_shape,
    n_iter,
    lr,
    tv_weight,
    norm_weight,
):
    """Inputs that excite units, by gradient ascent with Adam.

    Each step moves u, where ``x = low + (high - low) * u``, along

        g - norm_weight * grad |u - 1/2|^2 - tv_weight * grad TV(u)

    where g is the gradient of a unit's output, divided by its root mean square, and TV
    the sum of the squared differences of neighbours.

    Parameters
    ----------
    module : torch module
    start : ndarray of shape (n_units, n_values)
        Values of u.
    units : ndarray of int of shape (n_units,)
    low, high : ndarray of shape (n_values,)
    clamp : bool
        Whether u stays in [0, 1].
    image_shape : tuple or None
        (height, width, channels) or (length, channels); ``None`` where values have no
        neighbours.
    n_iter : int
    lr, tv_weight, norm_weight : float

    Returns
    -------
    inputs : ndarray of shape (n_units, n_values) of float32
    moved : ndarray of bool of shape (n_units,)
        Whether a unit had a gradient at the start.
    """
    device = _device(module)
    low, high = (_float32(bound).to(device) for bound in (low, high))
    results, moved = [], []
    for first in range(0, len(start), BLOCK_ROWS):
        part = slice(first, first + BLOCK_ROWS)
        u = _float32(start[part]).to(device).requires_grad_()
        targets = torch.from_numpy(np.array(units[part], dtype=np.int64)).to(device)
        optimizer = torch.optim.Adam([u], lr=lr)
        for i in range(n_iter):
            with torch.enable_grad():
                values = unit_values(module(low + (high - low) * u), targets)
                (gradient,) = torch.autograd.grad(values.sum(), u)
            # Squares of small gradients would be zero.
            largest = gradient.abs().amax(1, keepdim=True)
            if i == 0:
                moved.append((largest[:, 0] > 0).cpu().numpy())
            gradient = gradient / largest.clamp_min(1e-37)
            size = gradient.square().mean(1, keepdim=True).sqrt().clamp_min(1e-30)
            with torch.no_grad():
                costs = 2 * norm_weight * (u - 0.5)
                if tv_weight:
                    costs += tv_weight * _variation_gradient(u, image_shape)
                u.grad = costs - gradient / size
            optimizer.step()
            if clamp:
                with torch.no_grad():
                    u.clamp_(0, 1)
        inputs = low + (high - low) * u.detach()
        results.append((inputs.clamp(low, high) if clamp else inputs).cpu().numpy())
    return np.concatenate(results), np.concatenate(moved)


def _variation_gradient(u, image_shape):
    """Gradient of the sum of squared differences of neighbours."""
    image = u.detach().reshape(len(u), *image_shape)
    gradient = torch.zeros_like(image)
    for side in range(1, image.ndim - 1):
        if image.shape[side] > 1:
            step = 2 * image.diff(dim=side)
            length = step.shape[side]
            gradient.narrow(side, 1, length).add_(step)
            gradient.narrow(side, 0, length).sub_(step)
    return gradient.reshape(len(u), -1)
