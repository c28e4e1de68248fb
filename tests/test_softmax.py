"""Cross-entropy in chunks and with sampled words, against the full softmax."""

import pytest
import torch
from near import assert_near
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from sklearn_replearn._deep.objectives.softmax import (
    NegativeSampler,
    chunked_cross_entropy,
    chunked_token_losses,
    sampled_cross_entropy,
)
from sklearn_replearn._deep.objectives.tuple_losses import masked_mean

N, D, V = 13, 5, 29


def parts(dtype=torch.float64, n=N, v=V, bias=True):
    """Hidden vectors, weights, biases (or None), and targets."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        numbers = torch.randn(shape, generator=generator, dtype=torch.float64)
        return numbers.to(dtype).requires_grad_()

    targets = torch.randint(v, (n,), generator=generator)
    return draw(n, D), draw(v, D), draw(v) if bias else None, targets


def full_losses(hidden, weight, bias, targets):
    logits = functional.linear(hidden, weight, bias)
    return functional.cross_entropy(logits, targets, reduction="none")


def gradients(loss, *tensors):
    tensors = [tensor for tensor in tensors if tensor is not None]
    return [loss.detach(), *torch.autograd.grad(loss, tensors)]


def assert_all_near(actual, expected):
    for one, other in zip(actual, expected, strict=True):
        assert_near(one.numpy(), other.numpy())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("chunk_size", [1, 4, 13, 100])
@pytest.mark.parametrize("bias", [True, False])
def test_chunks_equal_the_full_softmax(dtype, chunk_size, bias):
    *tensors, targets = parts(dtype, bias=bias)
    chunked = chunked_cross_entropy(*tensors, targets, chunk_size=chunk_size)
    full = full_losses(*tensors, targets).mean()
    assert chunked.dtype == dtype
    assert_all_near(gradients(3 * chunked, *tensors), gradients(3 * full, *tensors))
    losses = chunked_token_losses(*tensors, targets, chunk_size=chunk_size)
    assert not losses.requires_grad
    assert_near(losses.numpy(), full_losses(*tensors, targets).detach().numpy())


def test_token_weights():
    *tensors, targets = parts()
    weights = torch.rand(N, dtype=torch.float64, requires_grad=True)
    chunked = chunked_cross_entropy(
        *tensors, targets, chunk_size=4, token_weights=weights
    )
    full = (full_losses(*tensors, targets) * weights).mean()
    assert_all_near(
        gradients(chunked, *tensors, weights), gradients(full, *tensors, weights)
    )


def test_gradients_in_chunks_by_finite_differences():
    *tensors, targets = parts(n=5, v=7)

    def loss(hidden, weight, bias):
        return chunked_cross_entropy(hidden, weight, bias, targets, chunk_size=2)

    assert torch.autograd.gradcheck(loss, tensors)


@pytest.mark.parametrize("learned", [0, 1, 2, None])
def test_gradients_of_one_alone(learned):
    *tensors, targets = parts()
    tensors = [
        tensor.detach().requires_grad_(number == learned)
        for number, tensor in enumerate(tensors)
    ]
    chunked = chunked_cross_entropy(*tensors, targets, chunk_size=4)
    full = full_losses(*tensors, targets).mean()
    if learned is None:
        assert not chunked.requires_grad
        assert_near(chunked.numpy(), full.numpy())
        return
    assert_all_near(
        gradients(chunked, tensors[learned]), gradients(full, tensors[learned])
    )


def test_tied_weights():
    hidden, weight, bias, targets = parts()
    ids = torch.arange(N) % V
    chunked = chunked_cross_entropy(
        weight[ids] + hidden, weight, bias, targets, chunk_size=4
    )
    full = full_losses(weight[ids] + hidden, weight, bias, targets).mean()
    assert_all_near(gradients(chunked, hidden, weight), gradients(full, hidden, weight))


def test_chunks_of_extreme_logits():
    hidden, weight, bias, targets = parts()
    chunked = chunked_cross_entropy(1e4 * hidden, weight, bias, targets, chunk_size=4)
    full = full_losses(1e4 * hidden, weight, bias, targets).mean()
    assert chunked.isfinite()
    assert_all_near(gradients(chunked, hidden, weight), gradients(full, hidden, weight))


def test_no_tokens_have_no_loss():
    *tensors, _ = parts()
    none = torch.tensor([], dtype=torch.int64)
    tensors[0] = tensors[0][:0]
    words = torch.arange(V)
    for loss in (
        chunked_cross_entropy(*tensors, none, chunk_size=4),
        sampled_cross_entropy(*tensors, none, words, torch.zeros(V)),
    ):
        assert loss == 0.0
        for gradient in torch.autograd.grad(loss, tensors):
            assert not gradient.any()
    assert chunked_token_losses(*tensors, none).shape == (0,)


class LargestTensor(TorchDispatchMode):
    """Remembers the most numbers of a tensor that an operation returns."""

    size = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, torch.Tensor):
                self.size = max(self.size, tensor.numel())
        return result


def test_no_tensor_is_as_large_as_tokens_times_words():
    *tensors, targets = parts(n=200, v=300)
    with LargestTensor() as largest:
        chunked_cross_entropy(*tensors, targets, chunk_size=10).backward()
        chunked_token_losses(*tensors, targets, chunk_size=10)
    assert largest.size == 10 * 300
    with LargestTensor() as largest:
        full_losses(*tensors, targets)
    assert largest.size == 200 * 300


def test_chunks_under_autocast():
    hidden, weight, bias, targets = parts(torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = hidden.to(torch.bfloat16)
        loss = chunked_cross_entropy(half, weight, bias, targets, chunk_size=4)
    assert loss.dtype == torch.float32
    full = full_losses(half.float(), weight, bias, targets).mean()
    assert_all_near(gradients(loss, weight, bias), gradients(full, weight, bias))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_sample_of_all_words_equals_the_full_softmax(dtype, bias):
    *tensors, targets = parts(dtype, bias=bias)
    words = torch.randperm(V)
    sampled = sampled_cross_entropy(*tensors, targets, words, torch.zeros(V))
    full = full_losses(*tensors, targets).mean()
    assert sampled.dtype == dtype
    assert_all_near(gradients(sampled, *tensors), gradients(full, *tensors))


def test_sampled_cross_entropy_by_loops():
    hidden, weight, bias, targets = parts()
    words = torch.tensor([3, 7, 7, int(targets[0]), 11])
    log_counts = torch.randn(5, dtype=torch.float64)
    losses = []
    for h, target in zip(hidden, targets, strict=True):
        own = h @ weight[target] + bias[target]
        total = own.exp()
        for word, log_count in zip(words, log_counts, strict=True):
            if word != target:
                total = total + (h @ weight[word] + bias[word] - log_count).exp()
        losses.append(total.log() - own)
    expected = torch.stack(losses).mean()
    actual = sampled_cross_entropy(hidden, weight, bias, targets, words, log_counts)
    tensors = (hidden, weight, bias)
    assert_all_near(gradients(actual, *tensors), gradients(expected, *tensors))


def test_a_sample_of_the_target_alone():
    *tensors, _ = parts()
    targets = torch.full((N,), 4)
    loss = sampled_cross_entropy(*tensors, targets, torch.tensor([4]), torch.zeros(1))
    assert loss == 0.0
    for gradient in torch.autograd.grad(loss, tensors):
        assert not gradient.any()


def test_probability_that_a_sample_has_a_word():
    torch.manual_seed(0)
    counts = torch.tensor([50, 20, 10, 5, 1, 0])
    sampler = NegativeSampler(counts, 3)
    p = counts.clamp_min(1) / counts.clamp_min(1).sum()
    n_rounds, times = 1500, torch.zeros(6)
    stated = torch.zeros(6)
    for targets in torch.multinomial(p, 2 * n_rounds, replacement=True).view(-1, 2):
        words, log_probabilities = sampler(targets)
        assert len(words.unique()) == len(words)
        assert torch.isin(targets, words).all()
        times[words] += 1
        stated[words] = log_probabilities.exp()
    q = counts.clamp_min(1) ** 0.75 / (counts.clamp_min(1) ** 0.75).sum()
    torch.testing.assert_close(stated, 1 - (1 - q) ** 3 * (1 - p) ** 2)
    error = (stated * (1 - stated) / n_rounds).sqrt()
    assert ((times / n_rounds - stated).abs() < 4 * error).all()


def test_draws_follow_a_power_of_the_counts():
    torch.manual_seed(0)
    counts = torch.tensor([100, 1, 10])
    none = torch.tensor([], dtype=torch.int64)
    for power in (0.0, 0.75, 1.0):
        sampler = NegativeSampler(counts, 1, power=power)
        words = torch.cat([sampler(none)[0] for _ in range(800)])
        share = words.bincount(minlength=3) / 800
        expected = counts**power / (counts**power).sum()
        assert ((share - expected).abs() < 0.07).all()


def test_the_same_seed_draws_the_same_words():
    sampler = NegativeSampler(torch.arange(1000), 50)
    drawn = []
    for _ in range(2):
        torch.manual_seed(5)
        drawn.append(sampler(torch.tensor([1, 2]))[0])
    assert torch.equal(*drawn)
    assert not torch.equal(drawn[0], sampler(torch.tensor([1, 2]))[0])
    assert not sampler.state_dict()


def test_a_vocabulary_of_one_word():
    words, log_probabilities = NegativeSampler(torch.tensor([7]), 5)(torch.tensor([0]))
    assert words.tolist() == [0]
    assert log_probabilities.tolist() == [0.0]


def test_sampled_gradients_are_the_full_ones_on_average():
    torch.manual_seed(0)
    counts = (1000 / torch.arange(1, V + 1)).round()
    sampler = NegativeSampler(counts, 40)
    hidden, weight, bias, _ = parts(n=100)
    hidden, weight = 0.3 * hidden.detach(), weight.detach()
    bias = (counts.log() - counts.sum().log()).double()
    tensors = [tensor.requires_grad_() for tensor in (hidden, weight, bias)]
    sampled, full = 0.0, 0.0
    for targets in torch.multinomial(counts, 40_000, replacement=True).split(100):
        loss = sampled_cross_entropy(*tensors, targets, *sampler(targets))
        sampled = sampled + loss
        full = full + full_losses(*tensors, targets).mean()
    for mean, expected in zip(
        gradients(sampled, *tensors), gradients(full, *tensors), strict=True
    ):
        assert (mean - expected).norm() < 0.1 * expected.norm()


def test_masked_mean():
    losses = torch.tensor([[1.0, 2.0, torch.nan], [6.0, 4.0, 5.0]])
    mask = torch.tensor([[True, True, False], [True, False, False]])
    assert masked_mean(losses, mask) == 3.0
    assert masked_mean(losses[0], mask[0]) == 1.5
    assert masked_mean(losses, torch.zeros_like(mask)) == 0.0
