"""A network that was trained elsewhere, with a head of ours, for images and signals."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional

from sklearn_replearn._deep.input.samples import on_images
from sklearn_replearn._deep.networks.network import (
    Network,
    UpToLayer,
    copy_modules,
    mlp,
    output_of,
)
from sklearn_replearn._deep.networks.own_modules import refuse_mixed_rows, try_module

#: By name, what stands for a map in place of all its values.
POOLINGS = {
    None: lambda maps: maps.flatten(1),
    "max": lambda maps: maps.flatten(2).amax(2),
    "mean": lambda maps: maps.flatten(2).mean(2),
}


class TransferNetwork(Network):
    """Preparation of images, somebody's module, then a head with an output a class.

    Parameters
    ----------
    module : torch module
    layer : str or None
        The layer of the module whose output is the code; ``None`` for the module's.
    trained : list of str
        Names of the parts of the module that are trained; "" for all of it. The rest
        stays as it is, and in evaluation mode.
    pooling : {"max", "mean"} or None
        What stands for a map of the code; ``None`` for all its values.
    shape : sequence of int
        (channels, *sides) of the input.
    resize : list of int or None
        Sides that the module is given.
    n_channels : int
        Channels that the module is given.
    mean, std : list of float
        For each of these channels, or one for all.
    head : list of int
        Widths of the head's layers, the first the code's; empty for no head.
    activation : str
        Of the head's hidden layers.
    """

    def __init__(
        self,
        *,
        module,
        layer,
        trained,
        pooling,
        shape,
        resize,
        n_channels,
        mean,
        std,
        head,
        activation,
    ):
        super().__init__(shape)
        self.module = module
        may_be_trained = {
            name: weights.requires_grad for name, weights in module.named_parameters()
        }
        self.module.requires_grad_(False)
        self.layer = layer
        self.trained = trained
        self.pooling = pooling
        self.resize = resize
        self.n_channels = n_channels
        per_channel = [-1, *(1 for _ in shape[1:])]
        self.register_buffer("mean", torch.tensor(mean).view(per_channel))
        self.register_buffer("std", torch.tensor(std).view(per_channel))
        for name in trained:
            part = module.get_submodule(name)
            for inner, weights in part.named_parameters():
                full = f"{name}.{inner}" if name else inner
                weights.requires_grad_(may_be_trained[full])
        if head:
            # Features may have any scale; their own is what the head starts from.
            scaling = nn.BatchNorm1d(head[0], affine=False)
            self.head = nn.Sequential(scaling, *mlp(head, activation))

    def train(self, mode=True):
        super().train(mode)
        self.module.eval()
        for name in self.trained:
            self.module.get_submodule(name).train(mode)
        return self

    def prepare(self, x):
        """Images as the module takes them."""
        if self.resize is not None:
            sides = [1, *self.resize][-2:]  # signals have a height of 1
            enlarge = partial(
                functional.interpolate, size=sides, mode="bilinear", antialias=True
            )
            x = on_images(enlarge, x)
        x = (x.expand(-1, self.n_channels, *x.shape[2:]) - self.mean) / self.std
        # What `as_module` of our estimators gives takes images as these have them.
        return x.movedim(1, -1) if isinstance(self.module, UpToLayer) else x

    def features(self, x):
        """What the layer puts out, as it is."""
        x = self.prepare(x)
        if self.layer is None:
            return self.run(self.module, x)
        return self.run(partial(output_of, self.layer, self.module, self.module), x)

    def encode(self, x):
        maps = self.features(x)
        return POOLINGS[self.pooling if maps.ndim > 2 else None](maps)

    def forward(self, x):
        """Logits of the classes."""
        return self.head(self.encode(x))

    def evaluate(self, x):
        return self.forward(x) if hasattr(self, "head") else self.encode(x)

    def probabilities(self, x):
        return self.forward(x).softmax(1)


def try_out(description, rows):
    """Let the module that a description holds encode some samples.

    Parameters
    ----------
    description : dict
        Of a `TransferNetwork`, without a head.
    rows : tensor of shape (n_rows, n_values)
        Some training samples, at least two.

    Returns
    -------
    n_features : int
    block : str or None
        As `last_block` gives it.

    Raises
    ------
    ValueError
        If the module cannot take the input, its output has no row for each sample, or
        the output of a sample depends on those beside it.
    """
    options = {name: value for name, value in description.items() if name != "network"}
    network = TransferNetwork(**copy_modules(options)).eval()
    x = network.arrange(rows)
    with torch.no_grad():
        maps = try_module("module", network.features, x)
        if not isinstance(maps, torch.Tensor) or maps.ndim < 2 or len(maps) != len(x):
            what = getattr(maps, "shape", type(maps).__name__)
            raise ValueError(
                f"The module must give a tensor of shape (n_images, ...), but for "
                f"{len(x)} images it gives {what}; choose a layer that does."
            )
        if not maps.is_floating_point():
            raise ValueError(
                f"The module gives {maps.dtype}, but features are real numbers; choose "
                "a layer that gives floats."
            )
        refuse_mixed_rows("module", network.features, x, maps)
        block = last_block(network.module, network.layer, network.features, x)
        return network.encode(x).shape[1], block


def last_block(module, layer, function, x):
    """Name of the last part of a module with weights that a layer's output needs.

    Parts are the children of the module; where only one of these has weights, its
    children, and so on. Which is the last is seen from the order in which their weights
    are used while the function works on x.

    Parameters
    ----------
    module : torch module
    layer : str or None
        ``None`` for the output of the module.
    function : callable
    x : tensor

    Returns
    -------
    name : str or None
        ``None`` if there are no weights.
    """
    used, is_done = [], []

    def note(name):
        def hook(*_):
            if not is_done:
                used.append(name)

        return hook

    def finish(*_):
        is_done.append(True)

    named = dict(module.named_modules())
    hooks = [
        part.register_forward_hook(note(name))
        for name, part in named.items()
        if next(part.parameters(recurse=False), None) is not None
    ]
    if layer is not None:
        hooks.append(named[layer].register_forward_hook(finish))
    try:
        function(x)
    finally:
        for hook in hooks:
            hook.remove()
    if not used:
        return None
    block = ""
    while used[-1] != block:
        parts = {name: _child(name, block) for name in used if name != block}
        if len(set(parts.values())) > 1 or block in used:
            return parts[used[-1]]
        block = parts[used[-1]]
    return block


def _child(name, parent):
    """Name of the child of a module that a module within it belongs to."""
    inner = name.removeprefix(parent + ".") if parent else name
    child = inner.partition(".")[0]
    return f"{parent}.{child}" if parent else child
