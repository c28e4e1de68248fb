"""The encoder of BERT: layers of attention, normalised after each (Devlin, 2019).

Texts are one after another, without padding, so that no layer works on it; only
attention, which takes a small part of the time, has them side by side.
"""

from functools import partial

import torch
from torch import nn
from torch.nn import functional

#: Functions of the inner units, by the names that configurations have for them.
FUNCTIONS = {
    "gelu": functional.gelu,
    "gelu_new": partial(functional.gelu, approximate="tanh"),
    "gelu_pytorch_tanh": partial(functional.gelu, approximate="tanh"),
    "relu": functional.relu,
    "silu": functional.silu,
    "swish": functional.silu,
}


class Packing:
    """Sequences of tokens, one after another.

    Parameters
    ----------
    lengths : tensor of int64, of shape (n_sequences,)
        At least 1.

    Attributes
    ----------
    starts, ends : tensors of int64, of shape (n_sequences,)
        Where each sequence starts and ends.
    positions : tensor of int64, of shape (n_tokens,)
        Place of each token in its sequence.
    longest : int
    mask : tensor of bool, of shape (n_sequences, longest), or None
        Where there are tokens if the sequences are side by side. ``None`` if all have
        the same length.
    """

    def __init__(self, lengths):
        self.lengths = lengths
        self.ends = lengths.cumsum(0)
        self.starts = self.ends - lengths
        n = int(self.ends[-1])
        self.longest = int(lengths.max())
        first = self.starts.repeat_interleave(lengths, output_size=n)
        self.positions = torch.arange(n, device=lengths.device) - first
        self.mask = self._places = None
        if n < len(lengths) * self.longest:
            column = torch.arange(self.longest, device=lengths.device)
            self.mask = column < lengths[:, None]
            rows = torch.arange(len(lengths), device=lengths.device) * self.longest
            rows = rows.repeat_interleave(lengths, output_size=n)
            self._places = rows + self.positions

    def side_by_side(self, x):
        """Values of tokens as (n_sequences, longest, ...), with zeros behind them."""
        if self._places is None:
            return x.unflatten(0, (len(self.lengths), self.longest))
        padded = x.new_zeros(len(self.lengths) * self.longest, *x.shape[1:])
        padded = padded.index_copy(0, self._places, x)
        return padded.unflatten(0, (len(self.lengths), self.longest))

    def one_after_another(self, x):
        """Values of tokens that are side by side as (n_tokens, ...)."""
        x = x.flatten(0, 1)
        return x if self._places is None else x.index_select(0, self._places)


class Bert(nn.Module):
    """Token ids to a vector for each token.

    Parameters
    ----------
    n_tokens, n_positions : int
        Size of the vocabulary, and length of the longest sequence.
    width : int
        Length of a vector.
    n_layers, n_heads : int
    inner_width : int
        Number of units between the two linear maps of a layer.
    activation : str
        Their function, one of `FUNCTIONS`.
    epsilon : float
        Added to variances in normalizations.
    dropout, attention_dropout : float
        Shares of values, and of weights of attention, that are dropped in training.
    """

    def __init__(
        self,
        *,
        n_tokens,
        n_positions,
        width,
        n_layers,
        n_heads,
        inner_width,
        activation,
        epsilon,
        dropout,
        attention_dropout,
    ):
        super().__init__()
        self.embeddings = BertEmbeddings(n_tokens, n_positions, width, epsilon, dropout)
        self.layers = nn.ModuleList(
            BertLayer(
                width,
                n_heads,
                inner_width,
                activation,
                epsilon,
                dropout,
                attention_dropout,
            )
            for _ in range(n_layers)
        )

    def forward(self, ids, packing):
        """Vectors of shape (n_tokens, width) of ids of shape (n_tokens,)."""
        x = self.embeddings(ids, packing)
        for layer in self.layers:
            x = layer(x, packing)
        return x


class BertEmbeddings(nn.Module):
    """Sums of a vector of the token and one of its place, normalised.

    Vectors are not initialised: those of a model are loaded.
    """

    def __init__(self, n_tokens, n_positions, width, epsilon, dropout):
        super().__init__()
        # No nn.Embedding: its start on "meta" imports the compiler of torch.
        self.token = nn.Parameter(torch.empty(n_tokens, width))
        self.position = nn.Parameter(torch.empty(n_positions, width))
        self.norm = nn.LayerNorm(width, eps=epsilon)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids, packing):
        x = functional.embedding(ids, self.token)
        x = x + functional.embedding(packing.positions, self.position)
        return self.dropout(self.norm(x))


class BertLayer(nn.Module):
    """Attention and two linear maps, each added to its input and normalised."""

    def __init__(
        self,
        width,
        n_heads,
        inner_width,
        activation,
        epsilon,
        dropout,
        attention_dropout,
    ):
        super().__init__()
        self.n_heads = n_heads
        self.activation = activation
        self.attention_dropout = attention_dropout
        self.query_key_value = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.mix_norm = nn.LayerNorm(width, eps=epsilon)
        self.inner = nn.Linear(width, inner_width)
        self.outer = nn.Linear(inner_width, width)
        self.outer_norm = nn.LayerNorm(width, eps=epsilon)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, packing):
        x = self.mix_norm(x + self.dropout(self.mix(self.attend(x, packing))))
        inner = FUNCTIONS[self.activation](self.inner(x))
        return self.outer_norm(x + self.dropout(self.outer(inner)))

    def attend(self, x, packing):
        """Means of values of the tokens of a sequence, for each head, side by side."""
        padded = packing.side_by_side(self.query_key_value(x))
        heads = padded.unflatten(2, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        mask = None if packing.mask is None else packing.mask[:, None, None]
        mixed = functional.scaled_dot_product_attention(
            *heads,
            attn_mask=mask,
            dropout_p=self.attention_dropout if self.training else 0.0,
        )
        return packing.one_after_another(mixed.transpose(1, 2).flatten(2))
