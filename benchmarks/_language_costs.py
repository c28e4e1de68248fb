"""Time and memory of training a language model, beside a bare loop."""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch

from sklearn_replearn._deep.input.windows import Window
from sklearn_replearn.language import CausalLanguageModel, MaskedLanguageModel

from ._contest import Contest, Options, Target
from ._report import progress
from ._resident import in_fresh_process, peak_resident
from ._training_loops import denormals_are_zero, keep_loss
from .words import Lines

MODELS = {
    "CausalLanguageModel": CausalLanguageModel,
    "MaskedLanguageModel": MaskedLanguageModel,
}


def training(name: str, documents: list[list[str]], data: str, options: dict):
    """`fit` by turns with a loop over the same network and the same losses.

    Parameters
    ----------
    name : str
        Of a language model.
    documents : list of lists of str
    data : str
        What they are, for people.
    options : dict
        Parameters of the model.
    """
    model = MODELS[name](
        init=None,
        lr_schedule="constant",
        optimizer="adam",
        weight_decay=0,
        random_state=0,
        **options,
    )
    samples, _ = model._read(documents, None, reset=True)
    plan = model._plan(samples, None)
    losses: dict[str, dict[str, float]] = {}  # the race fills it
    loop = partial(
        bare_loop,
        partial(plan.new_network, samples),
        plan.objective,
        samples.values.long(),
        size=model.context,
        batch_size=32,
        lr=model.lr,
        max_epochs=model.max_epochs,
    )
    trainings = {name: lambda: model.fit(documents).loss_curve_[-1], "bare loop": loop}
    return Contest(
        data=f"{data}, {len(samples.values):,} tokens",
        setting=f"{name}; training, {model.max_epochs} epoch(s)",
        stages={
            "fit": {
                who: partial(keep_loss, losses, who, train)
                for who, train in trainings.items()
            }
        },
        reference="bare loop",
        quality=losses,
        targets=(Target("fit ratio", at_most=1.1),),
        notes=(
            "Both: one network, the same sampled losses, Adam's fused kernel, norms of "
            "gradients of at most 1, denormal numbers flushed to zero.",
            "fit also reads the documents and chooses the words.",
        ),
        rounds=5,
    )


def bare_loop(
    build, objective, stream, *, size: int, batch_size: int, lr: float, max_epochs: int
) -> float:
    """Windows of a stream of tokens, one after another, in random order."""
    torch.manual_seed(0)
    network = build().train()
    objective.begin(network, None)
    objective.train()
    n = (len(stream) - 1) // size
    ids, targets = (stream[shift : shift + n * size].view(n, size) for shift in (0, 1))
    everywhere = torch.ones(batch_size, size, dtype=torch.bool)
    optimizer = torch.optim.Adam(network.parameters(), lr=lr, fused=True)
    with denormals_are_zero(True):
        for _ in range(max_epochs):
            total, n_terms = 0.0, 0
            for index in torch.randperm(n).split(batch_size):
                some = everywhere[: len(index)]
                batch = objective.prepare(
                    Window(ids[index], targets[index], some, some), None
                )
                optimizer.zero_grad()
                loss = objective(network, batch)["loss"]
                loss.backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimizer.step()
                total += loss.detach() * batch.n_terms
                n_terms += batch.n_terms
    return float(total / n_terms)


# -- memory ----------------------------------------------------------------------------


def memory(n_tokens: int, n_words: int, options: Options) -> Contest:
    """Resident memory of fits, each in a fresh process that reads a file of texts."""
    rows, length = {}, 200
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "documents.txt")
        write_texts(path, n_tokens // length, length, n_words)
        for name in MODELS:
            progress(f"language: memory of {name}, {n_tokens:,} tokens")
            rows[name] = in_fresh_process(
                memory_of_fit, name, path, threads=max(options.threads)
            )
    return Contest(
        data=f"made-up texts, {n_tokens:,} tokens",
        setting="peak resident memory of fit; documents read from a file",
        quality=rows,
        targets=tuple(
            Target("bytes a token", at_most=40, contestant=name) for name in MODELS
        ),
        notes=(
            "Each in a fresh process, one epoch of a network of one layer of 16 "
            "components. 'before MB' is what it took before the fit. 'bytes a token' "
            "is what the fit adds, by the number of tokens; a matrix of tokens and "
            f"words would take {4 * n_words:,}.",
        ),
    )


def write_texts(path: str, n_documents: int, length: int, n_words: int) -> None:
    """Documents of words that follow Zipf's law."""
    rng = np.random.default_rng(0)
    shares = np.cumsum(1 / np.arange(1, n_words + 1))
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(n_documents):
            draws = np.searchsorted(shares, rng.uniform(0, shares[-1], length))
            file.write(" ".join(f"w{word}" for word in draws) + "\n")


def memory_of_fit(name: str, path: str) -> dict[str, float]:
    """Peaks of this process, which does nothing else, in millions of bytes."""
    model = MODELS[name](16, n_layers=1, max_epochs=1, random_state=0)
    before = peak_resident()
    model.fit(Lines(path))
    added = peak_resident() - before
    n_tokens = model.word_counts_.sum()
    return {
        "before MB": before / 1e6,
        "fit MB": added / 1e6,
        "bytes a token": float(added / n_tokens),
    }
