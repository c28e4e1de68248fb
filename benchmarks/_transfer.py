"""Features of one half of the classes, where the other half has few labels."""

from dataclasses import replace

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from sklearn_replearn.image import CNNFeatureExtractor, PretrainedFeatureExtractor

from ._contest import Contest, Target
from ._images import Images

#: Classes below this one are known; few labels of the others are.
FIRST_NEW = 5

#: The features that are to be better than pixels and their principal components.
FROZEN = "frozen last maps"


def transfer(
    images: Images,
    *,
    n_components: int,
    epochs: int | None,
    labels: tuple[int, ...],
    n_draws: int,
    n_draws_of_fine_tuning: int,
) -> Contest:
    """Train on some classes, then tell the others apart from few labels of each.

    Parameters
    ----------
    images : Images
    n_components : int
        Of PCA.
    epochs : int or None
        Of the network and of its fine-tuning; ``None`` for the defaults.
    labels : tuple of int
        Numbers of labels of a class.
    n_draws, n_draws_of_fine_tuning : int
        How often labels are drawn, and how many of these draws fine-tuning has.
    """
    known, new = halves(images)
    settings = {"image_shape": images.shape, "random_state": 0}
    training = settings | ({} if epochs is None else {"max_epochs": epochs})
    cnn = CNNFeatureExtractor(**training).fit(known.train, known.train_labels)
    few = {n: draw_few(new.train_labels, n, n_draws) for n in labels}
    fewer = {n: draws[:n_draws_of_fine_tuning] for n, draws in few.items()}
    ways = (
        _frozen(known, new, cnn, settings),
        _peers(known, new, n_components),
        _fine_tuned(new, cnn, training),
    )
    frozen, peers, tuned = (
        {who: _accuracies(way, draws) for who, way in kind.items()}
        for kind, draws in zip(ways, (few, few, fewer), strict=True)
    )
    for n in labels:
        best = max(peer[f"{n} labels"] for peer in peers.values())
        frozen[FROZEN][f"lead with {n}"] = frozen[FROZEN][f"{n} labels"] - best
    return Contest(
        data=f"{known.name}, known classes; {new.name}, new ones",
        setting=f"trained on the known classes, then {labels} labels of each new one",
        quality=frozen | peers | tuned,
        targets=tuple(Target(f"lead with {n}", at_least=0) for n in labels),
        notes=(
            f"Accuracies on the new classes' test images: means of {n_draws} draws of "
            f"labels, of {n_draws_of_fine_tuning} with fine-tuning, and their standard "
            "deviations (sd).",
            "Logistic regression with its defaults on the features as they are; "
            "fine-tuned networks have a head of their own on the penultimate layer. "
            "The lead is over raw pixels and PCA.",
            "The last maps are what the convolutions give; the dense layer after them, "
            "the penultimate, is more about the classes that it was trained for.",
        ),
    )


def halves(images):
    """Images of the known classes, and of the new ones."""
    halves = []
    for is_new in (False, True):
        train = (images.train_labels >= FIRST_NEW) == is_new
        test = (images.test_labels >= FIRST_NEW) == is_new
        halves.append(
            replace(
                images,
                train=images.train[train],
                train_labels=images.train_labels[train],
                test=images.test[test],
                test_labels=images.test_labels[test],
            )
        )
    return halves


def draw_few(labels, n_of_each, n_draws):
    """Rows with as many of each class, drawn again and again."""
    rng = np.random.default_rng(n_of_each)
    rows = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return [
        np.concatenate([rng.choice(some, n_of_each, replace=False) for some in rows])
        for _ in range(n_draws)
    ]


def _frozen(known, new, cnn, settings):
    """Ways by features of the trained network as they are."""
    layers = {
        FROZEN: f"network.stage{len(cnn.channels)}",
        "frozen penultimate": "network.penultimate",
    }
    ways = {}
    for who, layer in layers.items():
        features = PretrainedFeatureExtractor(cnn.as_module(), layer=layer, **settings)
        features.fit(known.train[:2])  # which learns the shape of images only
        ways[who] = _on_features(new, features.transform)
    return ways


def _peers(known, new, n_components):
    """Ways by pixels and their principal components."""
    pca = PCA(n_components, random_state=0).fit(known.train)
    return {
        "raw pixels": _on_features(new, lambda X: X),
        "PCA of the known classes": _on_features(new, pca.transform),
        "PCA of the few": lambda few: _on_own_pca(new, few, n_components),
    }


def _fine_tuned(new, cnn, training):
    """Ways by the network, of which a part is trained with the labels."""
    return {
        f"fine_tune={part!r}": _on_fine_tuning(
            new, PretrainedFeatureExtractor(cnn.as_module(), fine_tune=part, **training)
        )
        for part in ("last_block", "all")
    }


def _accuracies(way, draws):
    """Mean and standard deviation of the accuracy, for each number of labels."""
    row = {}
    for n, chosen in draws.items():
        scores = [way(few) for few in chosen]
        row |= {f"{n} labels": float(np.mean(scores)), f"sd {n}": float(np.std(scores))}
    return row


def _on_features(new, encode):
    """The accuracy of a logistic regression on what is made of images, by rows."""
    train, test = encode(new.train), encode(new.test)
    return lambda few: _accuracy(new, train[few], few, test)


def _on_own_pca(new, few, n_components):
    pca = PCA(min(n_components, len(few) - 1), random_state=0).fit(new.train[few])
    return _accuracy(new, pca.transform(new.train[few]), few, pca.transform(new.test))


def _on_fine_tuning(new, model):
    """The accuracy of a network with a head, by rows."""

    def accuracy(few):
        model.fit(new.train[few], new.train_labels[few])
        return model.score(new.test, new.test_labels)

    return accuracy


def _accuracy(new, train, few, test):
    classifier = LogisticRegression(max_iter=1000).fit(train, new.train_labels[few])
    return classifier.score(test, new.test_labels)
