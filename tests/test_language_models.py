"""Language models against loops over tokens."""

import pickle
import sys

import numpy as np
import pytest
import torch
from near import assert_near
from sklearn.base import clone

from sklearn_replearn._deep.input.windows import Window, Windows
from sklearn_replearn._deep.networks.transformer import (
    TokenTransformer,
    rotations,
    turned,
)
from sklearn_replearn._deep.objectives.softmax import (
    NegativeSampler,
    sampled_cross_entropy,
)
from sklearn_replearn._deep.objectives.words import MaskedWords, WordLoss
from sklearn_replearn.language import CausalLanguageModel, MaskedLanguageModel
from sklearn_replearn.language._causal_language_model import _choose
from sklearn_replearn.language._masked_language_model import hidden_groups
from sklearn_replearn.plotting import LossCurveDisplay
from sklearn_replearn.text import PMIEmbedding

RNG = np.random.default_rng(0)
SMALL = {
    "n_components": 8,
    "n_heads": 2,
    "context": 8,
    "max_epochs": 2,
    "lr": 0.01,
    "random_state": 0,
}


def chain(n_documents, *, length, n_words=12, seed=0):
    """Documents in which a word is mostly followed by the next one of the alphabet."""
    rng = np.random.default_rng(seed)
    documents = []
    for _ in range(n_documents):
        steps = np.where(
            rng.random(length) < 0.8, 1, rng.integers(n_words, size=length)
        )
        documents.append([f"w{number}" for number in steps.cumsum() % n_words])
    return documents


DOCUMENTS = [*chain(30, length=9), *chain(6, length=30, seed=1), ["w1"], ["w2", "w3"]]
#: A long one, unknown words, and none at all.
NEW = [*chain(3, length=27, seed=2), ["w1", "never", "w2"], ["never"], [], ["w3"]]


@pytest.fixture(scope="module")
def model():
    return CausalLanguageModel(**SMALL).fit(DOCUMENTS)


def numbers_of(model, document):
    """A document behind a boundary, as numbers."""
    n_words = len(model.vocabulary_)
    return [n_words + 1, *(model.vocabulary_.get(word, n_words) for word in document)]


def states_alone(model, numbers, method="forward"):
    """States of a few tokens that the network reads without any others."""
    ids = torch.tensor([numbers])
    every = torch.ones_like(ids, dtype=torch.bool)
    window = Window(ids, ids, every, every)
    with torch.no_grad():
        return getattr(model.net_.module_, method)(window)[0]


def states_by_loop(model, document, method="forward"):
    """State of each place, boundary first: in the first window that holds it."""
    numbers, size = numbers_of(model, document), model.context
    states, start = [], 0
    while not start or len(states) < len(numbers):
        window = states_alone(model, numbers[start : start + size], method)
        states += window[len(states) - start :]
        start += size // 2
    return torch.stack(states[: len(numbers)])


# ---------------------------------------------------------------------------
# Windows
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 5, 8, 30])
def test_windows_count_each_place_once(size):
    lengths = [1, 2, 17, 8, 9, 1, 31]
    bounds = torch.tensor([0, *lengths]).cumsum(0)
    stream = torch.arange(sum(lengths) + 1, dtype=torch.int32) * 7
    windows, first = Windows.of_documents(stream, bounds, size)
    places = []
    for index, window in windows.blocks(40):
        in_block = windows.places(index, window.counted)
        assert torch.equal(window.ids[window.counted], 7 * in_block)
        assert torch.equal(window.targets[window.counted], 7 * (in_block + 1))
        assert not window.ids[~window.mask].any()
        places += in_block.tolist()
    assert sorted(places) == list(range(sum(lengths)))
    assert windows.lengths.max() <= size
    starts = windows.starts[first]
    assert torch.equal(starts, bounds[:-1])
    documents = torch.searchsorted(bounds, windows.starts, right=True)
    assert torch.equal(
        documents, torch.searchsorted(bounds, windows.ends - 1, right=True)
    )
    for number, n_seen in enumerate(windows.n_seen.tolist()):
        if n_seen:
            assert windows.starts[number] + n_seen == windows.ends[number - 1]


def test_windows_of_a_stream_hold_each_target_once():
    stream = torch.arange(24, dtype=torch.int32)
    windows = Windows.of_stream(stream, 5)
    window = windows.take(torch.arange(len(windows)))
    assert window.targets[window.counted].tolist() == list(range(1, 24))
    assert window.ids[window.counted].tolist() == list(range(23))


@pytest.mark.parametrize("Model", [CausalLanguageModel, MaskedLanguageModel])
def test_a_context_beyond_every_document_changes_nothing(Model):
    documents = chain(12, length=30)
    short, long = (
        Model(**SMALL | {"context": context}).fit(documents, X_val=documents[:4])
        for context in (64, 10**6)
    )
    samples, _ = long._read(documents, None, reset=False)
    assert samples.lengths.max() == 64
    for name in ("loss_curve_", "validation_loss_curve_"):
        assert_near(*(np.float32(getattr(model, name)) for model in (long, short)))
    assert_near(long.transform(NEW), short.transform(NEW))
    assert_near(np.float32(long.score(documents)), np.float32(short.score(documents)))


def test_windows_are_as_long_as_the_longest_document():
    model = CausalLanguageModel(**SMALL | {"context": 200, "max_epochs": 1})
    documents = [*chain(1, length=90), *chain(20, length=9)]
    samples, _ = model._read(documents, None, reset=True)
    assert samples.lengths.tolist() == [91, 91, 91, 18]


# ---------------------------------------------------------------------------
# The network and its loss
# ---------------------------------------------------------------------------


def transformer(**options):
    torch.manual_seed(0)
    options = {"n_layers": 2, "n_neighbors": 0, "is_causal": True} | options
    network = TokenTransformer(
        n_words=9,
        context=12,
        n_components=6,
        n_heads=2,
        dropout=0.3,
        pooling="mean",
        layer=-1,
        **options,
    )
    network.start_from(torch.randn(12, 6), torch.zeros(11))
    return network.eval()


def window_of(ids):
    ids = torch.as_tensor(ids)
    every = torch.ones_like(ids, dtype=torch.bool)
    return Window(ids, ids, every, every)


def layer_by_loop(layer, x, seen):
    """A layer of the transformer for one document, head by head and token by token."""
    n, width = x.shape
    size = width // layer.n_heads
    half = layer.n_rotated // 2
    query, key, value = layer.inward(layer.first_norm(x)).view(n, 3, width).unbind(1)

    def rotate(vector, place):
        rotated = vector.clone()
        for i in range(half):
            angle = torch.tensor(place * 10_000.0 ** (-i / half))
            pair = torch.complex(vector[i], vector[half + i])
            pair = pair * torch.complex(angle.cos(), angle.sin())
            rotated[i], rotated[half + i] = pair.real, pair.imag
        return rotated

    mixed = torch.zeros_like(x)
    for head in range(layer.n_heads):
        part = slice(head * size, (head + 1) * size)
        for i in range(n):
            logits = torch.stack(
                [
                    rotate(query[i, part], i) @ rotate(key[j, part], j) / size**0.5
                    if seen[i][j]
                    else torch.tensor(-torch.inf)
                    for j in range(n)
                ]
            )
            mixed[i, part] = logits.softmax(0) @ value[:, part]
    x = x + layer.outward(mixed)
    return x + layer.down(torch.nn.functional.gelu(layer.up(layer.second_norm(x))))


@pytest.mark.parametrize("is_causal", [True, False])
@pytest.mark.parametrize("n_neighbors", [0, 2])
def test_states_by_loop(is_causal, n_neighbors):
    network = transformer(is_causal=is_causal, n_neighbors=n_neighbors)
    ids = [10, 3, 1, 10, 4, 4, 2, 7]
    document = [0, 0, 0, 1, 1, 1, 1, 1]
    n = len(ids)
    with torch.no_grad():
        vectors = network.embedding.weight[ids]
        x = vectors.clone()
        if n_neighbors:
            shifts = (-1, -2) if is_causal else (-1, -2, 1, 2)
            for i in range(n):
                near = [
                    vectors[i + shift]
                    if 0 <= i + shift < n and document[i + shift] == document[i]
                    else torch.zeros(6)
                    for shift in shifts
                ]
                x[i] += network.local.linear(torch.cat(near)).relu()
        seen = [
            [document[i] == document[j] and (j <= i or not is_causal) for j in range(n)]
            for i in range(n)
        ]
        expected = [x]
        for layer in network.layers:
            expected.append(layer_by_loop(layer, expected[-1], seen))
        expected[-1] = network.norm(expected[-1])
        states = network.states(window_of([ids]))
    for state, other in zip(states, expected, strict=True):
        assert_near(state[0].numpy(), other.numpy())


@pytest.mark.parametrize("is_causal", [True, False])
def test_documents_of_a_window_do_not_see_each_other(is_causal):
    network = transformer(is_causal=is_causal, n_neighbors=2)
    with torch.no_grad():
        [together] = network(window_of([[10, 1, 2, 3, 10, 4, 5]]))
        [first] = network(window_of([[10, 1, 2, 3]]))
        [second] = network(window_of([[10, 4, 5]]))
    assert_near(together.numpy(), torch.cat([first, second]).numpy())


def test_states_depend_on_nothing_after_them():
    network = transformer(n_neighbors=2)
    with torch.no_grad():
        [states] = network(window_of([[10, 1, 2, 3, 4, 5]]))
        [others] = network(window_of([[10, 1, 2, 8, 7, 6]]))
    assert_near(states[:3].numpy(), others[:3].numpy())
    assert (states[3:] - others[3:]).abs().max() > 0.1


@pytest.mark.parametrize("width", [6, 7, 1])
def test_rotated_products_depend_on_distances(width):
    query, key = torch.randn(2, width, generator=torch.Generator().manual_seed(0))
    turns = rotations(20, width, query)
    products = turned(query.expand(20, -1), turns) @ turned(key.expand(20, -1), turns).T
    assert products[0, 0] == pytest.approx(float(query @ key), rel=1e-5)
    for distance in range(-19, 20):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal))


def test_the_loss_in_training_is_estimated_from_a_sample():
    network = transformer()
    torch.manual_seed(1)
    network.embedding = torch.nn.Embedding(3000, 6)
    network.bias = torch.nn.Parameter(torch.randn(2900))
    counts = torch.arange(2900)
    hidden = torch.randn(50, 6, requires_grad=True)
    words = torch.randint(2900, (50,))
    loss = WordLoss(counts)
    inputs = hidden, network.embedding.weight, network.bias

    def value_and_slopes(compute):
        torch.manual_seed(2)
        value = compute()
        return [value.detach(), *torch.autograd.grad(value, inputs)]

    sampler = NegativeSampler(counts, 1000)
    weight, bias = network.output()
    found = value_and_slopes(lambda: loss(network, hidden, words))
    expected = value_and_slopes(
        lambda: sampled_cross_entropy(hidden, weight, bias, words, *sampler(words))
    )
    for one, other in zip(found, expected, strict=True):
        assert_near(one.numpy(), other.numpy())
    found = loss.eval()(network, hidden, words).detach()
    logits = (hidden @ weight.T + bias).detach()
    expected = torch.nn.functional.cross_entropy(logits, words)
    assert_near(found.numpy(), expected.numpy())


def test_small_vocabularies_are_not_sampled():
    assert WordLoss(torch.ones(2000)).sampler is None


# ---------------------------------------------------------------------------
# The estimator
# ---------------------------------------------------------------------------


def test_log_likelihoods_by_loop(model):
    weight, bias = (part.detach() for part in model.net_.module_.output())
    found = model.log_likelihoods(NEW)
    for document, logs in zip(NEW, found, strict=True):
        assert len(logs) == len(document)
        states = states_by_loop(model, document)[:-1]
        expected = (states @ weight.T + bias).log_softmax(1)
        rows = numbers_of(model, document)[1:]
        assert_near(logs, expected[range(len(rows)), rows].numpy())
    mean = np.concatenate(found).mean()
    assert model.score(NEW) == pytest.approx(mean, rel=1e-5)
    assert model.perplexity(NEW) == pytest.approx(np.exp(-mean), rel=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "last", "max"])
@pytest.mark.parametrize("layer", [-1, 0, 1])
def test_vectors_by_loop(pooling, layer):
    model = CausalLanguageModel(**SMALL, pooling=pooling, layer=layer).fit(DOCUMENTS)
    vectors, of_tokens = model.transform(NEW), model.token_vectors(NEW)
    for document, vector, found in zip(NEW, vectors, of_tokens, strict=True):
        states = states_by_loop(model, document, "hidden")[1:].numpy()
        assert_near(found, states)
        known = states[[word in model.vocabulary_ for word in document]]
        if not len(known):
            assert not vector.any()
        elif pooling == "mean":
            assert_near(vector, known.mean(axis=0))
        else:
            assert_near(vector, known[-1] if pooling == "last" else known.max(axis=0))


def test_a_document_has_one_vector_whatever_else_there_is(model):
    vectors = model.transform(NEW)
    assert vectors.dtype == np.float32
    assert_near(np.concatenate([model.transform([text]) for text in NEW]), vectors)
    assert_near(model.transform(NEW[::-1])[::-1], vectors)
    restored = pickle.loads(pickle.dumps(model))
    assert_near(restored.transform(NEW), vectors)
    assert restored.score(NEW) == pytest.approx(model.score(NEW))


def test_the_module_gives_what_windows_are_pooled_to(model):
    window = window_of([numbers_of(model, NEW[-1])])
    vector = model.as_module()(window).detach().numpy()
    assert_near(vector, model.transform(NEW[-1:]))


def test_a_chain_is_learned():
    """Its entropy is that of a mixture: 0.82 for the next word and 0.02 for others."""
    options = {**SMALL, "max_epochs": 10, "lr": 0.03, "context": 16, "dropout": 0.0}
    model = CausalLanguageModel(**options, n_layers=1).fit(chain(80, length=40))
    shares = np.array([0.8 + 0.2 / 12, *[0.2 / 12] * 11])
    entropy = -(shares * np.log(shares)).sum()
    held_out = chain(20, length=40, seed=5)
    assert entropy - 0.1 < -model.score(held_out) < entropy + 0.2
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert LossCurveDisplay.from_estimator(model).ax_.lines
    [(word, probability)] = model.next_tokens(["w4"], topn=1)
    assert word == "w5"
    assert 0.6 < probability < 1
    assert model.generate([["w4"]], 3, temperature=0) == [["w5", "w6", "w7"]]


def test_unknown_words_are_counted():
    model = CausalLanguageModel(**SMALL, vocabulary_size=5).fit(DOCUMENTS)
    assert len(model.vocabulary_) == 5
    words = [word for document in DOCUMENTS for word in document]
    known = sum(word in model.vocabulary_ for word in words)
    assert model.word_counts_.sum() == known
    assert model.unknown_share_ == pytest.approx(1 - known / len(words))
    other = [["w1", "x"], ["w1", "y"]]
    first, second = model.log_likelihoods(other)
    assert_near(first, second)


def test_strings_are_split_into_words_and_marks():
    texts = ["The cat's well-known: it sat, and sat."] * 3
    model = CausalLanguageModel(**SMALL).fit(texts)
    words = ["the", "cat's", "well-known", ":", "it", "sat", ",", "and", "sat", "."]
    assert set(model.vocabulary_) == set(words)
    lists = CausalLanguageModel(**SMALL).fit([words] * 3)
    assert_near(model.transform(texts), lists.transform([words] * 3))


@pytest.mark.parametrize("tokenizer", ["character", "bpe", str.split])
def test_other_tokenizers(tokenizer):
    texts = ["the cat sat on the mat", "a dog sat on a cat"] * 3
    options = {**SMALL, "vocabulary_size": 300, "max_epochs": 30, "lr": 0.02}
    model = CausalLanguageModel(tokenizer=tokenizer, **options).fit(texts)
    [text] = model.generate(["the "], 30, random_state=0)
    assert isinstance(text, str)
    assert set(text) <= set("".join(texts))
    if tokenizer == "character":
        assert set(model.vocabulary_) == set("".join(texts))
    elif tokenizer == "bpe":
        assert "Ġthe" in model.vocabulary_
        assert set(text.split()) & set(" ".join(texts).split())
    assert model.perplexity(texts) < len(model.vocabulary_)
    assert_near(
        pickle.loads(pickle.dumps(model)).transform(texts), model.transform(texts)
    )


def test_bpe_without_its_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ImportError, match=r"sklearn-replearn\[language\]"):
        CausalLanguageModel(tokenizer="bpe").fit(["a b", "b a"])


def test_the_start_is_pmi_embedding():
    texts = [" ".join(document) for document in DOCUMENTS]
    at_rest = {**SMALL, "max_epochs": 1, "lr": 1e-12, "n_components": 4}
    pmi = PMIEmbedding(4, min_count=2, random_state=0).fit(texts)
    for init in ("pmi", pmi):
        model = CausalLanguageModel(**at_rest, init=init).fit(texts)
        assert list(model.vocabulary_) == list(pmi.vocabulary_)
        vectors = model.word_vectors_
        assert vectors.std() == pytest.approx(0.05, rel=1e-3)
        products = pmi.word_vectors_ @ pmi.word_vectors_.T
        products *= 0.05**2 / pmi.word_vectors_.var()
        limit = 1e-3 * products.max()
        np.testing.assert_allclose(vectors @ vectors.T, products, rtol=0, atol=limit)
    assert clone(model).init is pmi
    shares = model.net_.module_.bias.exp()[: len(model.vocabulary_)]
    n = sum(map(len, DOCUMENTS)) + len(DOCUMENTS) + 1  # an unknown word counts as one
    np.testing.assert_allclose(shares.detach(), model.word_counts_ / n, rtol=1e-5)


def test_words_without_a_start_are_random():
    start = PMIEmbedding(3, min_count=1, random_state=0).fit([["w1", "w2", "w3"]] * 4)
    options = {**SMALL, "max_epochs": 1, "lr": 1e-12}
    model = CausalLanguageModel(**options, init=start).fit(DOCUMENTS)
    known = model.embed_words(["w1", "w2", "w3"])[:, : start.n_components_]
    ratio = known / start.embed_words(["w1", "w2", "w3"])
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=0.01)
    assert np.linalg.matrix_rank(model.word_vectors_) == 8


def test_generated_tokens_follow_the_probabilities():
    logits = torch.tensor([[0.0, 1.0, -torch.inf, 2.0]]).double().expand(4000, -1)
    draws = RNG.uniform(size=4000)
    for temperature, top_k in [(1.0, None), (0.5, None), (1.0, 2), (2.0, 9)]:
        tokens = np.bincount(_choose(logits, draws, temperature, top_k), minlength=4)
        expected = np.exp(np.array([0.0, 1.0, -np.inf, 2.0]) / temperature)
        if top_k == 2:
            expected[0] = 0
        expected /= expected.sum()
        np.testing.assert_allclose(tokens / 4000, expected, atol=0.03)
        assert not tokens[expected == 0].any()


def test_generated_texts_repeat_and_do_not_depend_on_later_prompts(model):
    prompts = [["w1"], ["w2", "w3"], []]
    texts = model.generate(prompts, 6, random_state=0)
    assert texts == model.generate(prompts, 6, random_state=0)
    assert texts[:2] == model.generate(prompts[:2], 6, random_state=0)
    assert texts != model.generate(prompts, 6, random_state=1)
    assert all(set(text) <= set(model.vocabulary_) for text in texts)
    assert model.generate(prompts, 0) == [[], [], []]


def test_greedy_tokens_are_those_that_are_most_probable(model):
    prompt = ["w1", "w2"]
    [text] = model.generate([prompt], 5, temperature=0)
    assert text == model.generate([prompt], 5, top_k=1, random_state=0)[0]
    for token in text:
        assert model.next_tokens(prompt, topn=1)[0][0] == token
        prompt = [*prompt, token]
    words = model.next_tokens(prompt, topn=100)
    assert len(words) == len(model.vocabulary_)
    assert sum(value for _, value in words) <= 1
    assert words[0][1] == max(value for _, value in words)


def test_a_prompt_beyond_the_context(model):
    long = chain(1, length=20)[0]
    with pytest.warns(UserWarning, match="has 20 tokens, of which the model reads the"):
        [text] = model.generate([long], 2, temperature=0)
    assert text[0] == model.next_tokens(long[-7:], topn=1)[0][0] or len(text) == 2


def test_a_training_that_goes_on_keeps_the_vocabulary(model):
    again = CausalLanguageModel(**SMALL, warm_start=True).fit(DOCUMENTS)
    vocabulary = again.vocabulary_
    again.fit([["w1", "new", "w2", "new"]] * 5)
    assert again.vocabulary_ == vocabulary
    assert again.n_iter_ == 4


def test_progress_is_in_tokens(capsys):
    CausalLanguageModel(**SMALL, verbose=1).fit(DOCUMENTS)
    assert "tokens/s" in capsys.readouterr().err


def test_validation_documents():
    model = CausalLanguageModel(**SMALL).fit(DOCUMENTS, X_val=NEW)
    counted = [document for document in NEW if document]
    weight, bias = (part.detach() for part in model.net_.module_.output())
    losses = []
    for document in counted:  # short of a window, so that none is cut by the stream
        states = states_by_loop(model, document)
        logs = (states @ weight.T + bias).log_softmax(1)
        rows = [*numbers_of(model, document)[1:], len(bias) - 1]
        losses.extend(-logs[range(len(rows)), rows])
    assert model.validation_loss_curve_[-1] == pytest.approx(
        float(torch.stack(losses).mean()), abs=0.1
    )


# ---------------------------------------------------------------------------
# Hidden words
# ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def masked():
    return MaskedLanguageModel(**SMALL).fit(DOCUMENTS)


def logits_at(model, numbers, hidden):
    """Log-probabilities at each place, of windows in which some places are hidden."""
    network = model.net_.module_
    shown = [network.masked if h else n for n, h in zip(numbers, hidden, strict=True)]
    weight, bias = (part.detach() for part in network.output())
    states, start = [], 0
    while not start or len(states) < len(shown):
        window = states_alone(model, shown[start : start + model.context])
        states += window[len(states) - start :]
        start += model.context // 2
    return (torch.stack(states[: len(shown)]) @ weight.T + bias).log_softmax(1)


def test_log_likelihoods_of_hidden_words_by_loop(masked):
    found = masked.log_likelihoods(NEW)
    for document, logs in zip(NEW, found, strict=True):
        numbers, groups = numbers_of(masked, document), hidden_groups(len(document))
        assert len(logs) == len(document)
        for place, group in enumerate(groups.tolist()):
            hidden = [False, *(groups == group)]
            expected = logits_at(masked, numbers, hidden)[place + 1]
            assert logs[place] == pytest.approx(
                float(expected[numbers[place + 1]]), rel=1e-4
            )
    assert masked.score(NEW) == pytest.approx(np.concatenate(found).mean(), rel=1e-5)


def test_groups_do_not_depend_on_lengths():
    groups = hidden_groups(1000)
    np.testing.assert_array_equal(groups[:10], hidden_groups(10))
    assert set(groups) == set(range(7))


def test_missing_words_by_loop(masked):
    texts = [["w1", "[MASK]", "w3"], ["[MASK]", *NEW[0], "[MASK]", "never"]]
    answers = masked.fill_mask(texts, topn=100)
    words = list(masked.vocabulary_)
    for text, answer in zip(texts, answers, strict=True):
        hidden = [False, *(word == "[MASK]" for word in text)]
        logs = logits_at(masked, numbers_of(masked, text), hidden)[hidden]
        assert len(answer) == len(logs)
        for pairs, row in zip(answer, logs.exp(), strict=True):
            found = dict(pairs)
            assert list(found.values()) == sorted(found.values(), reverse=True)
            values = np.array([found[word] for word in words], dtype=np.float32)
            assert_near(values, row[: len(words)].numpy())
    assert [len(pairs) for pairs in masked.fill_mask(texts, topn=2)[1]] == [2, 2]


def test_missing_words_of_strings():
    texts = ["The cat sat, and the dog ran."] * 8
    model = MaskedLanguageModel(**SMALL).fit(texts)
    lists = ["the", "cat", "[MASK]", ",", "and", "the", "[MASK]", "ran", "."]
    as_lists = MaskedLanguageModel(**SMALL).fit(
        [[*lists[:2], "sat", *lists[3:6], "dog", *lists[7:]]] * 8
    )
    answers = model.fill_mask(["The cat [MASK], and the [MASK] ran."], topn=20)
    for one, other in zip(
        answers[0], as_lists.fill_mask([lists], topn=20)[0], strict=True
    ):
        assert dict(one) == pytest.approx(dict(other), rel=1e-4)


def test_a_chain_is_learned_from_both_sides():
    options = {**SMALL, "max_epochs": 10, "lr": 0.03, "context": 16, "dropout": 0.0}
    model = MaskedLanguageModel(**options, n_layers=1).fit(chain(80, length=40))
    [[[(word, probability)]]] = model.fill_mask([["w3", "[MASK]", "w5"]], topn=1)
    assert word == "w4"
    assert probability > 0.6


def test_a_share_of_the_words_is_hidden_and_no_boundary():
    n_words = 6
    ids = torch.randint(
        n_words + 1, (30, 20), generator=torch.Generator().manual_seed(0)
    )
    ids[:, ::5] = n_words + 1
    window = window_of(ids)
    window = window._replace(counted=torch.arange(20) < torch.arange(30)[:, None])
    batch = MaskedWords(None, n_words + 2, n_words, 0.5).prepare(window, None)
    chosen, words = batch.targets
    places = window.counted & (ids <= n_words)
    assert not (chosen & ~places).any()
    expected = (0.5 * places.sum(1)).round()
    assert torch.equal(chosen.sum(1), torch.maximum(expected, places.any(1)).long())
    assert torch.equal(words, ids[chosen])
    assert batch.n_terms == len(words)
    assert torch.equal(batch.inputs.ids[~chosen], ids[~chosen])
    share = (batch.inputs.ids[chosen] == n_words + 2).double().mean()
    assert 0.65 < share < 0.95
