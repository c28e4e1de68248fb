"""Layers, and the networks made of them, from plain descriptions.

A description is a dict of strings and numbers, so that a fitted estimator can be saved
without its network and rebuild it anywhere. It may also hold torch modules of the user:
`build_network` copies them.
"""

from contextlib import contextmanager
from copy import deepcopy
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional
from torch.nn.parameter import is_lazy

Module = nn.Module  # for the families, which import no torch

#: Differences of a row's output beside other rows, relative to the largest output,
#: that rounding does not explain, not even in half precision.
MIXED = 0.01

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


def has_own_modules(description):
    """Whether a part of the network is a module that the user gave."""
    return any(isinstance(value, nn.Module) for value in description.values())


def build_layers(description):
    """Layers from their description; a module is taken as it is."""
    if isinstance(description, nn.Module):
        return description
    options = dict(description)
    return LAYERS[options.pop("layers")](**options)


def mlp(sizes, activation):
    """Linear layers with the activation between them, but not after the last."""
    steps = []
    for n_inputs, n_outputs in pairwise(sizes):
        steps += [nn.Linear(n_inputs, n_outputs), ACTIVATIONS[activation]()]
    return nn.Sequential(*steps[:-1])


def flat_mlp(sizes, activation):
    """The layers of `mlp`, for input of any shape."""
    return nn.Sequential(nn.Flatten(), *mlp(sizes, activation))


LAYERS = {"flat_mlp": flat_mlp, "mlp": mlp}


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
    n_origins : int, default=1
        Length of `origin`: the number of features, or 1.

    Attributes
    ----------
    knows_double : tensor of bool, of shape ()
        Whether the layers also compute in double precision.
    origin : tensor of shape (n_origins,)
        Subtracted from rows before they are cast to single precision, in which numbers
        far from zero lose their digits. 0 where that is not needed.
    """

    #: Rows that are encoded at a time.
    block_rows = 256

    #: Whether `run` computes in lower precision; see `in_mixed_precision`.
    is_mixed = False

    def __init__(self, n_origins=1):
        super().__init__()
        self.register_buffer("origin", torch.zeros(n_origins))
        self.register_buffer("knows_double", torch.tensor(True))

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

    @property
    def reads_by_hook(self):
        """Whether `encode` gives what a hook in the middle of the layers finds."""
        return False

    def arrange(self, rows):
        """The input of the layers, in new memory, from rows of any dtype."""
        return self.lay(subtract(rows, self.origin).to(self.origin.dtype))

    def lay(self, rows):
        """Rows in the shape that the layers take."""
        return rows

    def encode(self, x):
        """Codes, of shape (n_samples, n_components)."""
        raise NotImplementedError

    def evaluate(self, x):
        """A pass through all the layers, without noise."""
        return self.encode(x)


def subtract(rows, origin):
    """Differences of rows from an origin, computed before any digit is lost.

    Parameters
    ----------
    rows : tensor of shape (n_rows, ...)
        Of floats or of integers.
    origin : tensor
        Of floats.

    Returns
    -------
    differences : tensor of floats
    """
    if rows.is_floating_point():
        return rows - origin
    whole = origin.double().round()
    differences = rows - whole  # in double precision, which has 53 bits
    exact = (rows - whole.long()).double()  # right unless it is beyond 64 bits
    differences = torch.where(differences.abs() < 2**62, exact, differences)
    return differences - (origin - whole)


def as_float(output, dtype):
    """A tensor of floats in another precision; anything else as it is."""
    if isinstance(output, torch.Tensor) and output.is_floating_point():
        return output.to(dtype)
    return output


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
            for tensor in _computed_tensors(module):
                memo.setdefault(id(tensor), tensor.detach().clone())
    return deepcopy(modules, memo)


def _computed_tensors(module):
    """Attributes of a module that hold results of torch, such as weight_norm's."""
    for part in module.modules():
        for value in vars(part).values():
            if isinstance(value, torch.Tensor) and not value.is_leaf:
                yield value


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
    """

    def __init__(self, network, layer=None):
        super().__init__()
        if layer is not None:
            check_layer(network, layer)
        self.network = network
        self.layer = layer
        self.train(network.training)

    def forward(self, rows):
        if self.layer is None:
            return self.network.encode(self.network.arrange(rows))
        network = share_weights(self.network)
        x = network.arrange(rows)
        return output_of(self.layer, network, network.evaluate, x)


def check_layer(network, layer):
    """Raise if a network has no layer of this name."""
    names = [name for name, _ in network.named_modules() if name]
    if layer not in names:
        raise ValueError(f"There is no layer {layer!r}; there are {names}.")


def output_of(layer, network, function, x):
    """What a layer of a network puts out, at last, while a function works on x.

    The network belongs to the caller alone: another thread that uses it would add its
    own outputs. They are copied, since the layers after it may work in place.
    """
    outputs = []

    def keep(layer, inputs, output):
        outputs[:] = [_cloned(output)]

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


def try_module(name, function, x):
    """What a module that the user gave makes of x; raise if it cannot."""
    try:
        return function(x.clone())  # its first layer may work in place
    except Exception as error:
        raise ValueError(
            f"The {name} cannot take input of shape {_rows_shape(x.shape)}: {error}"
        ) from error


def check_modules(parameters):
    """Raise if a module that the user gave cannot be copied or saved.

    Parameters
    ----------
    parameters : dict
        Of an estimator. Those that are no modules are skipped.
    """
    for name, module in parameters.items():
        problem = _problem(module) if isinstance(module, nn.Module) else None
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
    if next(_computed_tensors(module), None) is not None:
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


def _rows_shape(shape):
    return str(("n_rows", *shape[1:])).replace("'", "")


class EncoderDecoder(Network):
    """Rows to codes and back.

    `forward` is what is trained: for binary cross-entropy it gives logits, where
    `decode` gives probabilities.

    Parameters
    ----------
    encoder, decoder : dict or torch module
        ``decoder="tied"`` shares the weights of the encoder, an MLP.
    shape : sequence of int
        Of a sample, as the layers have it.
    binary : bool
        Whether the outputs are probabilities.

    Attributes
    ----------
    center, spread : tensors of shape `shape` and ()
        The encoder sees ``(x - center) / spread``: layers learn badly from numbers that
        are far from zero for what they vary, or that vary far more or less than by 1.
    gain, offset : tensors of shape () and `shape`
        What the decoder gives is ``gain * output + offset``.
    """

    def __init__(self, encoder, decoder, shape, binary=False):
        super().__init__(n_origins=shape[0] if len(shape) == 1 else 1)
        self.encoder = build_layers(encoder)
        self.decoder = (
            tied_decoder(self.encoder) if decoder == "tied" else build_layers(decoder)
        )
        self.binary = binary
        self.register_buffer("center", torch.zeros(shape))
        self.register_buffer("spread", torch.ones(()))
        self.register_buffer("gain", torch.ones(()))
        self.register_buffer("offset", torch.zeros(shape))

    def run_encoder(self, x):
        return self.run(self.encoder, (x - self.center) / self.spread)

    def run_decoder(self, z):
        # The first layer of a user's decoder may work in place.
        output = self.run(self.decoder, z.clone())
        return torch.addcmul(self.offset, output, self.gain)

    def encode(self, x):
        return self.run_encoder(x)

    def decode(self, z):
        """Rows in their own units, from codes."""
        return self._decode(z) + self.origin

    def reconstruct(self, x):
        return self.decode(self.encode(x))

    evaluate = reconstruct

    def squared_errors(self, x):
        """Mean squared error of each row, as a column."""
        errors = self._decode(self.encode(x)) - x
        return errors.square().flatten(1).mean(1, keepdim=True)

    def _decode(self, z):
        x = self.run_decoder(z)
        return torch.sigmoid(x) if self.binary else x

    def forward(self, x):
        return self.run_decoder(self.encode(x))
