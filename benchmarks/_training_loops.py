"""Training of a network as people write it: a loop in PyTorch, and stock skorch.

Both minimise the mean squared error between the rows and what the network makes of
them, by Adam; the loop can have targets and another loss. They return the loss of the
last epoch. And encoding as people write it: a forward pass.
"""

from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from skorch import NeuralNet
from torch import nn


@dataclass(frozen=True)
class Setting:
    """What all that train have in common.

    Parameters
    ----------
    build : callable
        Gives the network with fresh weights.
    lr : float
    batch_size, max_epochs : int
    criterion : torch module
        Loss of what the network puts out and its target; of the bare loop only.
    augment : callable or None
        Makes another input of a batch; of the bare loop only.
    prepare : callable or None
        Makes the input and the target of a batch of both; of the bare loop only.
    sampler : iterable or None
        Gives the indices of the rows of each batch, and again; of the bare loop only.
        Without it, each epoch has all rows in a random order.
    """

    build: Callable[[], nn.Module]
    lr: float
    batch_size: int
    max_epochs: int
    criterion: nn.Module = field(default_factory=nn.MSELoss)
    augment: Callable[[torch.Tensor], torch.Tensor] | None = None
    prepare: Callable | None = None
    sampler: Iterable[torch.Tensor] | None = None


def bare_loop(
    setting: Setting,
    X: np.ndarray,
    targets: np.ndarray | None = None,
    *,
    quick: bool,
) -> float:
    """Gather each batch by one index, and step.

    Without targets the network is to put out its input. Bytes stand for [0, 1]; they
    become floats a batch at a time.

    Quick is as quick as we know how: the losses are read once an epoch, Adam's fused
    kernel makes the steps, and denormal numbers count as zero. Otherwise the losses are
    read at each step, and Adam and the numbers are as PyTorch has them by default.
    """
    torch.manual_seed(0)
    network = setting.build()
    rows = torch.from_numpy(X)
    known = None if targets is None else torch.from_numpy(targets)
    options = {"fused": True} if quick else {}
    optimizer = torch.optim.Adam(network.parameters(), lr=setting.lr, **options)
    network.train()
    with denormals_are_zero(quick):
        for _ in range(setting.max_epochs):
            total, n_rows = 0.0, 0
            batches = torch.randperm(len(rows)).split(setting.batch_size)
            if setting.sampler is not None:
                batches = setting.sampler
            for index in batches:
                x = network.arrange(as_floats(rows.index_select(0, index)))
                target = x if known is None else known[index]
                if setting.augment is not None:
                    x = setting.augment(x)
                if setting.prepare is not None:
                    x, target = setting.prepare(x, target)
                optimizer.zero_grad()
                loss = setting.criterion(network(x), target)
                loss.backward()
                optimizer.step()
                total += (loss.detach() if quick else loss.item()) * len(index)
                n_rows += len(index)
            mean = float(total) / n_rows
    return mean


def as_floats(rows: torch.Tensor) -> torch.Tensor:
    """Rows in single precision, in which bytes stand for [0, 1]."""
    return rows.float() * (1 / 255) if rows.dtype == torch.uint8 else rows


def keep_loss(losses: dict, who: str, train: Callable[[], float]) -> None:
    """Train, and note the loss as a row of a contest."""
    losses[who] = {"loss of the last epoch": float(train())}


def forward_pass(module: nn.Module, X: np.ndarray, block_rows: int) -> np.ndarray:
    """What a network puts out for rows, which become floats a block at a time."""
    with torch.inference_mode():
        blocks = torch.from_numpy(X).split(block_rows)
        return torch.cat([module(as_floats(block)) for block in blocks]).numpy()


@contextmanager
def denormals_are_zero(wanted):
    torch.set_flush_denormal(wanted)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def stock_skorch(setting: Setting, X: np.ndarray) -> float:
    """skorch's net, whose defaults are changed where the work would be another."""
    torch.manual_seed(0)
    network = setting.build()
    rows = network.arrange(torch.from_numpy(X)).numpy()
    net = NeuralNet(
        network,
        criterion=nn.MSELoss,
        optimizer=torch.optim.Adam,
        lr=setting.lr,
        max_epochs=setting.max_epochs,
        batch_size=setting.batch_size,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
    return net.fit(rows, rows).history[-1, "train_loss"]
