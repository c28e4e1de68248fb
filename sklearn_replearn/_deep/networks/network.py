"""Networks and layers by name, the base of all networks, and copies of them."""

from contextlib import contextmanager
from copy import deepcopy
from importlib import import_module
from itertools import pairwise
from threading import Lock, get_ident

import torch
from torch import nn
from torch.nn import functional

from sklearn_replearn._deep.input.samples import channels_first, subtract

ACTIVATIONS = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "identity": nn.Identity,
    "leaky_relu": nn.LeakyReLU,
    "logistic": nn.Sigmoid,
    "prelu": nn.PReLU,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


#: The module that defines each network, and each stack of layers, imported when one is
#: built. Described by names, an estimator is one that skops trusts.
PLACES = {
    # networks
    "ConvClassifier": "_deep.networks.convnet",
    "DenoisingEncoderDecoder": "_deep.networks.corruption",
    "EmbeddingNetwork": "_deep.networks.embedding",
    "EncoderDecoder": "_deep.networks.encoder_decoder",
    "LinearEmbedding": "_deep.networks.embedding",
    "PairNetwork": "metric_learning._pair_network",
    "PretextNetwork": "self_supervised._pretext_network",
    "ProjectionNetwork": "self_supervised._projection_network",
    "QuantizedEncoderDecoder": "_deep.networks.quantization",
    "SentenceNetwork": "language._sentence_network",
    "TargetNetwork": "multiview._target_network",
    "TextEncoder": "_deep.networks.text_encoder",
    "TokenTransformer": "_deep.networks.transformer",
    "TransferNetwork": "image._transfer",
    "TwoViewNetwork": "multiview._two_view_network",
    "VariationalEncoderDecoder": "_deep.networks.variational",
    # layers
    "Bert": "_deep.networks.bert",
    "conv_decoder": "_deep.networks.convolutions",
    "conv_embedding": "_deep.networks.convnet",
    "conv_encoder": "_deep.networks.convolutions",
    "flat_mlp": "_deep.networks.network",
    "mlp": "_deep.networks.network",
    "WordsNetwork": "multiview._two_view_network",
}


def build_network(description, device="cpu"):
    """The network that a description names: fresh weights, copies of modules.

    The description has the name of a network, or its class. The weights are made on a
    device; modules of the user stay where they are, also those that make their own
    copies.
    """
    options = copy_modules(dict(description))
    with torch.device(device):
        network = _find(options.pop("network"))(**options)
    network.lay_out()
    return network


def has_own_modules(description):
    """Whether a part of the network is a module that the user gave."""
    return any(isinstance(value, nn.Module) for value in description.values())


def build_layers(description):
    """Layers from their description; a module is taken as it is."""
    if isinstance(description, nn.Module):
        return description
    options = dict(description)
    return _find(options.pop("layers"))(**options)


def _find(name):
    if callable(name):
        return name
    return getattr(import_module(f"sklearn_replearn.{PLACES[name]}"), name)


def mlp(sizes, activation):
    """Linear layers with the activation between them, but not after the last."""
    steps = []
    for n_inputs, n_outputs in pairwise(sizes):
        steps += [nn.Linear(n_inputs, n_outputs), ACTIVATIONS[activation]()]
    return nn.Sequential(*steps[:-1])


def flat_mlp(sizes, activation):
    """The layers of `mlp`, for input of any shape."""
    return nn.Sequential(nn.Flatten(), *mlp(sizes, activation))


class TiedLinear(nn.Module):
    """The transpose of a linear layer, with a bias of its own."""

    def __init__(self, linear):
        super().__init__()
        self.other = [linear]  # in a list: its weights are not ours to register
        self.bias = nn.Parameter(torch.zeros(linear.in_features))

    def forward(self, x):
        return functional.linear(x, self.other[0].weight.t(), self.bias)


def tied_decoder(encoder):
    """The layers of an MLP backwards, with its weights transposed."""
    steps = [
        TiedLinear(step) if isinstance(step, nn.Linear) else deepcopy(step)
        for step in reversed(encoder)
    ]
    return nn.Sequential(*steps)


class Network(nn.Module):
    """What an estimator trains: `forward` in training, `encode` afterwards.

    Parameters
    ----------
    shape : sequence of int, default=()
        Of a sample as the layers take it: (n_features,) of rows; (channels, length) of
        signals, or (channels, height, width) of images, which rows have with their
        channels last. ``()`` for samples of other kinds.

    Attributes
    ----------
    knows_double : tensor of bool, of shape ()
        Whether the layers also compute in double precision.
    origin : tensor of shape (n_features,), or (1,) of other samples than rows
        Subtracted from rows before they are cast to single precision, in which numbers
        far from zero lose their digits. 0 where that is not needed.
    center, spread : tensors of shape `shape` and ()
        Mean and standard deviation of the training values, after that. Layers learn
        badly from numbers that are far from zero for what they vary, or that vary far
        more or less than by 1: they are given what `standardized` makes of their input.
    """

    #: Rows that are encoded at a time; 64 of images. An image of 28 x 28 takes least
    #: time in blocks of this size, and its maps, 8 times its size after a stage with 32
    #: channels, do not fill the memory where it is large.
    block_rows = 256

    #: Whether `run` computes in lower precision; see `in_mixed_precision`.
    is_mixed = False

    #: Whether convolutions of images have the channels last in memory, which takes them
    #: 0.6 to 0.9 of the time.
    has_channels_last = False

    def __init__(self, shape=()):
        super().__init__()
        self.shape = list(shape)
        if len(shape) > 1:
            self.block_rows = 64
        n_origins = shape[0] if len(shape) == 1 else 1
        self.register_buffer("origin", torch.zeros(n_origins))
        self.register_buffer("knows_double", torch.tensor(True))
        self.register_buffer("center", torch.zeros(self.shape))
        self.register_buffer("spread", torch.ones(()))

    def standardized(self, x):
        """The input with a mean of 0, and values that vary by about 1."""
        return (x - self.center) / self.spread

    def run(self, layers, x):
        """The output of layers, in the precision of x whatever they compute in."""
        if not self.is_mixed:
            return as_float(layers(x), x.dtype)
        try:
            with torch.autocast(x.device.type, dtype=torch.bfloat16):
                return layers(x).to(x.dtype)
        except RuntimeError as error:
            if "BFloat16" not in str(error):
                raise
            raise ValueError(
                f"Some layer cannot compute in bfloat16 ({error}); set "
                "mixed_precision=False."
            ) from error

    def lay_out(self):
        """Order the weights in memory as they are read fastest."""
        if self.has_channels_last and len(self.shape) == 3:
            self.to(memory_format=torch.channels_last)

    def arrange(self, rows):
        """The input of the layers, in new memory, from rows of any dtype."""
        rows = subtract(rows, self.origin).to(self.origin.dtype)
        return channels_first(rows, self.shape) if len(self.shape) > 1 else rows

    def encode(self, x):
        """Codes, of shape (n_samples, n_components)."""
        raise NotImplementedError

    def evaluate(self, x):
        """A pass through all the layers, without noise."""
        return self.encode(x)


@contextmanager
def in_mixed_precision(module):
    """Let the networks in a module run their layers in bfloat16 meanwhile.

    Weights, and what is computed outside of the layers (draws, distances, losses), stay
    in single precision (Micikevicius et al., 2018).
    """
    networks = [part for part in module.modules() if isinstance(part, Network)]
    for network in networks:
        network.is_mixed = True
    try:
        yield
    finally:
        for network in networks:
            network.is_mixed = False


class UpToLayer(nn.Module):
    """What one layer of a network puts out for rows.

    Parameters
    ----------
    network : Network
    layer : str or None
        Its name among ``network.named_modules()``; ``None`` for the code.
    unit : dict, default=None
        The unit of the images that the network was trained on, by `find_unit`.
    """

    def __init__(self, network, layer=None, unit=None):
        super().__init__()
        if layer is not None:
            check_layer(network, layer)
        self.network = network
        self.layer = layer
        self.unit = unit
        self.train(network.training)

    def forward(self, rows):
        if self.layer is None:
            return self.network.encode(self.network.arrange(rows))
        network = self.network
        return output_of(self.layer, network, network.evaluate, network.arrange(rows))


def check_layer(network, layer):
    """Raise if a network has no layer of this name."""
    names = [name for name, _ in network.named_modules() if name]
    if layer not in names:
        raise ValueError(f"There is no layer {layer!r}; there are {names}.")


#: torch numbers hooks without a lock: of two with one number, the second takes the
#: place of the first.
_REGISTERING = Lock()


def output_of(layer, network, function, x):
    """What a layer of a network puts out, at last, while a function works on x.

    Other threads may use the network meanwhile: only outputs of this one count. They
    are copied, since the layers after it may work in place.
    """
    outputs, thread = [], get_ident()

    def keep(layer, inputs, output):
        if get_ident() == thread:
            outputs[:] = [_cloned(output)]

    with _REGISTERING:
        hook = network.get_submodule(layer).register_forward_hook(keep)
    try:
        function(x)
    finally:
        hook.remove()
    if not outputs:
        raise ValueError(f"The layer {layer!r} is not used; take another one.")
    return outputs[0]


def _cloned(output):
    """Tensors, also in tuples, lists and dicts, in memory of their own."""
    if isinstance(output, torch.Tensor):
        return output.clone()
    if type(output) in (tuple, list):
        return type(output)(map(_cloned, output))
    if type(output) is dict:
        return {name: _cloned(value) for name, value in output.items()}
    return output


def as_float(output, dtype):
    """A tensor of floats in another precision; anything else as it is."""
    if isinstance(output, torch.Tensor) and output.is_floating_point():
        return output.to(dtype)
    return output


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


def unsaved_buffers(module):
    """Buffers, by name, that a module leaves out of its ``state_dict``."""
    saved = module.state_dict()
    buffers = module.named_buffers()
    return {name: buffer for name, buffer in buffers if name not in saved}
