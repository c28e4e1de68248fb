"""A transformer of tokens, that predicts words."""

import torch
from torch import nn
from torch.nn import functional

from sklearn_replearn._deep.networks.network import Network

#: Wavelengths of the rotations of queries and keys are between 2 π and this times 2 π.
LONGEST_WAVE = 10_000.0


class TokenTransformer(Network):
    """Windows of tokens to hidden states, and by the vectors of words to their logits.

    A token's input is its vector, together with what a layer makes of the vectors of
    its neighbors. The layers normalize their input, not their output.

    Parameters
    ----------
    n_words : int
        Known words. Behind them in `embedding` are what stands for unknown words, the
        boundary before a document, and what stands for masked words.
    context : int
        Maximum number of tokens of a window. The layers take any number.
    n_components, n_layers, n_heads : int
    n_neighbors : int
        Tokens on a side that the input is made of, beside the token itself.
    dropout : float
    is_causal : bool
        Whether a token has neighbors before it alone, and pays attention to no others.
    pooling : {"mean", "last", "max"}
        Of the known words of a window that are counted.
    layer : int
        Whose states are pooled; 0 for the input of the first.
    """

    #: Tokens, padding included, that are encoded at a time.
    block_rows = 8192

    def __init__(
        self,
        *,
        n_words,
        context,
        n_components,
        n_layers,
        n_heads,
        n_neighbors,
        dropout,
        is_causal,
        pooling,
        layer,
    ):
        super().__init__()
        self.n_words = n_words
        self.unknown, self.boundary, self.masked = range(n_words, n_words + 3)
        self.context = context
        self.is_causal = is_causal
        self.pooling = pooling
        self.layer = layer
        # Vectors are drawn by `start_from`; drawing them here would load a compiler
        # of torch where a pickle is opened.
        vectors = torch.empty(n_words + 3, n_components)
        self.embedding = nn.Embedding.from_pretrained(vectors, freeze=False)
        self.bias = nn.Parameter(torch.zeros(n_words + 2))
        self.local = None
        if n_neighbors:
            self.local = LocalLayer(n_components, n_neighbors, is_causal)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            TransformerLayer(n_components, n_heads, dropout) for _ in range(n_layers)
        )
        self.norm = nn.LayerNorm(n_components)

    def start_from(self, vectors, log_shares):
        """Start from vectors of tokens, and the logarithms of their shares."""
        with torch.no_grad():
            self.embedding.weight.copy_(vectors)
            self.bias.copy_(log_shares)

    def arrange(self, window):
        return window

    def states(self, window):
        """Input of the first layer, and output of each, the last one normalized."""
        x = self.embedding(window.ids)
        documents = (window.ids == self.boundary).cumsum(1)
        documents.masked_fill_(~window.mask, -1)  # padding attends to padding only
        if self.local is not None:
            x = x + self.local(x, documents)
        seen = documents[:, :, None] == documents[:, None]
        if self.is_causal:
            seen = seen.tril()
        turns = rotations(window.ids.shape[1], self.layers[0].n_rotated, x)
        states = [self.dropout(x)]
        for layer in self.layers:
            states.append(layer(states[-1], seen[:, None], turns))
        states[-1] = self.norm(states[-1])
        return states

    def forward(self, window):
        """States that predict words, of shape (n_windows, length, n_components)."""
        return self.run(lambda _: self.states(window)[-1], self.bias)

    def hidden(self, window):
        """States of the layer that is pooled."""
        return self.run(lambda _: self.states(window)[self.layer], self.bias)

    def output(self):
        """Weights and biases by which hidden states predict words."""
        return self.embedding.weight[: len(self.bias)], self.bias

    def encode(self, window):
        """Pooled states of each window; 0 without a known word that is counted."""
        states = self.hidden(window)
        pooled = window.counted & (window.ids < self.n_words)
        if self.pooling == "last":
            number = torch.arange(1, pooled.shape[1] + 1, device=pooled.device)
            last = (pooled * number).amax(1)
            picked = states[torch.arange(len(states)), (last - 1).clamp_min(0)]
            return picked.masked_fill(last[:, None] == 0, 0.0)
        outside = ~pooled[:, :, None]
        if self.pooling == "max":
            largest = states.masked_fill(outside, -torch.inf).amax(1)
            return largest.masked_fill(~pooled.any(1)[:, None], 0.0)
        sums = states.masked_fill(outside, 0.0).sum(1)
        return sums / pooled.sum(1).clamp_min(1)[:, None]


class LocalLayer(nn.Module):
    """What follows from the vectors of neighbors in their order."""

    def __init__(self, n_components, n_neighbors, is_causal):
        super().__init__()
        sides = (1,) if is_causal else (1, -1)
        self.shifts = [s * n for s in sides for n in range(1, n_neighbors + 1)]
        self.linear = nn.Linear(len(self.shifts) * n_components, n_components)

    def forward(self, x, documents):
        neighbors = []
        for shift in self.shifts:
            moved = torch.roll(x, shift, dims=1)
            same = torch.roll(documents, shift, dims=1) == documents
            if shift > 0:
                same[:, :shift] = False
            else:
                same[:, shift:] = False
            neighbors.append(moved * same[:, :, None])
        return functional.relu(self.linear(torch.cat(neighbors, 2)))


class TransformerLayer(nn.Module):
    """Attention and two linear layers, each behind a normalization and added."""

    def __init__(self, n_components, n_heads, dropout):
        super().__init__()
        self.n_heads = n_heads
        self.n_rotated = n_components // n_heads // 2 * 2
        self.first_norm = nn.LayerNorm(n_components)
        self.inward = nn.Linear(n_components, 3 * n_components)
        self.outward = nn.Linear(n_components, n_components)
        self.second_norm = nn.LayerNorm(n_components)
        self.up = nn.Linear(n_components, 4 * n_components)
        self.down = nn.Linear(4 * n_components, n_components)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, seen, turns):
        n, length, _ = x.shape
        heads = self.inward(self.first_norm(x)).view(n, length, 3, self.n_heads, -1)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(
            turned(query, turns), turned(key, turns), value, attn_mask=seen
        )
        x = x + self.dropout(self.outward(mixed.transpose(1, 2).reshape(x.shape)))
        widened = functional.gelu(self.up(self.second_norm(x)))
        return x + self.dropout(self.down(widened))


def rotations(length, n_rotated, like):
    """Cosines and sines by which queries and keys are rotated at each place.

    The product of a query and a key then depends on how far they are apart (Su et al.,
    2021).

    Returns
    -------
    cosines, sines : tensors of shape (length, n_rotated // 2)
    """
    half = n_rotated // 2
    exponents = torch.arange(half, device=like.device) / max(half, 1)
    angles = (
        torch.arange(length, device=like.device)[:, None] * LONGEST_WAVE**-exponents
    )
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def turned(x, turns):
    """Pairs of values of x rotated; the last value stays if their number is odd."""
    cosines, sines = turns
    half = cosines.shape[1]
    first, second, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    return torch.cat(
        [first * cosines - second * sines, second * cosines + first * sines, rest], -1
    )
