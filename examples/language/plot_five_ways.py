r"""
Five ways to represent a document
=================================

A bag of words, two factorizations and two networks make vectors of the same paragraphs,
and a logistic regression tells which article they are from. Which vectors are best
depends on how many paragraphs have a label.
"""

# %%
# Paragraphs of twelve articles
# -----------------------------
# From the articles of Wikipedia that gensim ships with its tests, those with the most
# paragraphs. The words of the titles are left out, since they would give the answer.

import bz2
import re
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from gensim.corpora.wikicorpus import extract_pages, filter_wiki
from gensim.test.utils import datapath
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from sklearn_replearn.language import CausalLanguageModel, SentenceEmbedding
from sklearn_replearn.text import LSA, PMIEmbedding

articles = {}
dump = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
with bz2.open(datapath(dump)) as file:
    for title, text, _ in extract_pages(file):
        articles[title] = [
            line.replace("''", "")
            for line in filter_wiki(text).splitlines()
            if len(line.split()) >= 30 and line[0] not in "*=|#:;!{"
        ]
titles = sorted(articles, key=lambda title: -len(articles[title]))[:12]
title_words = "|".join(re.escape(word) for title in titles for word in title.split())
X = [re.sub(rf"(?i)\b({title_words})\w*", "", x) for t in titles for x in articles[t]]
y = np.repeat(titles, [len(articles[title]) for title in titles])
print(f"{len(X)} paragraphs of {', '.join(titles)}")

# %%
# The vectors
# -----------
# All are learned from the paragraphs to train with, none of which needs a label. The
# language model learns to predict the next word, and its states are averaged; the
# embedding of sentences learns which sentence follows which. Beside the language model
# is the same network without a training: one pass at a rate at which no weight moves.

[(train, test)] = StratifiedShuffleSplit(1, test_size=0.4, random_state=0).split(X, y)
X_train, X_test = [X[row] for row in train], [X[row] for row in test]
options = {"n_layers": 1, "vocabulary_size": 5000, "random_state": 0}
encoders = {
    "tf-idf": TfidfVectorizer(sublinear_tf=True),
    "LSA": LSA(100, random_state=0),
    "word vectors (PMI, sif)": PMIEmbedding(100, pooling="sif", random_state=0),
    "SentenceEmbedding": SentenceEmbedding(random_state=0),
    "CausalLanguageModel": CausalLanguageModel(64, max_epochs=5, lr=0.01, **options),
    "the same, untrained": CausalLanguageModel(64, max_epochs=1, lr=1e-12, **options),
}
vectors = {}
for name, encoder in encoders.items():
    start = perf_counter()
    vectors[name] = encoder.fit_transform(X_train), encoder.transform(X_test)
    print(f"{name:26s}{perf_counter() - start:5.1f} s")

# %%
# Few labels, and many
# --------------------
# Some paragraphs of each article get a label, in five draws; then all have one. Vectors
# differ in how strong a penalty suits the classifier, so that cross-validation among
# the labelled paragraphs chooses it.

classifier = GridSearchCV(
    make_pipeline(Normalizer(), LogisticRegression(max_iter=1000)),
    {"logisticregression__C": [1, 10, 100]},
    cv=2,
)
n_labels = [2, 5, 10, 20]
accuracies = {name: [] for name in vectors}
for n in n_labels:
    for name in vectors:
        accuracies[name].append([])
    for draw in range(5):
        rng = np.random.default_rng(draw)
        rows = np.concatenate(
            [rng.permutation(np.flatnonzero(y[train] == title))[:n] for title in titles]
        )
        for name, (Z_train, Z_test) in vectors.items():
            classifier.fit(Z_train[rows], y[train][rows])
            accuracies[name][-1].append(classifier.score(Z_test, y[test]))
for name, (Z_train, Z_test) in vectors.items():
    score = classifier.fit(Z_train, y[train]).score(Z_test, y[test])
    accuracies[name].append([score] * 5)

print("labels an article         " + "".join(f"{n:>7}" for n in [*n_labels, "all"]))
for name, scores in accuracies.items():
    print(f"{name:26s}" + "".join(f"{mean:7.3f}" for mean in np.mean(scores, axis=1)))

styles = {
    "tf-idf": {"color": "0.4", "marker": "s"},
    "LSA": {"color": "#ffa90e", "marker": "s"},
    "word vectors (PMI, sif)": {"color": "#a96b59", "marker": "s"},
    "SentenceEmbedding": {"color": "#bd1f01", "marker": "o"},
    "CausalLanguageModel": {"color": "#3f90da", "marker": "o"},
    "the same, untrained": {"color": "#3f90da", "marker": "o", "linestyle": "--"},
}
fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
for position, (name, style) in enumerate(styles.items()):
    scores = np.array(accuracies[name])
    errors = scores.std(axis=1, ddof=1) / 5**0.5
    places = np.arange(len(scores)) + 0.04 * (position - 2.5)
    ax.errorbar(places, scores.mean(axis=1), errors, label=name, capsize=2, **style)
ax.set_xticks(range(len(n_labels) + 1), [*n_labels, "all"])
ax.set(xlabel="Labelled paragraphs of each article", ylabel="Accuracy")
ax.grid(color="0.9")
ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
ax.set_title("Which of twelve articles is a paragraph from?")
plt.show()

# %%
# With two labels of each article, vectors that know which words go together are ahead
# of the bag of words, and LSA still is with ten; with all labels, nothing comes near
# it: which article a paragraph is from is a question of its words, whatever their
# order. LSA is the best of the short vectors here and takes a second. The networks
# learn something, as the untrained one shows, but 850 paragraphs are few for them. On
# ten thousand short news with fifty labels of each class, the averaged states of a
# language model are no better than word vectors; both side by side are up to a point
# better (:ref:`guide <document_vectors>`). So compare: first the bag of words, then LSA
# and word vectors, and a network only if there are many texts without labels.
