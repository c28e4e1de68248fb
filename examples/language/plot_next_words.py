r"""
A language model in pictures
============================

A language model reads a text word by word and says what comes next. Here a small one is
trained on articles, and asked: how well does it know the language, what does it expect,
where is it surprised, and what does it write?
"""

# %%
# The texts
# ---------
# Paragraphs of Wikipedia and short news that come with gensim's tests. If the
# environment variable ``SKLEARN_REPLEARN_DATA`` names a folder with the Brown corpus,
# its files are read in their place: a million words of all kinds of prose. Lists of
# tokens, words and marks, show later which word is which.

# sphinx_gallery_thumbnail_number = 2
import bz2
import os
import re
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from gensim.corpora.wikicorpus import extract_pages, filter_wiki
from gensim.test.utils import datapath

from sklearn_replearn.language import CausalLanguageModel


def read_brown(path):
    """The files of the Brown corpus."""
    table = pd.read_csv(path, sep="\t", quoting=3, keep_default_na=False)
    return table.groupby("file")["sentence"].agg(" ".join).tolist()


def read_articles():
    """Paragraphs of the articles that gensim ships."""
    paragraphs = []
    for name in ("lee_background.cor", "lee.cor"):
        text = Path(datapath(name)).read_text(encoding="latin-1")
        paragraphs += text.splitlines()
    dump = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
    with bz2.open(datapath(dump)) as file:
        for _, text, _ in extract_pages(file):
            for line in filter_wiki(text).splitlines():
                if len(line.split()) >= 30 and line[0] not in "*=|#:;!{":
                    paragraphs.append(line.replace("''", ""))
    return paragraphs


brown = Path(os.environ.get("SKLEARN_REPLEARN_DATA", "."), "text/brown.tsv.xz")
texts = read_brown(brown) if brown.exists() else read_articles()
documents = [re.findall(r"\w+(?:['-]\w+)*|[^\w\s]", text.lower()) for text in texts]
train, test = documents[::2], documents[1::20]
n_tokens = sum(map(len, train))
print(f"{len(train)} documents of {n_tokens} tokens; {len(test)} documents held out")

# %%
# How well does it know the language?
# -----------------------------------
# The perplexity is the number of equally probable words that a model hesitates between.
# The held-out texts are given as ``X_val``, so that their loss after each epoch is
# there when the training is over. Two simple models are beside it: the frequencies of
# words, and how often each word follows which, mixed with these frequencies. All share
# the 4,000 most frequent words; any other is "unknown", and a word as well.

model = CausalLanguageModel(
    64, n_layers=1, vocabulary_size=4000, max_epochs=3, lr=0.01, random_state=0
)
model.fit(train, X_val=test)


def known(document):
    """A document with the words that the model knows."""
    return [word if word in model.vocabulary_ else "<unknown>" for word in document]


counts = Counter(word for document in train for word in known(document))
pairs = Counter(
    pair
    for document in map(known, train)
    for pair in zip(["<start>", *document], document, strict=False)
)
befores = Counter()
for (before, _), count in pairs.items():
    befores[before] += count
logs = {"frequencies": [], "pairs of words": []}
for document in map(known, test):
    for before, word in zip(["<start>", *document], document, strict=False):
        share = counts[word] / n_tokens
        logs["frequencies"].append(np.log(share))
        of_pair = (pairs[before, word] + 50 * share) / (befores[before] + 50)
        logs["pairs of words"].append(np.log(of_pair))
perplexities = {name: np.exp(-np.mean(values)) for name, values in logs.items()}
curve = np.exp(model.validation_loss_curve_)
for name, value in perplexities.items():
    print(f"{name:22s}{value:6.0f}")
for epoch, value in enumerate(curve, 1):
    print(f"the network, epoch {epoch:2d}  {value:6.0f}")

fig, ax = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
epochs = np.arange(1, len(curve) + 1)
ax.plot(epochs, curve, "o-", color="#3f90da", label="CausalLanguageModel")
for color, (name, value) in zip(["0.6", "#a96b59"], perplexities.items(), strict=True):
    ax.axhline(value, color=color, linestyle="--", label=name)
ax.set(xlabel="Epoch", ylabel="Perplexity of held-out texts", yscale="log")
ax.set_xticks(epochs, epochs)
ticks = [50, 100, 200, 400]
ax.set_yticks(ticks, ticks)
ax.minorticks_off()
ax.grid(color="0.9")
ax.legend(frameon=False)
ax.set_title("Between how many words does it hesitate?")
plt.show()

# %%
# Where is it surprised?
# ----------------------
# ``log_likelihoods`` has a value for each token. The higher the bar, the less the model
# expected the word: names and nouns are news, while "of" and a comma are often clear
# from what stands before.

document = next(d for d in test if len(d) > 60 and "<unknown>" not in known(d[:28]))
words = document[:28]
[surprise] = model.log_likelihoods([words])
fig, ax = plt.subplots(figsize=(9, 3.2), layout="constrained")
places = np.arange(len(words))
ax.bar(places, -surprise / np.log(2), color="#3f90da")
ax.set_xticks(places, words, rotation=60, ha="right", rotation_mode="anchor")
ax.set(ylabel="Surprise, bits", xlim=(-0.7, len(words) - 0.3))
ax.grid(axis="y", color="0.9")
ax.set_axisbelow(True)
ax.set_title("How surprising each word is, after those before it")
plt.show()

# %%
# What does it expect?
# --------------------

prompts = ["in the", "he was born in", "one of the", "the largest city in the"]
fig, axes = plt.subplots(1, 4, figsize=(10, 2.8), layout="constrained")
for ax, prompt in zip(axes, prompts, strict=True):
    expected = model.next_tokens(prompt.split(), topn=8)
    labels, shares = zip(*reversed(expected), strict=True)
    ax.barh(labels, shares, color="#ffa90e")
    ax.set_title(f"{prompt} …", fontsize="medium")
    ax.set_xlabel("Probability")
plt.show()

# %%
# What does it write?
# -------------------
# A low temperature takes probable words only, and soon repeats itself; 1 draws words as
# often as the model expects them. Neither knows what it is talking about: the model is
# small, and has read as much as a novel or two.

for temperature in (0.5, 0.8, 1.0):
    [words] = model.generate([["the"]], 40, temperature=temperature, random_state=1)
    print(f"{temperature}: the {' '.join(words)}\n")
