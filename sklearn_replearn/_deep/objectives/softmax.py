"""Cross-entropy over a large vocabulary, in chunks or with sampled words.

A matrix of (tokens × vocabulary) is never made.
"""

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn import functional


def chunked_cross_entropy(
    hidden,
    weight,
    bias,
    targets,
    *,
    chunk_size=256,
    token_weights=None,
    corrections=None,
):
    """Mean cross-entropy of ``hidden @ weight.T + bias``, in chunks of tokens.

    The gradients are computed in the forward pass, while the logits of a chunk exist.

    Parameters
    ----------
    hidden : tensor of shape (n_tokens, n_features)
    weight : tensor of shape (n_words, n_features)
    bias : tensor of shape (n_words,) or None
    targets : tensor of int64, of shape (n_tokens,)
    chunk_size : int, default=256
        Tokens of a chunk. At most two matrices of (chunk_size, n_words) exist.
    token_weights : tensor of shape (n_tokens,) or None, default=None
        Factors of the losses, before their mean over all tokens.
    corrections : tensor of shape (n_tokens,) or None, default=None
        Constants that are added to the logits of the targets.

    Returns
    -------
    loss : tensor of shape ()
        Zero if there are no tokens.
    """
    hidden = hidden.to(weight.dtype)  # which differs under autocast
    if token_weights is None:
        token_weights = hidden.new_ones(len(hidden))
    with torch.autocast(hidden.device.type, enabled=False):
        return _ChunkedCrossEntropy.apply(
            hidden, weight, bias, targets, token_weights, corrections, chunk_size
        )


@torch.no_grad()
def chunked_token_losses(hidden, weight, bias, targets, *, chunk_size=256):
    """Cross-entropy of each token, without gradients.

    Parameters
    ----------
    hidden : tensor of shape (n_tokens, n_features)
    weight : tensor of shape (n_words, n_features)
    bias : tensor of shape (n_words,) or None
    targets : tensor of int64, of shape (n_tokens,)
    chunk_size : int, default=256

    Returns
    -------
    losses : tensor of shape (n_tokens,)
    """
    losses = [hidden.new_zeros(0)]
    for part, log_probabilities in _in_chunks(hidden, weight, bias, chunk_size):
        losses.append(-log_probabilities.gather(1, targets[part, None]).squeeze(1))
    return torch.cat(losses)


def _in_chunks(hidden, weight, bias, chunk_size, targets=None, corrections=None):
    """Yield parts of the tokens and their log-probabilities of all words."""
    for start in range(0, len(hidden), chunk_size):
        part = slice(start, start + chunk_size)
        logits = functional.linear(hidden[part], weight, bias)
        if corrections is not None:
            logits.scatter_add_(1, targets[part, None], corrections[part, None])
        yield part, logits.log_softmax(1)


class _ChunkedCrossEntropy(torch.autograd.Function):
    """Mean of weighted losses; the gradients are made in the forward pass."""

    @staticmethod
    def forward(
        ctx, hidden, weight, bias, targets, token_weights, corrections, chunk_size
    ):
        n = max(1, len(hidden))
        needs_hidden, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        to_hidden = torch.empty_like(hidden) if needs_hidden else None
        to_weight = torch.zeros_like(weight) if needs_weight else None
        to_bias = torch.zeros_like(bias) if needs_bias else None
        losses = hidden.new_empty(len(hidden))
        for part, logs in _in_chunks(
            hidden, weight, bias, chunk_size, targets, corrections
        ):
            target = targets[part, None]
            losses[part] = -logs.gather(1, target).squeeze(1)
            if not any((needs_hidden, needs_weight, needs_bias)):
                continue
            # Derivatives of the losses by the logits: probabilities, minus 1 for the
            # target. Weights are applied to smaller matrices than this.
            slopes = logs.exp_()
            slopes.scatter_add_(1, target, slopes.new_full(target.shape, -1.0))
            shares = token_weights[part, None] / n
            if needs_hidden:
                to_hidden[part] = (slopes @ weight) * shares
            if needs_weight:
                to_weight.addmm_(slopes.T, hidden[part] * shares)
            if needs_bias:
                to_bias.addmv_(slopes.T, shares.squeeze(1))
        ctx.save_for_backward(to_hidden, to_weight, to_bias, losses / n)
        return (losses * token_weights).sum() / n

    @staticmethod
    @once_differentiable
    def backward(ctx, slope):
        to_hidden, to_weight, to_bias, to_token_weights = (
            None if gradient is None else gradient * slope
            for gradient in ctx.saved_tensors
        )
        return to_hidden, to_weight, to_bias, None, to_token_weights, None, None


class NegativeSampler(nn.Module):
    """Words for :func:`sampled_cross_entropy`: the batch's targets and random words.

    The words are drawn with replacement, with probabilities proportional to a power of
    their counts, and each is kept once.

    Parameters
    ----------
    counts : tensor of shape (n_words,)
        How often each word is a target. Zeros count as 1.
    n_samples : int
        Number of draws for each batch.
    power : float, default=0.75

    References
    ----------
    Bengio, Y., & Senécal, J.-S. (2008). Adaptive importance sampling to accelerate
    training of a neural probabilistic language model. IEEE Transactions on Neural
    Networks, 19(4), 713-722.
    """

    def __init__(self, counts, n_samples, power=0.75):
        super().__init__()
        self.n_samples = n_samples
        counts = counts.double().clamp_min(1.0)
        cumulative = (counts**power).cumsum(0)
        self.cumulative = cumulative / cumulative[-1]
        drawn = counts**power / (counts**power).sum()
        # Log-probability that a word is not a target, and that it is not drawn.
        for name, probability in (
            ("log_no_target", counts / counts.sum()),
            ("log_no_draw", drawn),
        ):
            log_absence = torch.log1p(-probability).float()
            self.register_buffer(name, log_absence, persistent=False)

    def forward(self, targets):
        """Draw words for a batch.

        Parameters
        ----------
        targets : tensor of int64
            Of the batch.

        Returns
        -------
        sampled : tensor of int64, of shape (n_sampled,)
            Different words, the targets among them.
        log_probabilities : tensor of shape (n_sampled,)
            Logarithm of the probability that a batch's sample has the word.
        """
        chance = torch.rand(self.n_samples, dtype=torch.float64)
        draws = torch.searchsorted(self.cumulative, chance, right=True)
        sampled = torch.cat([targets.flatten(), draws.to(targets.device)]).unique()
        log_absence = (
            self.n_samples * self.log_no_draw[sampled]
            + targets.numel() * self.log_no_target[sampled]
        )
        return sampled, torch.log(-torch.expm1(log_absence))


def sampled_cross_entropy(hidden, weight, bias, targets, sampled, log_probabilities):
    r"""Mean cross-entropy with the sum over all words estimated from a sample.

    .. math:: -s_t + \log\Big(e^{s_t} + \sum_{w \in S,\, w \ne t} e^{s_w} / q_w\Big)

    where s are the logits, t is the token's target, S is the sample and q_w the
    probability that it has w. The sum is an unbiased estimate of that over all words.

    Parameters
    ----------
    hidden : tensor of shape (n_tokens, n_features)
    weight : tensor of shape (n_words, n_features)
    bias : tensor of shape (n_words,) or None
    targets : tensor of int64, of shape (n_tokens,)
    sampled : tensor of int64, of shape (n_sampled,)
        Words in the sample, which all tokens share.
    log_probabilities : tensor of shape (n_sampled,)
        Logarithms of the q_w; if words may come several times, of their expected
        counts.

    Returns
    -------
    loss : tensor of shape ()
        Zero if there are no tokens.
    """
    target_logits = (hidden * weight.index_select(0, targets)).sum(1)
    corrections = -log_probabilities.to(weight.dtype)
    if bias is not None:
        target_logits = target_logits + bias[targets]
        corrections = corrections + bias[sampled]
    logits = functional.linear(hidden, weight.index_select(0, sampled), corrections)
    logits = logits.masked_fill(sampled == targets[:, None], -torch.inf)
    logits = torch.cat([target_logits[:, None], logits], dim=1)
    losses = functional.cross_entropy(
        logits, torch.zeros_like(targets), reduction="sum"
    )
    return losses / max(1, len(hidden))
