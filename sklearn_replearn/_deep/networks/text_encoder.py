"""A network of tokens that was trained elsewhere, pooled to a vector for each text."""

from functools import partial

import torch
from torch.nn import functional

from sklearn_replearn._deep.input.ragged import Padded, bucket_length
from sklearn_replearn._deep.networks.bert import Bert, Packing
from sklearn_replearn._deep.networks.fine_tuning import (
    freeze_all_but,
    last_block,
    scaled_head,
    train_parts,
)
from sklearn_replearn._deep.networks.network import (
    Network,
    build_layers,
    copy_modules,
    output_of,
)
from sklearn_replearn._deep.networks.own_modules import MIXED, near

#: What is taken of the vectors of the tokens of a text.
POOLINGS = ("mean", "cls", "max")

#: Tokens that are encoded at a time: their vectors stay in the cache of a processor.
N_TOKENS, N_TOKENS_ON_GPU = 4096, 2**16


class TextEncoder(Network):
    """Token ids of texts to vectors; behind them a head with an output a class.

    A text that is longer than a window is cut into windows of about the same length.
    All its tokens are pooled together. A text without tokens has a vector of zeros.

    Parameters
    ----------
    module : torch module, or description of a `Bert`
        A module of the user is called with ids and a mask, padded to (n_texts, length).
    layer : str or None
        The layer of the user's module whose output is taken; ``None`` for the
        module's.
    pooling : {"mean", "cls", "max"}
        Of the vectors of tokens; "cls" is the vector of the first, and the mean of
        those of several windows.
    window : int or None
        Maximum number of tokens of a window, without special ones.
    special : list of int
        Ids before and after each window; empty for none.
    width : int
        Length of a vector.
    trained : list of str
        Names of the parts of the module that are trained; "" for all of it.
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
        pooling,
        window,
        special,
        width,
        trained,
        head,
        activation,
    ):
        super().__init__()
        with torch.device("meta"):  # a Bert is given all of its weights afterwards
            self.module = build_layers(module)
        freeze_all_but(self.module, trained)
        self.layer = layer
        self.pooling = pooling
        self.window = window
        self.special = special
        self.width = width
        self.trained = trained
        if head:
            self.head = scaled_head(head, activation)

    @property
    def block_rows(self):
        """Tokens that are encoded at a time."""
        return N_TOKENS_ON_GPU if self.origin.is_cuda else N_TOKENS

    def train(self, mode=True):
        super().train(mode)
        train_parts(self.module, self.trained, mode)
        return self

    def arrange(self, rows):
        return rows if isinstance(rows, torch.Tensor) else Padded(*rows)

    def encode(self, x):
        return self.pooled(x, [self.pooling])[0]

    def pooled(self, x, poolings):
        """Vectors of texts, for each of some poolings: a list of (n_texts, width)."""
        filled = x.mask.any(1)
        if not filled.any():
            return [self.origin.new_zeros(len(filled), self.width) for _ in poolings]
        ids, packing, n_windows = self.cut(x.values[x.mask], x.mask.sum(1)[filled])
        tokens = self.token_vectors(ids, packing)
        found = [pool(name, tokens, packing, n_windows) for name in poolings]
        if filled.all():
            return found
        return [
            rows.new_zeros(len(filled), rows.shape[1]).masked_scatter(
                filled[:, None], rows
            )
            for rows in found
        ]

    def cut(self, ids, lengths):
        """The ids of texts, one after another, as windows with their special tokens.

        Returns
        -------
        ids : tensor of int64, of shape (n_tokens,)
        packing : Packing
            Of the windows.
        n_windows : tensor of int64, of shape (n_texts,)
        """
        n_windows = torch.ones_like(lengths)
        if self.window is not None:
            n_windows = (lengths + self.window - 1) // self.window
        n = int(n_windows.sum())
        first = n_windows.cumsum(0) - n_windows
        number = torch.arange(n, device=ids.device)
        number = number - first.repeat_interleave(n_windows, output_size=n)
        lengths, several = (
            values.repeat_interleave(n_windows, output_size=n)
            for values in (lengths, n_windows)
        )
        sizes = lengths // several + (number < lengths % several)
        if not self.special:
            return ids, Packing(sizes), n_windows
        packing = Packing(sizes + 2)
        places = torch.ones(len(packing.positions), dtype=torch.bool, device=ids.device)
        places[packing.starts] = False
        places[packing.ends - 1] = False
        whole = ids.new_empty(len(places))
        whole[places] = ids
        whole[packing.starts] = self.special[0]
        whole[packing.ends - 1] = self.special[1]
        return whole, packing, n_windows

    def token_vectors(self, ids, packing):
        """A vector for each token, or for each window, as the module gives them.

        Many windows of a long text are encoded a few at a time.
        """
        if torch.is_grad_enabled() or len(ids) <= 2 * self.block_rows:
            return self.vectors_at_once(ids, packing)
        groups = packing.lengths.split(max(1, self.block_rows // packing.longest))
        parts = ids.split([int(lengths.sum()) for lengths in groups])
        return torch.cat(
            [
                self.vectors_at_once(part, Packing(lengths))
                for part, lengths in zip(parts, groups, strict=True)
            ]
        )

    def vectors_at_once(self, ids, packing):
        if isinstance(self.module, Bert):
            layers = partial(self.module, packing=packing)
            return self.in_own_precision(layers, ids)
        padded, mask = side_by_side(ids, packing, bucket_length(packing.longest))
        output = self.foreign_output(padded, mask)
        return output[mask] if output.ndim == 3 else output

    def foreign_output(self, ids, mask):
        """What the layer of the user's module gives for padded ids."""
        call = partial(self.in_own_precision, self.module, mask=mask)
        if self.layer is None:
            return first_tensor(call(ids))
        return first_tensor(output_of(self.layer, self.module, call, ids))

    def in_own_precision(self, layers, ids, **options):
        """The output of layers for ids, in the precision of the network."""
        with torch.autocast(
            ids.device.type, dtype=torch.bfloat16, enabled=self.is_mixed
        ):
            try:
                output = layers(ids, *options.values())
            except IndexError as error:
                raise ValueError(
                    f"The module has no vectors for ids up to {int(ids.max())} in "
                    f"texts of this length ({error}); pass the tokenizer that belongs "
                    "to it, or set max_length."
                ) from error
        if isinstance(output, torch.Tensor) and self.is_mixed:
            return output.to(self.origin.dtype)
        return output

    def forward(self, x):
        """Logits of the classes, of texts or of their vectors."""
        return self.head(x if isinstance(x, torch.Tensor) else self.encode(x))

    def evaluate(self, x):
        return self.forward(x) if hasattr(self, "head") else self.encode(x)

    def probabilities(self, x):
        return self.forward(x).softmax(1)


def side_by_side(ids, packing, length):
    """Ids of windows padded to (n_windows, length), and a mask of where they are."""
    mask = torch.arange(length, device=ids.device) < packing.lengths[:, None]
    return ids.new_zeros(mask.shape).masked_scatter(mask, ids), mask


def pool(pooling, tokens, packing, n_windows):
    """Vectors of texts from those of tokens, or of windows.

    Parameters
    ----------
    pooling : {"mean", "cls", "max"}
    tokens : tensor of shape (n_tokens, width) or (n_windows, width)
    packing : Packing
        Of the windows.
    n_windows : tensor of int64, of shape (n_texts,)

    Returns
    -------
    vectors : tensor of shape (n_texts, width)
    """
    lengths = packing.lengths
    if len(tokens) == len(lengths) < len(packing.positions):  # a vector for a window
        pooling, lengths = {"cls": "mean"}.get(pooling, pooling), n_windows
    elif pooling == "cls":
        tokens, pooling, lengths = tokens[packing.starts], "mean", n_windows
    else:
        lengths = segment_sums(lengths, n_windows)
    if len(lengths) == len(tokens):
        return tokens
    return torch.segment_reduce(tokens, pooling, lengths=lengths, axis=0)


def segment_sums(values, lengths):
    """Sums of the values of segments that are one after another."""
    sums = functional.pad(values.cumsum(0), (1, 0))
    ends = lengths.cumsum(0)
    return sums[ends] - sums[ends - lengths]


def first_tensor(output):
    """The tensor of an output: itself, that of tokens, or the first of a tuple."""
    output = getattr(output, "last_hidden_state", output)
    return output[0] if isinstance(output, tuple | list) and len(output) else output


def try_out(description, samples):
    """Let the module that a description holds encode some texts.

    Parameters
    ----------
    description : dict
        Of a `TextEncoder` with a module of the user, without its width.
    samples : Tokens
        Some texts, none empty.

    Returns
    -------
    width : int
    block : str or None
        As `last_block` gives it.

    Raises
    ------
    ValueError
        If the module cannot take ids and a mask, gives no vectors, or if the vectors
        of a text depend on the padding.
    """
    options = {name: value for name, value in description.items() if name != "network"}
    network = TextEncoder(**copy_modules(options), width=0).eval()
    x = samples.take(torch.arange(len(samples)))
    with torch.no_grad():
        ids, packing, _ = network.cut(x.values[x.mask], x.mask.sum(1))
        padded, mask = side_by_side(ids, packing, packing.longest)
        output = _called(network, padded, mask)
        _check_output(output, mask)
        longer, longer_mask = (functional.pad(part, (0, 3)) for part in (padded, mask))
        again = _called(network, longer, longer_mask)
        if output.ndim == 3:
            output, again = output[mask], again[longer_mask]
        if not near(again, output, MIXED * output.abs().max()):
            raise ValueError(
                "The model gives a text another vector if there is padding behind it; "
                "it must leave out the places where the mask, its second argument, is "
                "False."
            )
        block = last_block(
            network.module, network.layer, partial(_called, network, mask=mask), padded
        )
    return output.shape[-1], block


def _called(network, ids, mask):
    try:
        return network.foreign_output(ids.clone(), mask.clone())
    except Exception as error:
        raise ValueError(
            f"The model cannot take ids and a mask of shape {tuple(ids.shape)}: {error}"
        ) from error


def _check_output(output, mask):
    shape = tuple(output.shape) if isinstance(output, torch.Tensor) else None
    fits = shape is not None and len(shape) in (2, 3) and shape[0] == len(mask)
    if fits and len(shape) == 3:
        fits = shape[1] == mask.shape[1]
    if not (fits and output.is_floating_point()):
        got = f"shape {shape}" if shape else f"a {type(output).__name__}"
        raise ValueError(
            f"The model gives {got} for ids of shape {tuple(mask.shape)}, but a float "
            "vector for each token, or one for each text, is needed: a tensor of shape "
            "(n_texts, length, width) or (n_texts, width)."
        )
    if not output.isfinite().all():
        raise ValueError(
            "The model gives numbers that are not finite; look for NaN among its "
            "weights."
        )
