"""Two views: emoji and their names, zero-shot classes, sums of words, digit halves.

Emoji are split by families: skin tones, men and women, left and right of one picture
are never in both parts. Queries and candidates are the plain emoji of the test part, of
which none was seen in training.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.cross_decomposition import CCA
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA, LatentDirichletAllocation
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import top_k_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import Normalizer, StandardScaler, normalize

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.image import FilterBank
from sklearn_replearn.metrics import recall_at_k
from sklearn_replearn.multiview import (
    CLIP,
    RegularizedCCA,
    TextTargetTransformer,
    ZeroShotClassifier,
)
from sklearn_replearn.text import LSA, PMIEmbedding

from ._contest import Contest, Options, Target, mean_and_error
from ._data import read_table
from ._emoji import Signs, make_signs, read_emoji
from ._few_labels import draw_labeled
from ._report import progress

#: Changes of features of images in training.
NOISE = [("corrupt", 0.3), ("noise", 0.5)]

#: Share of words that are left out of captions, for queries of a word or two.
MANY_LEFT_OUT = 0.8

#: One pass at a rate at which no weight moves.
UNTRAINED = {"max_epochs": 1, "lr": 1e-12}

#: The estimator that the other contests of emoji are about.
BEST = "CLIP on filters"


@dataclass(frozen=True)
class Sizes:
    """How much of everything: what a full run takes, and a smoke run."""

    seeds: int = 3
    n_filters: int = 256
    n_image: int = 300
    n_text: int = 300
    n_words: int = 100
    n_components: int = 200
    n_topics: int = 50
    epochs: int | str = "auto"
    n_relevant: tuple[int, int] = (8, 3)
    n_draws: int = 20


TINY = Sizes(1, 8, 20, 10, 5, 5, 4, 1, (1, 1), 2)


def run(options: Options) -> Iterator[Contest]:
    """Yield the contest of digits; those of emoji need a data folder."""
    sizes = TINY if options.smoke else Sizes()
    yield of_halves(sizes)
    if options.smoke:
        yield from of_signs(make_signs(), None, sizes)
    elif options.data is None:
        progress("No data folder: digits alone.")
    else:
        yield from of_signs(read_emoji(options.data), options.data, sizes)


# -- emoji -----------------------------------------------------------------------------


@dataclass
class Task:
    """Signs to learn from and to test on, as both views are given to the estimators."""

    signs: Signs
    style: str
    other_style: str
    train: np.ndarray
    test: np.ndarray
    seed: int
    sizes: Sizes
    words: PMIEmbedding | None

    def captions(self, rows) -> list[str]:
        return [self.signs.captions[row] for row in rows]

    def images(self, rows, style=None) -> np.ndarray:
        return self.signs.styles[style or self.style][rows]

    def fit_features(self) -> None:
        """Features of images that need no captions, and how long they take."""
        start = process_time()
        sizes = self.sizes
        self.filters = make_pipeline(
            FilterBank("kmeans", n_filters=sizes.n_filters, random_state=self.seed),
            ScaledPCA(sizes.n_image, random_state=self.seed),
        )
        self.of_train = self.filters.fit_transform(self.images(self.train))
        self.of_test = self.filters.transform(self.images(self.test))
        self.seconds = process_time() - start


def of_signs(signs: Signs, folder: Path | None, sizes: Sizes) -> Iterator[Contest]:
    """Search both ways, zero-shot classes, and sums of words."""
    words = None
    if folder is not None:
        progress("multiview: vectors of words by the glosses of WordNet")
        glosses = read_table(folder, "text/wordnet_glosses.tsv.xz")
        texts = glosses["words"].str.replace("|", " ") + " " + glosses["gloss"]
        words = PMIEmbedding(128, min_count=2, random_state=0).fit(texts)
    style, other_style = signs.styles
    tasks, found = [], {}
    for seed in range(sizes.seeds):
        train, test = signs.split(seed)
        task = Task(signs, style, other_style, train, test, seed, sizes, words)
        progress(f"multiview: {signs.title}; features of images, seed {seed}")
        task.fit_features()
        tasks.append(task)
        of_seed = {}
        for name, learn in METHODS.items():
            progress(f"multiview: {signs.title}; {name}, seed {seed}")
            start = process_time()
            model = of_seed[name] = learn(task, of_seed)
            model.seconds += process_time() - start
            if "images" not in name:
                model.seconds += task.seconds
        for name, model in of_seed.items():
            found.setdefault(name, []).append(model)
    yield retrieval(signs, tasks, found)
    of_words = (BEST, "the same, untrained", "CLIP on images")
    yield zero_shot(signs, tasks, {name: found[name] for name in of_words})
    of_filters = (BEST, "RegularizedCCA")
    yield sums_of_words(signs, tasks, {name: found[name] for name in of_filters})


@dataclass
class Model:
    """Vectors of test images, and functions of other images and of texts."""

    of_images: np.ndarray
    embed_texts: object
    embed_other: object = None
    estimator: object = None
    X_test: np.ndarray | None = None
    seconds: float = 0.0


def closed_form(task: Task, _) -> Model:
    """Canonical correlations of filters with LSA and word vectors."""
    encoder = text_encoder(task)
    known = encoder.fit_transform(task.captions(task.train))
    cca = RegularizedCCA(task.sizes.n_components, power=1).fit(task.of_train, known)
    return Model(
        cca.transform(task.of_test),
        lambda texts: cca.transform_y(encoder.transform(texts)),
        lambda images: cca.transform(task.filters.transform(images)),
        cca,
    )


def text_encoder(task: Task):
    """LSA beside unit vectors of words."""
    words = PMIEmbedding(
        task.sizes.n_words, pooling="idf", min_count=1, random_state=task.seed
    )
    return make_union(
        LSA(task.sizes.n_text, random_state=task.seed),
        make_pipeline(words, Normalizer()),
    )


def peer(task: Task, _) -> Model:
    """scikit-learn's CCA, which has no ridge, of fewer columns."""
    encoder = text_encoder(task)
    known = encoder.fit_transform(task.captions(task.train))
    first = PCA(min(50, task.sizes.n_image), random_state=0).fit(task.of_train)
    second = PCA(min(50, known.shape[1] - 1), random_state=0).fit(known)
    n = min(20, task.sizes.n_components)
    cca = CCA(n, max_iter=1000).fit(
        first.transform(task.of_train), second.transform(known)
    )

    def embed_texts(texts):
        columns = first.transform(task.of_train[: len(texts)])
        return cca.transform(columns, second.transform(encoder.transform(texts)))[1]

    return Model(cca.transform(first.transform(task.of_test)), embed_texts)


def contrastive(
    task: Task, _, *, images: bool = False, words: bool = True, **options
) -> Model:
    """CLIP on filters, with noise, or on images, with shifts and turns."""
    options = {"max_epochs": task.sizes.epochs} | options
    if words:
        options["caption_dropout"] = MANY_LEFT_OUT
    else:
        options["y_encoder"] = text_encoder(task)
    augment = ["shift", "rotate"] if images else NOISE
    model = CLIP(
        init=task.words or "pmi", augment=augment, random_state=task.seed, **options
    )
    train = task.images(task.train) if images else task.of_train
    test = task.images(task.test) if images else task.of_test
    model.fit(train, task.captions(task.train), groups=task.signs.bases[task.train])
    return Model(
        model.transform(test),
        model.transform_y,
        None if images else lambda new: model.transform(task.filters.transform(new)),
        model,
        test,
    )


def targets(task: Task, _, *, topics: bool) -> Model:
    """A network that predicts topics of captions, or their vectors of words."""
    sizes, seed = task.sizes, task.seed
    embedder = PMIEmbedding(
        sizes.n_words, pooling="idf", min_count=1, random_state=seed
    )
    if topics:
        lda = LatentDirichletAllocation(sizes.n_topics, random_state=seed)
        embedder = make_pipeline(CountVectorizer(), lda)
    model = TextTargetTransformer(
        embedder, augment=NOISE, max_epochs=sizes.epochs, random_state=seed
    )
    model.fit(task.of_train, task.captions(task.train))
    return Model(model.predict(task.of_test), model.transform_y)


def both(task: Task, found: dict) -> Model:
    """The unit vectors of two models side by side."""
    parts = [found["RegularizedCCA"], found["CLIP on filters, LSA"]]
    seconds = sum(part.seconds - task.seconds for part in parts)
    return Model(
        np.hstack([normalize(part.of_images) for part in parts]),
        lambda texts: np.hstack([normalize(part.embed_texts(texts)) for part in parts]),
        seconds=seconds,
    )


METHODS = {
    "RegularizedCCA": closed_form,
    BEST: contrastive,
    "the same, untrained": partial(contrastive, **UNTRAINED),
    "CLIP on filters, LSA": partial(contrastive, words=False),
    "CLIP on images": partial(contrastive, images=True),
    "topics as targets": partial(targets, topics=True),
    "words as targets": partial(targets, topics=False),
    "RegularizedCCA and CLIP": both,
    "CCA of scikit-learn": peer,
}


def recalls(Z: np.ndarray, Z_y: np.ndarray) -> dict:
    """Recall at 1, 5 and 10 both ways, by cosines."""
    numbers, found = np.arange(len(Z)), {}
    for way, A, B in (("to texts", Z, Z_y), ("to images", Z_y, Z)):
        for k in (1, 5, 10):
            found[f"{way}, R@{k}"] = recall_at_k(
                A, numbers, k, X_gallery=B, y_gallery=numbers, metric="cosine"
            )
    ends = found["to texts, R@10"], found["to images, R@10"]
    return found | {"R@10": np.mean(ends)}


def retrieval(signs: Signs, tasks: list, found: dict) -> Contest:
    """How often an emoji finds its caption, and a caption its emoji."""
    rows = {}
    for name, models in found.items():
        figures = []
        for task, model in zip(tasks, models, strict=True):
            texts = model.embed_texts(task.captions(task.test))
            of_seed = recalls(model.of_images, texts)
            if model.embed_other is not None:
                other = model.embed_other(task.images(task.test, task.other_style))
                of_seed["other style, R@10"] = recalls(other, texts)["R@10"]
            figures.append(of_seed | {"fit seconds": model.seconds})
        rows[name] = averaged(figures, "R@10")
    best = max(rows, key=lambda name: (" and " not in name) * rows[name]["R@10"])
    linear = rows["RegularizedCCA"]
    n_candidates = ", ".join(str(len(task.test)) for task in tasks)
    return Contest(
        data=f"{signs.title}; {n_candidates} candidates",
        setting="search both ways by cosines, variants merged",
        quality=rows,
        targets=(
            Target("R@10", at_least=0.42, contestant="RegularizedCCA"),
            Target("fit seconds", at_most=60, contestant="RegularizedCCA"),
            Target("R@10", at_least=linear["R@10"], contestant=BEST),
            Target(
                "to images, R@10", at_least=linear["to images, R@10"], contestant=BEST
            ),
            Target("fit seconds", at_most=600, contestant=BEST),
            Target("R@10", at_least=0.46, contestant=best),
            Target("other style, R@10", at_least=0.33, contestant=BEST),
        ),
        notes=(
            f"Means of {len(tasks)} seeds, each with its own split; ± is the standard "
            "error of R@10, the mean of both ways.",
            f"All learn from images in the style of {tasks[0].style}; 'other style' is "
            f"R@10 with test images in that of {tasks[0].other_style}.",
            "Seconds of processor time, with the features of images.",
            "CLIP has words of the glosses of WordNet beside its own, about 8 seconds "
            "more; all others learn from the captions alone.",
        ),
    )


def averaged(figures: list[dict], column: str) -> dict:
    """Means of seeds, and the standard error of a column."""
    means = {
        name: float(np.mean([one[name] for one in figures])) for name in figures[0]
    }
    return means | mean_and_error(column, [one[column] for one in figures])


def zero_shot(signs: Signs, tasks: list, found: dict) -> Contest:
    """Subgroups by their names, and groups by theirs or by those of subgroups."""
    rows = {}
    for name, models in found.items():
        pairs = zip(tasks, models, strict=True)
        figures = [classes_by_name(signs, task, model) for task, model in pairs]
        rows[name] = averaged(figures, "top 1 of subgroups")
    return Contest(
        data=signs.title,
        setting="classes by their names, of test images",
        quality=rows,
        targets=(
            Target("top 1 of subgroups", at_least=0.2),
            Target("top 5 of subgroups", at_least=0.45),
            Target("group by its subgroups", at_least=0.48),
        ),
        notes=(
            "A subgroup is described by its name, such as 'animal mammal'; a group by "
            "its own name, or by those of its subgroups, whose vectors are averaged. "
            "Subgroups whose name has no known word are left out.",
        ),
    )


def classes_by_name(signs: Signs, task: Task, model: Model) -> dict:
    """Accuracies on the test images, by texts alone."""
    knows = model.estimator.vocabulary_
    prompts = {
        name: name.replace("-", " ")
        for name in np.unique(signs.subgroups)
        if any(word in knows for word in name.split("-"))
    }
    rows = np.isin(signs.subgroups[task.test], [*prompts])
    subgroups, groups = (
        names[task.test][rows] for names in (signs.subgroups, signs.groups)
    )
    of_group = {
        group: [
            prompts[name]
            for name in np.unique(signs.subgroups[signs.groups == group])
            if name in prompts
        ]
        for group in np.unique(groups)
    }
    X, found = model.X_test[rows], {}
    by_name = ZeroShotClassifier(model.estimator, prompts=prompts)
    shares = by_name.fit(None, [*prompts]).predict_proba(X)
    for k in (1, 5):
        found[f"top {k} of subgroups"] = top_k_accuracy_score(
            subgroups, shares, k=min(k, len(prompts) - 1), labels=by_name.classes_
        )
    for way, texts in (
        ("group by its subgroups", of_group),
        ("group by its name", {group: group for group in of_group}),
    ):
        classifier = ZeroShotClassifier(model.estimator, prompts=texts)
        found[way] = classifier.fit(None, [*texts]).score(X, groups)
    counts = np.unique(groups, return_counts=True)[1]
    return found | {
        "largest group": counts.max() / len(groups),
        "subgroups": len(prompts),
    }


def sums_of_words(signs: Signs, tasks: list, found: dict) -> Contest:
    """Images with both of two words, or with the one and not the other."""
    rows = {}
    for name, models in found.items():
        for which in ("all", "test"):
            pairs = zip(tasks, models, strict=True)
            figures = [sums_in(signs, task, model, which) for task, model in pairs]
            rows[f"{name}, {which} images"] = averaged(figures, "a + b")
    first = rows[f"{BEST}, all images"]
    return Contest(
        data=signs.title,
        setting="precision of the first 10 images for two words",
        quality=rows,
        targets=(
            Target("pairs", at_least=35),
            Target("a + b", at_least=0.22),
            Target("a + b", at_least=first["better word of a + b"] + 0.05),
        ),
        notes=(
            "Candidates are all plain emoji, four fifths of which were trained with, "
            "or those of the test part alone.",
            "Pairs of words that at least {} captions (test: {}) have together, and "
            "twice as many each; no two pairs are of the same captions. An image is "
            "right if its caption has both words ('a - b': the first and not the "
            "second).".format(*tasks[0].sizes.n_relevant),
            "'better word' is that of the two words alone which is right more often, "
            "pair by pair.",
        ),
    )


def sums_in(signs: Signs, task: Task, model: Model, which: str) -> dict:
    """Mean precisions of pairs of words, among all images or those of the test."""
    n_relevant, n_at_test = task.sizes.n_relevant
    images, rows = model.of_images, task.test
    if which == "all":
        plain = np.flatnonzero(signs.are_plain[task.train])
        images = np.vstack([model.estimator.transform(task.of_train[plain]), images])
        rows = np.concatenate([task.train[plain], rows])
    words = [set(caption.split()) for caption in task.captions(rows)]
    pairs = pairs_of_words(words, n_relevant if which == "all" else n_at_test)
    of_pairs = [precisions(images, model.embed_texts, words, *pair) for pair in pairs]
    means = {name: np.mean([one[name] for one in of_pairs]) for name in of_pairs[0]}
    return means | {"pairs": len(pairs)}


def pairs_of_words(words: list[set], n_relevant: int) -> list[tuple[str, str]]:
    """Pairs of words that occur together and apart, one for each set of captions."""
    names = sorted(set().union(*words))
    has = {
        name: frozenset(i for i, own in enumerate(words) if name in own)
        for name in names
    }
    has = {name: rows for name, rows in has.items() if len(rows) >= 2 * n_relevant}
    pairs = {}
    for first, second in combinations(has, 2):
        together = has[first] & has[second]
        if n_relevant <= len(together) <= min(len(has[first]), len(has[second])) / 2:
            pairs.setdefault(together, (first, second))
    return list(pairs.values())


def precisions(images, embed_texts, words: list[set], first: str, second: str) -> dict:
    """Precision of sums and differences, and of the words alone."""
    a, b = normalize(embed_texts([first, second]))
    has_a, has_b = (
        np.array([word in own for own in words]) for word in (first, second)
    )
    cosines = normalize(images) @ np.column_stack([a, b, a + b, a - b])
    nearest = cosines.argsort(axis=0)[::-1][:10]
    of_a, of_b, of_sum, of_difference = nearest.T
    is_both, is_rest = has_a & has_b, has_a & ~has_b
    return {
        "a + b": is_both[of_sum].mean(),
        "a": is_both[of_a].mean(),
        "b": is_both[of_b].mean(),
        "better word of a + b": max(is_both[of_a].mean(), is_both[of_b].mean()),
        "a - b": is_rest[of_difference].mean(),
        "a for a - b": is_rest[of_a].mean(),
    }


# -- digits ----------------------------------------------------------------------------


def of_halves(sizes: Sizes) -> Contest:
    """Left halves of digits that look for their right halves."""
    images, labels = load_digits(return_X_y=True)
    halves = images.reshape(-1, 8, 8).astype(np.float32) / 16
    left, right = (half.reshape(len(half), -1) for half in np.split(halves, 2, axis=2))
    options = {"hidden_layer_sizes": (512,), "augment": [("noise", 0.3)]}
    methods = {
        "CLIP": partial(CLIP, 64, lr=0.01, max_epochs=sizes.epochs, **options),
        "the same, untrained": partial(CLIP, 64, **UNTRAINED, **options),
        "RegularizedCCA": lambda random_state: RegularizedCCA(20),
        "left halves": None,
    }
    rows = {}
    for name, make in methods.items():
        figures = []
        for seed in range(sizes.seeds):
            progress(f"multiview: halves of digits; {name}, seed {seed}")
            train, test = train_test_split(
                np.arange(len(labels)), stratify=labels, random_state=seed
            )
            start, of_seed, Z = process_time(), {}, left
            if make is not None:
                model = make(random_state=seed).fit(left[train], right[train])
                seconds = process_time() - start
                Z = model.transform(left)
                found = recalls(Z[test], model.transform_y(right[test]))
                of_seed = {
                    "right by left, R@1": found["to texts, R@1"],
                    "left by right, R@1": found["to images, R@1"],
                    "fit seconds": seconds,
                }
            draws = draw_labeled(labels[train], 10, sizes.n_draws)
            accuracies = [
                classifier()
                .fit(Z[train[rows]], labels[train[rows]])
                .score(Z[test], labels[test])
                for rows in draws
            ]
            figures.append({"10 a class": np.mean(accuracies)} | of_seed)
        rows[name] = averaged(figures, "10 a class")
    return Contest(
        data=f"digits of scikit-learn; {len(test)} candidates",
        setting="left halves find right halves, and are classified",
        quality=rows,
        targets=(
            Target("right by left, R@1", at_least=0.25),
            Target("10 a class", at_least=0.82),
        ),
        notes=(
            f"Means of {sizes.seeds} seeds, each with its own split. Logistic "
            f"regression on the left half alone, {sizes.n_draws} draws of labels.",
        ),
    )


def classifier():
    """Logistic regression on standardised features."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
