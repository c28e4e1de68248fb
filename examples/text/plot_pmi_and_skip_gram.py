r"""
Skip-gram and pointwise mutual information
==========================================

Skip-gram learns word vectors from one pair of neighbours after another, by gradient
steps. :class:`~sklearn_replearn.text.PMIEmbedding` counts the pairs first, and then
factorises a matrix. Levy and Goldberg [1]_ showed that both aim at the same: with
dimensions enough, the best that skip-gram with :math:`k` noise words for each pair can
do is

.. math:: v_w^{\mathsf T} u_c = \log \frac{\#(w, c)}{\#(w)\, P(c)} - \log k

for the vector :math:`v_w` of word :math:`w` and the vector :math:`u_c` of its neighbour
:math:`c`, drawn as noise with probability :math:`P(c)`: pointwise mutual information
(PMI), shifted by :math:`\log k`. Does it get there, and do both find the same words
alike?

.. [1] O. Levy and Y. Goldberg, "Neural word embedding as implicit matrix
   factorization", NeurIPS 2014.
"""

# %%
# The matrix, counted
# -------------------
# The Lee corpus has 300 news stories of 200 words each. Skip-gram draws the reach of
# its window at random, so that the weight of a neighbour falls linearly with the
# distance, and noise words by their counts to the power of 0.75. PMIEmbedding can count
# in the same way. The values that it factorises are computed here once more, to compare
# with.

# sphinx_gallery_thumbnail_number = 1
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from gensim.test.utils import datapath
from sklearn.base import clone
from sklearn.preprocessing import normalize

from sklearn_replearn.text import PMIEmbedding, SkipGramEmbedding

lee = Path(datapath("lee_background.cor"))
documents = lee.read_text(encoding="latin-1").splitlines()

k = 5
pmi = PMIEmbedding(
    100,
    window_weighting="linear",
    smoothing=0.75,
    shift=k,
    subsample=0,
    eigenvalue_weight=0.5,
    random_state=0,
)
start = perf_counter()
pmi.fit(documents)
pmi_seconds = perf_counter() - start

pairs = pmi.cooccurrence_.tocoo()
w, c = pairs.coords
of_word = pmi.cooccurrence_.sum(axis=1)
noise = pmi.word_counts_**0.75 / np.sum(pmi.word_counts_**0.75)
shifted_pmi = np.log(pairs.data / (of_word[w] * noise[c])) - np.log(k)
print(f"{len(of_word)} words; {len(w) / len(of_word) ** 2:.1%} of their pairs occur")

# %%
# The matrix, learnt
# ------------------
# Skip-gram with as many dimensions, for 5 epochs, which is the default, and for 20. Its
# products of vectors are drawn against the counted values, for the pairs with a count
# of at least ten.

skip_grams = {}
for max_epochs in (5, 20):
    start = perf_counter()
    skip_grams[max_epochs] = SkipGramEmbedding(
        100, negative=k, subsample=0, max_epochs=max_epochs, random_state=0
    ).fit(documents)
    times = (perf_counter() - start) / pmi_seconds
    print(f"{max_epochs} epochs took about {times:.0f} times as long as PMIEmbedding")

frequent = pairs.data >= 10
print(f"{frequent.sum()} pairs count 10 or more")
fig, axes = plt.subplots(
    1, 2, figsize=(7.5, 4.5), sharex=True, sharey=True, layout="constrained"
)
for ax, (max_epochs, model) in zip(axes, skip_grams.items(), strict=True):
    learnt = (model.word_vectors_[w] * model.context_vectors_[c]).sum(axis=1)
    correlation = np.corrcoef(shifted_pmi[frequent], learnt[frequent])[0, 1]
    ax.scatter(shifted_pmi[frequent], learnt[frequent], s=4, alpha=0.4, linewidths=0)
    ax.axline((0, 0), slope=1, color="0.3", linewidth=1, linestyle="--")
    ax.set(xlim=(-3.5, 5.5), ylim=(-3.5, 5.5), aspect="equal", xlabel="Shifted PMI")
    ax.set_title(f"{max_epochs} epochs: correlation {correlation:.2f}")
axes[0].set_ylabel("Skip-gram's product of vectors")
plt.show()

# %%
# After 5 epochs skip-gram is on its way there, and farthest from it for the pairs with
# the largest PMI. After 20 epochs it is there, though it has never counted anything.
#
# Where they differ
# -----------------
# A hundred dimensions do not hold the whole matrix of nearly two thousand words. What
# is given up? Skip-gram makes a step for each occurrence of a pair, so the frequent
# pairs matter most to it. To the singular value decomposition (SVD) all cells are the
# same, also those of the pairs that never occur: their PMI would be minus infinity, and
# PMIEmbedding puts 0. It usually puts 0 for all negative values; for this comparison
# they are kept, by ``positive=False``.

svd = clone(pmi).set_params(positive=False, vectors="concat").fit(documents)
word, context = np.hsplit(svd.word_vectors_, 2)
products = {
    "skip-gram, 20 epochs": (
        skip_grams[20].word_vectors_ @ skip_grams[20].context_vectors_.T
    ),
    "SVD of shifted PMI": word @ context.T,
}
edges = np.array([0, 1, 2, 5, 10, 20, 50, np.inf])
ranges = ["<1", "1-2", "2-5", "5-10", "10-20", "20-50", ">50"]
of_range = np.digitize(pairs.data, edges) - 1
never = np.ones((len(of_word), len(of_word)), dtype=bool)
never[w, c] = False

fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.6), layout="constrained")
for name, product in products.items():
    squares = (product[w, c] - shifted_pmi) ** 2
    errors = np.sqrt([squares[of_range == i].mean() for i in range(len(ranges))])
    left.plot(ranges, errors, "o-", label=name)
    right.hist(product[never], np.linspace(-6, 2, 81), density=True, alpha=0.6)
    print(f"{name:22s}" + " ".join(f"{error:.2f}" for error in errors))
left.set(xlabel="Count of the pair (sum of weights)", ylabel="Root mean squared error")
left.set_ylim(bottom=0)
left.legend()
left.set_title("Pairs that occur")
right.set(xlabel="Product of vectors", yticks=[])
right.set_title("Pairs that never occur")
plt.show()

# %%
# Skip-gram is closer for pairs that count five or more, the SVD for the rarer ones. A
# pair that never occurs gets about -2.5 from skip-gram, from the noise words, and about
# 0 from the SVD.
#
# The same neighbours?
# --------------------
# Of the ten nearest words of each of the 300 most frequent words, how many are the same
# for two models?

models = {
    "skip-gram": skip_grams[20],
    "skip-gram, seed 1": clone(skip_grams[20]).set_params(random_state=1),
    "PMI": pmi,
    "PMI, shift=1": clone(pmi).set_params(shift=1),
    "PMI, positive=False": clone(pmi).set_params(positive=False),
}
models["skip-gram, seed 1"].fit(documents)
models["PMI, shift=1"].fit(documents)
models["PMI, positive=False"].fit(documents)


def nearest(model):
    units = normalize(model.word_vectors_)
    cosines = units[:300] @ units.T
    np.fill_diagonal(cosines, -np.inf)  # not the word itself
    return np.argsort(-cosines, axis=1)[:, :10]


def n_shared(some, others):
    both = zip(some, others, strict=True)
    return np.mean([len(np.intersect1d(*words)) for words in both])


found = {name: nearest(model) for name, model in models.items()}
print(" " * 24 + "".join(f"{f'({i})':>6s}" for i in range(1, len(found) + 1)))
for i, (name, some) in enumerate(found.items(), start=1):
    shared = [n_shared(some, others) for others in found.values()]
    print(f"({i}) {name:20s}" + "".join(f"{mean:6.1f}" for mean in shared))

# %%
# Two runs of skip-gram share about seven words in ten, skip-gram and PMI about three.
# By chance it would be less than one in a hundred. So the same aim makes for similar
# neighbours, not for the same: it matters what is given up on the way.
#
# The model in the last row, the one with the negative values, has neighbours that no
# other has. In it a pair that never occurs has 0, as if more related than a pair that
# occurs, but less often than by chance. So negative values are set to 0 by default.
#
# Here are the answers of two models. Which are better is for a task to say.

for word in ("police", "taliban", "cricket"):
    for name in ("skip-gram", "PMI"):
        answers = models[name].most_similar(word, topn=6)
        print(f"{word:9s}{name:11s}" + ", ".join(answer for answer, _ in answers))
