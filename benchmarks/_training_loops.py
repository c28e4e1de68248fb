"""Training of a network as people write it: a loop in PyTorch, and stock skorch.

Both minimise the mean squared error between the rows and what the network makes of
them, by Adam. They return the loss of the last epoch.
"""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

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
    """

    build: Callable[[], nn.Module]
    lr: float
    batch_size: int
    max_epochs: int


def bare_loop(setting: Setting, X: np.ndarray, *, quick: bool) -> float:
    """Gather each batch by one index, and step.

    Quick is as quick as we know how: the losses are read once an epoch, Adam's fused
    kernel makes the steps, and denormal numbers count as zero. Otherwise the losses are
    read at each step, and Adam and the numbers are as PyTorch has them by default.
    """
    torch.manual_seed(0)
    network = setting.build()
    rows = network.arrange(torch.from_numpy(X))
    criterion = nn.MSELoss()
    options = {"fused": True} if quick else {}
    optimizer = torch.optim.Adam(network.parameters(), lr=setting.lr, **options)
    network.train()
    with _denormals_are_zero(quick):
        for _ in range(setting.max_epochs):
            total = 0.0
            for index in torch.randperm(len(rows)).split(setting.batch_size):
                batch = rows.index_select(0, index)
                optimizer.zero_grad()
                loss = criterion(network(batch), batch)
                loss.backward()
                optimizer.step()
                total += (loss.detach() if quick else loss.item()) * len(index)
            mean = float(total) / len(rows)
    return mean


@contextmanager
def _denormals_are_zero(wanted):
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
