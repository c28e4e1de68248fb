"""A lower bound of the mutual information of two views, by how well they are told."""

from math import ceil

import torch

from sklearn_replearn._deep.objectives.objective import two_views
from sklearn_replearn._deep.training.seeding import seeded
from sklearn_replearn.self_supervised._views import check_several, make_views

#: Maximum number of rows that are compared at a time.
N_COMPARED = 256

#: Temperatures, each about 1.6 times the one before, of which the best is taken.
TEMPERATURES = [0.02 * 1000 ** (i / 15) for i in range(16)]


def information_bound(estimator, X, directions):
    """The mean bound of blocks of rows, each from two views drawn with a fixed seed.

    Parameters
    ----------
    estimator : BaseDeepTransformer
        Fitted, with a network of projections and the parameters of views.
    X : array-like
    directions : callable
        Gives unit vectors of projections.

    Returns
    -------
    bound : float
        At least 0.
    """
    samples = estimator._samples(X)
    check_several(samples)
    samples.check_finite()
    network = estimator.net_.module_
    device = network.origin.device
    total = 0.0
    with torch.inference_mode(), seeded(0, device):
        change = make_views(estimator)(network, samples)
        order = torch.randperm(len(samples))
        for index in order.tensor_split(ceil(len(samples) / N_COMPARED)):
            rows = network.arrange(samples.take(index).to(device))
            z = directions(network(two_views(change, rows)))
            total = total + len(index) * contrastive_bounds(z @ z.T, TEMPERATURES)
    return max(0.0, float(total.max()) / len(samples))


def contrastive_bounds(cosines, temperatures):
    """The bound of InfoNCE at each temperature.

    Parameters
    ----------
    cosines : tensor of shape (2 * n_rows, 2 * n_rows)
        Of the first views of some rows, then their second views.
    temperatures : sequence of float

    Returns
    -------
    bounds : tensor of shape (n_temperatures,)
    """
    n = len(cosines)
    of_pairs = cosines.roll(n // 2, 1).diagonal()
    others = cosines.clone().fill_diagonal_(-torch.inf)
    losses = [
        ((others / t).logsumexp(1) - of_pairs / t).double().mean() for t in temperatures
    ]
    return torch.log(cosines.new_tensor(n - 1, dtype=torch.double)) - torch.stack(
        losses
    )
