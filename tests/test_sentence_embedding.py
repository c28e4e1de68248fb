"""Vectors of sentences against loops over questions and words."""

import pickle
from itertools import chain, permutations
from math import log

import numpy as np
import pandas as pd
import pytest
import torch
from near import assert_near
from sklearn.base import clone
from torch.nn.functional import cosine_similarity

from sklearn_replearn._deep.input.ragged import Packed
from sklearn_replearn._deep.networks.transformer import rotations
from sklearn_replearn.language import SentenceEmbedding
from sklearn_replearn.language._sentence_network import (
    NeighborHead,
    SentenceNetwork,
    cut,
)
from sklearn_replearn.language._sentence_samples import (
    Sentences,
    hold_out_documents,
    make_runs,
)
from sklearn_replearn.language._sentence_tasks import TASKS, Questions
from sklearn_replearn.language._sentences import (
    read_sentences,
    split_sentences,
    take_out_emoji,
)
from sklearn_replearn.plotting import LossCurveDisplay
from sklearn_replearn.text import PMIEmbedding

SMALL = {
    "n_components": 8,
    "n_heads": 2,
    "hidden_layer_sizes": 6,
    "projection_sizes": 5,
    "max_epochs": 2,
    "lr": 0.01,
    "random_state": 0,
}
ENCODERS = ("average", "transformer")


def steps(n_documents, *, n_sentences=6, seed=0):
    """Documents whose sentences have words of one number after another."""
    rng = np.random.default_rng(seed)
    documents = []
    for start in rng.integers(12, size=n_documents):
        numbers = (start + np.arange(n_sentences)) % 12
        documents.append(
            [[f"w{n}x{k}" for k in rng.integers(3, size=4)] for n in numbers]
        )
    return documents


DOCUMENTS = steps(40)
#: A long sentence, unknown words, and none at all.
NEW = [
    *steps(3, seed=1),
    [[f"w{n % 12}x1" for n in range(40)], ["w1x0", "never"]],
    [["never"], ["w2x1"], []],
    [["never"]],
    [],
]
EMOJI = [
    "so good \U0001f60d, love it",
    "bad \U0001f621 hate it",
    "love it \U0001f60d\U0001f60d \u2764\ufe0f",
    "I hate this \U0001f621",
    "nothing here",
] * 6


@pytest.fixture(scope="module", params=ENCODERS)
def model(request):
    return SentenceEmbedding(**SMALL, encoder=request.param, context=7).fit(DOCUMENTS)


# ---------------------------------------------------------------------------
# Documents, sentences and emoji
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("He said \u201cno.\u201d She left.", ["He said \u201cno.\u201d", "She left."]),
        ("J. S. Bach, e.g. a fugue. Yes.", ["J. S. Bach, e.g. a fugue.", "Yes."]),
        ("it ran . the dog sat .", ["it ran .", "the dog sat ."]),
        ("At 3.5 km/h... well. No", ["At 3.5 km/h...", "well.", "No"]),
        ("a title\n\nthe text\nof it", ["a title", "the text\nof it"]),
        ("\u732b\u3060\u3002\u72ac\uff01", ["\u732b\u3060\u3002", "\u72ac\uff01"]),
        ("What?!) Then.\n", ["What?!)", "Then."]),
        (" \n\n ", []),
        ("", []),
    ],
)
def test_strings_are_split_into_sentences(text, sentences):
    assert split_sentences(text) == sentences


def test_documents_of_all_kinds():
    texts = ["One two. Three four.", ""]
    strings = [["One two.", "Three four."], []]
    assert list(read_sentences(texts)) == [strings[0], [""]]
    assert list(read_sentences(texts, split=False)) == [[texts[0]], [""]]
    assert list(read_sentences(strings)) == [strings[0], [[]]]
    tokens = [[("one", "two"), np.array(["three"])], []]
    assert list(read_sentences(tokens)) == [[["one", "two"], ["three"]], [[]]]
    assert list(read_sentences(pd.Series(strings))) == [strings[0], [[]]]
    by_hand = SentenceEmbedding(**SMALL).fit([strings[0]] * 4)
    split = SentenceEmbedding(**SMALL).fit([texts[0]] * 4)
    assert_near(split.transform(texts), by_hand.transform(strings))
    assert_near(split.transform(strings), by_hand.transform(texts))


@pytest.mark.parametrize(
    ("sentence", "rest", "emoji"),
    [
        ("a \U0001f60d b \U0001f60d", "a   b  ", ["\U0001f60d"]),
        ("\U0001f44d\U0001f3fd, \U0001f44d", " ,  ", ["\U0001f44d"]),
        ("\u2764\ufe0f\u2764", "  ", ["\u2764"]),
        ("\U0001f1e9\U0001f1ea!", " !", ["\U0001f1e9\U0001f1ea"]),
        (
            "x\U0001f469\u200d\U0001f52cy",
            "x y",
            ["\U0001f469\u200d\U0001f52c"],
        ),
        ("1\ufe0f\u20e3 of 2", "  of 2", ["1\u20e3"]),
        (["a", "\U0001f60d", "b\U0001f60d"], ["a", "b\U0001f60d"], ["\U0001f60d"]),
        ("plain #1 \u00a9 text\u2026", "plain #1 \u00a9 text\u2026", []),
    ],
)
def test_emoji_are_taken_out(sentence, rest, emoji):
    assert take_out_emoji(sentence) == (rest, emoji)


# ---------------------------------------------------------------------------
# Runs
# ---------------------------------------------------------------------------


def sentences_of(lengths):
    ends = torch.tensor(lengths).cumsum(0)
    return Sentences(torch.arange(int(ends[-1]), dtype=torch.int32), ends)


@pytest.mark.parametrize("size", [2, 3])
def test_runs_by_loop(size):
    rng = np.random.default_rng(0)
    counts = [1, 4, 2, 7, 1, 3]
    documents = np.repeat(np.arange(6), counts)
    sentences = sentences_of(rng.integers(4, size=len(documents)))
    expected = [
        start
        for start in range(len(documents) - size + 1)
        if len(set(documents[start : start + size])) == 1
        and (sentences.lengths[start : start + size] > 0).all()
    ]
    runs = make_runs(sentences, documents, size)
    assert sorted(runs.first.tolist()) == expected
    assert runs.first.tolist() != expected
    expected = runs.first.tolist()
    ids, lengths = runs.take(torch.tensor([2, 0]))
    numbers = [expected[2] + i for i in range(size)] + [
        expected[0] + i for i in range(size)
    ]
    assert lengths.tolist() == sentences.lengths[numbers].tolist()
    ends = sentences.ends.tolist()
    expected = [
        word
        for i in numbers
        for word in range(ends[i] - int(sentences.lengths[i]), ends[i])
    ]
    assert ids.tolist() == expected


def test_whole_documents_are_held_out():
    documents = np.repeat(np.arange(20), 5)
    runs = make_runs(sentences_of([3] * 100), documents, 2)
    train, held_out = hold_out_documents(runs, None, 0.2, 0)
    assert sorted([*train.tolist(), *held_out.tolist()]) == list(range(len(runs)))
    of_train, of_held_out = (
        set(documents[runs.first[part].numpy()]) for part in (train, held_out)
    )
    assert not of_train & of_held_out
    assert len(of_held_out) == 4
    other = hold_out_documents(runs, None, 0.2, 1)[1]
    assert other.tolist() != held_out.tolist()
    with pytest.raises(ValueError, match="holds out whole documents, but only 1 of"):
        hold_out_documents(
            make_runs(sentences_of([3] * 9), np.zeros(9), 2), None, 0.5, 0
        )


# ---------------------------------------------------------------------------
# The network
# ---------------------------------------------------------------------------


def network(task="neighbor", n_layers=0, n_parts=2, n_classes=None):
    torch.manual_seed(0)
    net = SentenceNetwork(
        n_words=20,
        n_components=6,
        n_layers=n_layers,
        n_heads=2,
        context=4,
        dropout=0.3,
        hidden_sizes=[5],
        activation="tanh",
        task=task,
        n_parts=n_parts,
        head_sizes=[7],
        n_classes=n_classes,
    )
    net.start_from(torch.randn(20, 6))
    return net.eval()


def packed(sentences):
    ids = torch.tensor([word for sentence in sentences for word in sentence])
    return Packed(ids.long(), torch.tensor([len(words) for words in sentences]))


def test_windows_are_of_about_the_same_length():
    lengths = [0, 1, 4, 5, 9, 0, 17]
    of_windows, owner = cut(torch.tensor(lengths), 4)
    for number, length in enumerate(lengths):
        parts = of_windows[owner == number].tolist()
        assert sum(parts) == length
        assert len(parts) == -(-length // 4)
        assert not parts or max(parts) - min(parts) <= 1


@pytest.mark.parametrize("n_layers", [0, 2])
def test_vectors_by_loop(n_layers):
    net = network(n_layers=n_layers)
    net.spread.fill_(0.7)
    sentences = [[3, 1, 2], [], [5], [*range(11)], [7, 7, 0, 1]]
    with torch.no_grad():
        found = net.encode(packed(sentences))
        for words, vector in zip(sentences, found, strict=True):
            if not words:
                assert not vector.any()
                continue
            n_windows = -(-len(words) // 4)
            states = []
            for window in np.array_split(words, n_windows if n_layers else 1):
                x = net.embedding.weight[torch.from_numpy(window)][None]
                turns = rotations(len(window), 2, x)
                every = torch.ones(1, 1, len(window), len(window), dtype=torch.bool)
                for layer in net.layers:
                    x = layer(x, every, turns)
                states.append(x[0])
            mean = torch.cat(states).mean(0) / 0.7
            assert_near(vector.numpy(), (mean + net.mlp(mean)).numpy())


@pytest.mark.parametrize("encoder", ENCODERS)
def test_means_are_about_one_at_the_start(encoder):
    at_rest = {**SMALL, "max_epochs": 1, "lr": 1e-12, "encoder": encoder}
    for n_components in (1, 8):
        model = SentenceEmbedding(
            **at_rest | {"n_components": n_components, "n_heads": 1}
        )
        net = model.fit(DOCUMENTS).net_.module_
        ids = [
            [model.vocabulary_[word] for word in sentence]
            for sentence in chain.from_iterable(DOCUMENTS)
        ]
        with torch.no_grad():
            means = net.standardized(net.mean(packed(ids)))
        assert float(means.square().mean()) == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("n_layers", [0, 2])
def test_sentences_without_words_alone(n_layers):
    assert not network(n_layers=n_layers).encode(packed([[], []])).any()


# ---------------------------------------------------------------------------
# Questions, losses and scores
# ---------------------------------------------------------------------------


def logistic(x):
    return log(1 + np.exp(-float(x)))


def pair_features(u, v):
    return torch.cat([u, v, (u - v).abs(), u * v])


def loss_and_score_by_loop(task, head, z, drawn):
    """Mean loss and share of right answers, question by question."""
    n, losses, right = len(z), [], []

    def fits(u, v):
        return head.layers(pair_features(u, v))[0]

    for i in range(n):
        if task == "neighbor":
            scale = head.log_scale.exp()
            s = [
                [
                    float(
                        cosine_similarity(head.first(z[a, 0]), head.second(z[b, 1]), 0)
                    )
                    for b in range(n)
                ]
                for a in range(n)
            ]
            s = np.array(s)
            row, column = np.exp(float(scale) * s[i]), np.exp(float(scale) * s[:, i])
            losses += [-log(row[i] / row.sum()), -log(column[i] / column.sum())]
            right.append(s[i, i] > s[i, drawn[i]])
        elif task in ("next", "order"):
            u, v = z[i]
            other = (u, z[drawn[i], 1]) if task == "next" else (v, u)
            true, false = fits(u, v), fits(*other)
            losses += [logistic(true), logistic(-false)]
            right += [bool(true > 0), bool(false <= 0)]
        else:
            parts, answer = z[i], int(drawn[i])
            if task == "permutation":
                order = list(permutations(range(3)))[answer]
                parts = torch.stack([z[i, place] for place in order])
            logits = head.layers(parts.flatten())
            losses.append(-float(logits.log_softmax(0)[answer]))
            right.append(int(logits.argmax()) == answer)
    return np.mean(losses), np.mean(right)


@pytest.mark.parametrize("task", sorted(TASKS))
def test_losses_and_answers_by_loop(task):
    n, n_parts = 9, {"permutation": 3, "emoji": 1}.get(task, 2)
    net = network(task, n_parts=n_parts, n_classes=4 if task == "emoji" else None)
    asked = TASKS[task](n_parts)
    rng = np.random.default_rng(1)
    inputs = packed([rng.integers(20, size=4).tolist() for _ in range(n * n_parts)])
    objective = Questions(asked)
    batch = objective.prepare(inputs, torch.arange(n) % 4)
    assert batch.n_terms == n
    drawn = batch.targets
    if task in ("neighbor", "next"):
        assert (drawn != torch.arange(n)).all()
    if task == "permutation":
        assert drawn.unique().numel() > 2
    with torch.no_grad():
        z = net(inputs).view(n, n_parts, -1)
        loss, score = loss_and_score_by_loop(task, net.head, z, drawn)
        assert float(objective(net, batch)["loss"]) == pytest.approx(loss, rel=1e-4)
        questions = asked.arrange(z, drawn)
        assert float(asked.right(net.head, questions, drawn).mean()) == score
    health = objective.take_health()
    guesses = {"neighbor": log(n), "next": log(2), "order": log(2)}
    guesses["permutation"] = log(6)
    shares = np.bincount(np.arange(n) % 4) / n
    guesses["emoji"] = -(shares * np.log(shares)).sum()
    assert health["collapsed_loss"] == pytest.approx(guesses[task], rel=1e-5)


def test_ties_are_half_right():
    head = NeighborHead([3], "relu")
    z = torch.ones(4, 3, 3)
    assert TASKS["neighbor"](2).right(head, z, None).tolist() == [0.5] * 4


@pytest.mark.parametrize("task", ["neighbor", "next", "order", "permutation"])
def test_the_score_by_loop(task):
    model = SentenceEmbedding(**SMALL, task=task).fit(DOCUMENTS)
    texts = steps(5, seed=3)
    n_parts = 3 if task == "permutation" else 2
    z = [
        vectors[i : i + n_parts]
        for vectors in model.sentence_vectors(texts)
        for i in range(len(vectors) - n_parts + 1)
    ]
    z = torch.from_numpy(np.stack(np.random.RandomState(0).permutation(z)))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = TASKS[task](n_parts).draw(len(z), None)
    with torch.no_grad():
        _, score = loss_and_score_by_loop(task, model.net_.module_.head, z, drawn)
    assert model.score(texts) == pytest.approx(score)
    assert model.score(texts) == model.score(texts)


# ---------------------------------------------------------------------------
# The estimator
# ---------------------------------------------------------------------------


def test_a_document_has_the_mean_vector_of_its_sentences(model):
    vectors, of_sentences = model.transform(NEW), model.sentence_vectors(NEW)
    assert vectors.dtype == np.float32
    for document, vector, rows in zip(NEW, vectors, of_sentences, strict=True):
        assert len(rows) == max(1, len(document))
        known = [any(word in model.vocabulary_ for word in words) for words in document]
        assert not rows[: len(known)][~np.array(known, dtype=bool)].any()
        expected = rows[: len(known)][known].mean(axis=0) if any(known) else 0 * vector
        assert_near(vector, expected)
    assert not vectors[-2:].any()
    assert_near(model.transform([NEW[0][:1]])[0], of_sentences[0][0])


def test_a_document_has_one_vector_whatever_else_there_is(model):
    vectors = model.transform(NEW)
    assert_near(np.concatenate([model.transform([text]) for text in NEW]), vectors)
    assert_near(model.transform(NEW[::-1])[::-1], vectors)
    restored = pickle.loads(pickle.dumps(model))
    assert_near(restored.transform(NEW), vectors)
    assert restored.score(DOCUMENTS) == model.score(DOCUMENTS)


def test_the_module_gives_vectors_of_sentences(model):
    sentence = DOCUMENTS[0][0]
    ids = packed([[model.vocabulary_[word] for word in sentence]])
    assert_near(model.as_module()(ids).detach().numpy(), model.transform([[sentence]]))


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("task", ["neighbor", "next", "order", "permutation"])
def test_steps_are_learned(encoder, task):
    options = {**SMALL, "max_epochs": 12, "lr": 0.02, "n_components": 16}
    options |= {"projection_sizes": 32, "hidden_layer_sizes": 16}
    model = SentenceEmbedding(**options, task=task, encoder=encoder).fit(DOCUMENTS)
    assert model.score(steps(10, seed=5)) > 0.8
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert len(model.health_curve_) == model.n_iter_
    assert model.effective_rank_ > 1
    assert LossCurveDisplay.from_estimator(model).ax_.lines


def test_emoji_are_learned():
    options = {**SMALL, "max_epochs": 20, "lr": 0.03}
    model = SentenceEmbedding(**options, task="emoji").fit(EMOJI)
    assert set(model.emoji_) == {"\U0001f60d", "\U0001f621", "\u2764"}
    assert model.n_left_out_ == 6
    assert not {*model.emoji_, "\ufe0f"} & set(model.vocabulary_)
    assert model.score(EMOJI[:2]) == 1
    assert_near(model.transform(["love \U0001f621"]), model.transform(["love"]))
    two = SentenceEmbedding(**options, task="emoji", n_emoji=2).fit(EMOJI)
    assert set(two.emoji_) == {"\U0001f60d", "\U0001f621"}
    as_tokens = SentenceEmbedding(**options, task="emoji").fit(
        [[["love", "\U0001f60d"], ["hate", "\U0001f621"]]] * 6
    )
    assert as_tokens.score([[["love", "\U0001f60d"], ["hate"]]]) == 1


def test_strings_are_not_split_for_emoji():
    text = "I love it. \U0001f60d"
    model = SentenceEmbedding(**SMALL, task="emoji").fit(EMOJI)
    assert [len(vectors) for vectors in model.sentence_vectors([text])] == [1]


def test_the_start_is_a_weighted_mean_of_pmi_vectors():
    texts = [" ".join(chain.from_iterable(document)) for document in DOCUMENTS]
    at_rest = {**SMALL, "max_epochs": 1, "lr": 1e-12, "n_components": 4}
    pmi = PMIEmbedding(4, min_count=2, random_state=0).fit(texts)
    for init in ("pmi", pmi):
        model = SentenceEmbedding(**at_rest, init=init).fit(DOCUMENTS)
        assert list(model.vocabulary_) == list(pmi.vocabulary_)
        vectors = pmi.word_vectors_ / np.linalg.norm(
            pmi.word_vectors_, axis=1, keepdims=True
        )
        shares = model.word_counts_ / model.word_counts_.sum()
        vectors = vectors * (1 - np.log(shares))[:, np.newaxis]
        vectors -= shares @ vectors
        vectors *= 0.3 / vectors.std(ddof=0)
        found = model.word_vectors_
        products = vectors @ vectors.T
        limit = 1e-3 * products.max()
        np.testing.assert_allclose(found @ found.T, products, rtol=0, atol=limit)
        assert np.abs(shares @ found).max() < 1e-5
    assert clone(model).init is pmi


def test_unknown_words_and_short_documents_are_counted():
    documents = [*DOCUMENTS, [["w1x1", "w2x2"]], [["never"], ["w1x1"], ["w1x1"]], []]
    model = SentenceEmbedding(**SMALL).fit(documents)
    n_words = sum(len(words) for document in documents for words in document)
    assert model.unknown_share_ == pytest.approx(1 / n_words)
    assert model.n_left_out_ == 2
    assert len(model.most_similar("w1x1", topn=3)) == 3


@pytest.mark.parametrize("tokenizer", ["character", "bpe", str.split])
def test_other_tokenizers(tokenizer):
    texts = ["the cat sat. it purred.", "a dog ran. it barked. it sat."] * 4
    options = {**SMALL, "vocabulary_size": 300}
    model = SentenceEmbedding(tokenizer=tokenizer, **options).fit(texts)
    assert model.transform(texts).any(axis=1).all()


def test_a_training_that_goes_on_keeps_the_vocabulary_and_the_task():
    model = SentenceEmbedding(**SMALL, warm_start=True).fit(DOCUMENTS)
    vocabulary = model.vocabulary_
    model.fit(steps(20, seed=9))
    assert model.vocabulary_ == vocabulary
    assert model.n_iter_ == 4
    before = model.transform(NEW)
    with pytest.raises(ValueError, match="now describe another one"):
        model.set_params(task="order").fit(DOCUMENTS)
    assert_near(model.transform(NEW), before)
    assert model.score(DOCUMENTS) > 0


def test_early_stopping_and_validation_documents():
    model = SentenceEmbedding(**SMALL, early_stopping=True).fit(DOCUMENTS)
    assert len(model.validation_loss_curve_) == model.n_iter_
    model = SentenceEmbedding(**SMALL).fit(DOCUMENTS, X_val=steps(9, seed=4))
    assert len(model.validation_loss_curve_) == 2
    with pytest.raises(ValueError, match=r"Validation data.*none of n_samples=1"):
        SentenceEmbedding(**SMALL).fit(DOCUMENTS, X_val=[[["w1x1"]]])


def test_progress_is_in_sentences(capsys):
    SentenceEmbedding(**SMALL, verbose=1).fit(DOCUMENTS)
    assert "sentences/s" in capsys.readouterr().err


def test_one_document_given_as_tokens_is_a_document_of_words():
    model = SentenceEmbedding(**SMALL).fit(DOCUMENTS)
    with pytest.raises(ValueError, match="was fitted on lists of tokens"):
        model.transform([["w1x1", "w2x1"]])
