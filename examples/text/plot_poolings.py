r"""
Poolings of word vectors
========================

A sentence has as many word vectors as words, but a classifier wants one vector. A
pooling makes one of many. Here six poolings are asked which article of Wikipedia a
sentence is from, next to LSA, and to tf-idf, which has a column for every word.
"""

# %%
# Sentences of ten articles
# -------------------------
# gensim ships some of Wikipedia's articles with its tests. Three hundred sentences are
# drawn from each of ten long ones. The words of the titles are left out everywhere: a
# sentence with "Alaska" in it would be too easy.

# sphinx_gallery_thumbnail_number = 2
import bz2
import re

import matplotlib.pyplot as plt
import numpy as np
from gensim.corpora.wikicorpus import extract_pages, filter_wiki
from gensim.test.utils import datapath
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.text import LSA, PMIEmbedding

titles = [
    "Abraham Lincoln",
    "Alabama",
    "Alaska",
    "Albania",
    "Albert Einstein",
    "Algeria",
    "American Revolutionary War",
    "Apollo",
    "Aristotle",
    "Azerbaijan",
]
title_words = " ".join(titles).lower().split()


def read_sentences(text):
    """Sentences of at least eight words, from the paragraphs of an article."""
    for line in filter_wiki(text).splitlines():
        if len(line.split()) >= 20 and line[0] not in "*=|#:;":
            for sentence in re.split(r"(?<=[.!?]) +", line):
                if len(sentence.split()) >= 8:
                    yield sentence


rng = np.random.default_rng(0)
X, y = [], []
dump = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
with bz2.open(datapath(dump)) as file:
    for title, text, _ in extract_pages(file):
        if title in titles:
            X.extend(rng.choice(list(read_sentences(text)), 300, replace=False))
            y.extend([title] * 300)
X, y = np.array(X), np.array(y)
print(f"{len(X)} sentences of {np.mean([len(x.split()) for x in X]):.0f} words")
for row in (0, 1500, 2900):
    print(f"{y[row]}: {X[row]}")

# %%
# With all the labels
# -------------------
# LSA and the word vectors have a hundred dimensions. "concat" puts the vectors of the
# first ten words side by side, which makes a thousand columns; "principal" two
# directions, which makes two hundred. Everything is fitted on the training folds alone,
# word vectors included, since they are a step of the pipeline.
#
# The dense vectors are scaled, and the classifier is the same for all of them. The
# columns of tf-idf are not scaled, and need less regularisation.

tfidf = TfidfVectorizer(sublinear_tf=True, stop_words=title_words)
lsa = LSA(100, vectorizer=tfidf, random_state=0)
representations = {"tf-idf": tfidf, "LSA": make_pipeline(lsa, StandardScaler())}
for pooling in ("mean", "idf", "sif", "max", "concat", "principal"):
    words = PMIEmbedding(
        100, pooling=pooling, min_count=2, stop_words=title_words, random_state=0
    )
    representations[pooling] = make_pipeline(words, StandardScaler())
classifiers = {
    name: LogisticRegression(C=10 if name == "tf-idf" else 0.01)
    for name in representations
}

folds = StratifiedKFold(3, shuffle=True, random_state=0)
accuracies = {}
for name, representation in representations.items():
    model = make_pipeline(representation, classifiers[name])
    accuracies[name] = cross_val_score(model, X, y, cv=folds)
    print(f"{name:10s}{accuracies[name].mean():.1%}")

colors = {"tf-idf": "#717581", "LSA": "#ffa90e"}
fig, ax = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
for row, (name, scores) in enumerate(accuracies.items()):
    middle, low, high = scores.mean(), scores.min(), scores.max()
    ax.errorbar(
        middle,
        row,
        xerr=[[middle - low], [high - middle]],
        fmt="o",
        capsize=3,
        color=colors.get(name, "#3f90da"),
    )
ax.axvline(1 / len(titles), color="0.5", linestyle=":")
ax.annotate("chance", (1 / len(titles), 3), (4, 0), textcoords="offset points")
ax.set_yticks(
    range(len(accuracies)),
    [name if name in colors else f"word vectors, {name}" for name in accuracies],
)
ax.set(xlim=(0, 0.8), xlabel="Accuracy: mean, lowest and highest of three folds")
ax.invert_yaxis()
ax.grid(axis="x", color="0.9")
ax.set_axisbelow(True)
ax.set_title("Which of ten articles is a sentence from?")
plt.show()

# %%
# With 200 labelled sentences from each article, no hundred numbers replace the words
# themselves: tf-idf is well ahead. Of the poolings the means are best. Weighted by
# "idf" or "sif", so that frequent words count less, they gain a little more and pass
# LSA; the plain mean is level with it.
#
# The other three lose much on this task. "max" takes each dimension from a single word;
# "concat" sees the first ten words only, and a word in another place falls into other
# columns; "principal" keeps the two main axes of the words in place of their mean.
#
# With few labels
# ---------------
# Sentences are easy to come by, labels are not. Now the representations are fitted on
# all sentences of the training folds, as before, but only a few of each article, drawn
# at random, have a label for the classifier to learn from.

n_labels = [2, 5, 10, 20, 50, 100]
curves = {"tf-idf": [], "LSA": [], "sif": []}
for train, test in folds.split(X, y):
    X_train, y_train = X[train], y[train]
    rows = [np.flatnonzero(y_train == title) for title in titles]
    rows = [rng.permutation(rows_of_title) for rows_of_title in rows]
    labelled = [np.concatenate([some[:n] for some in rows]) for n in n_labels]
    for name, curve in curves.items():
        representation = clone(representations[name])
        Z_train = representation.fit_transform(X_train)
        Z_test = representation.transform(X[test])
        classify = classifiers[name]
        curve.append(
            [
                classify.fit(Z_train[some], y_train[some]).score(Z_test, y[test])
                for some in labelled
            ]
        )

fig, ax = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
print("labels    " + "".join(f"{n:7d}" for n in [*n_labels, 200]))
for name, curve in curves.items():
    scores = np.column_stack([curve, accuracies[name]])  # the last from above
    print(f"{name:10s}" + "".join(f"{score:7.1%}" for score in scores.mean(axis=0)))
    middle, low, high = scores.mean(axis=0), scores.min(axis=0), scores.max(axis=0)
    ax.errorbar(
        [*n_labels, 200],
        middle,
        yerr=[middle - low, high - middle],
        fmt="o-",
        capsize=3,
        label=name if name in colors else f"word vectors, {name}",
        color=colors.get(name, "#3f90da"),
    )
ax.set_xscale("log")
ax.set_xticks([*n_labels, 200], [*n_labels, 200])
ax.minorticks_off()
ax.set(xlabel="Labelled sentences from each article", ylabel="Accuracy", ylim=(0, 0.8))
ax.grid(color="0.9")
ax.set_axisbelow(True)
ax.legend(loc="upper left")
ax.set_title("Word vectors for few labels, words for many")
plt.show()

# %%
# A classifier on words knows only those that a labelled sentence had. Word vectors have
# learnt from all the sentences which words go together, and lead up to 20 labels from
# each article; at 50 the two are about even, and beyond it words win. So try both, and
# decide by cross-validation with as many labels as you have.
