"""A network that was trained elsewhere, with a head of ours, for images and signals."""

from functools import partial

import torch
from torch.nn import functional

from sklearn_replearn._deep.input.samples import on_images
from sklearn_replearn._deep.networks.fine_tuning import (
    freeze_all_but,
    last_block,
    scaled_head,
    train_parts,
)
from sklearn_replearn._deep.networks.network import (
    Network,
    UpToLayer,
    copy_modules,
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
        freeze_all_but(module, trained)
        self.layer = layer
        self.trained = trained
        self.pooling = pooling
        self.resize = resize
        self.n_channels = n_channels
        per_channel = [-1, *(1 for _ in shape[1:])]
        self.register_buffer("mean", torch.tensor(mean).view(per_channel))
        self.register_buffer("std", torch.tensor(std).view(per_channel))
        if head:
            self.head = scaled_head(head, activation)

    def train(self, mode=True):
        super().train(mode)
        train_parts(self.module, self.trained, mode)
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
