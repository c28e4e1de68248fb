r"""
Hidden words
============

A masked language model reads a whole sentence in which some words are hidden, and says
which words they were. What it fills in shows what it has learned: grammar from a few
hundred paragraphs, facts only where the paragraphs repeat them.
"""

# %%
# The texts
# ---------
# Paragraphs of Wikipedia that come with gensim's tests. Some are held out.

import bz2

import matplotlib.pyplot as plt
from gensim.corpora.wikicorpus import extract_pages, filter_wiki
from gensim.test.utils import datapath

from sklearn_replearn.language import MaskedLanguageModel

texts = []
dump = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
with bz2.open(datapath(dump)) as file:
    for _, text, _ in extract_pages(file):
        for line in filter_wiki(text).splitlines():
            if len(line.split()) >= 30 and line[0] not in "*=|#:;!{":
                texts.append(line.replace("''", ""))
train, test = texts[::2], texts[1::20]

model = MaskedLanguageModel(
    64, n_layers=1, vocabulary_size=4000, max_epochs=4, lr=0.01, random_state=0
)
model.fit(train, X_val=test)
print(f"{len(train)} paragraphs to learn from")
print(f"perplexity of a hidden word: {model.perplexity(test):.0f}")

# %%
# Fill in the gaps
# ----------------
# ``fill_mask`` lists the words that fit at each ``[MASK]``, with their probabilities.

sentences = [
    "The capital [MASK] the country is the largest city.",
    "He was born in [MASK], and died in 1865.",
    "It is one of the [MASK] important works of the century.",
    "The war began in 1861 and [MASK] four years later.",
    "Aristotle [MASK] a Greek philosopher.",
    "The population of the [MASK] was estimated at two million.",
]
found = model.fill_mask(sentences, topn=5)
fig, axes = plt.subplots(2, 3, figsize=(10, 4.4), layout="constrained")
for ax, sentence, [words] in zip(axes.flat, sentences, found, strict=True):
    labels, shares = zip(*reversed(words), strict=True)
    ax.barh(labels, shares, color="#3f90da")
    middle = sentence.rfind(" ", 0, 32)
    ax.set_title(
        f"{sentence[:middle]}\n{sentence[middle + 1 :]}".replace("[MASK]", "___"),
        fontsize="small",
    )
    ax.set_xlabel("Probability")
plt.show()

# %%
# What word it is, grammatically, is mostly right: a preposition, a date, an
# adjective. Which one is a matter of what the paragraphs were about. A word that stands
# in the sentence already is often given a good chance, since words return in a text.
#
# Both sides count
# ----------------
# With fewer words to the right of the gap, the model knows less. The probability of the
# right word, by how many of the words behind it are shown:

before, word, behind = "it is one of the", "most", "important works of the century ."
shown = [" ".join(behind.split()[:n]) for n in range(len(behind.split()) + 1)]
texts = [f"{before} [MASK] {rest}".strip() for rest in shown]
found = [dict(words) for [words] in model.fill_mask(texts, topn=4000)]
fig, ax = plt.subplots(figsize=(6.5, 3), layout="constrained")
labels = ["nothing", *behind.split()]
ax.plot([probabilities[word] for probabilities in found], "o-", color="#3f90da")
ax.set_xticks(range(len(labels)), labels, rotation=30)
ax.set(xlabel="Shown up to", ylabel=f'Probability of "{word}"', ylim=(0, None))
ax.set_title(f"{before} ___ …")
ax.grid(color="0.9")
plt.show()

# %%
# Without the words behind the gap, "most" has hardly a chance; "important works of"
# makes it one of the first. Not every further word helps: the model is small, and
# "century" speaks for other words that stood near it.
