"""Losses of the embeddings of a batch: distances, which tuples count, what they cost.

`is_same` is a matrix, true for two different rows of one class, and `is_other` one that
is true for rows of different classes. Nothing with a place for every triple of rows is
ever made, but by blocks.
"""

import operator

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from sklearn_replearn._deep.objectives.health import Diverged
from sklearn_replearn._effective_rank import spread_of_shares

#: What sums of products in single precision are sure of, relative to their size.
ROUNDING = 1e-5

# ---------------------------------------------------------------------------
# Distances and similarities of all rows to each other
# ---------------------------------------------------------------------------

#: Squared distances below this many roundings of the squared lengths count as zero.
N_ROUNDINGS = 8


def squared_distances(z):
    """Squared Euclidean distances between the rows of z, from one matrix product.

    Rows that are nearer than rounding can tell are at zero exactly, and have no
    gradient there.
    """
    z = z - z.mean(0).detach()  # distances stay, and rounding is by their size
    lengths = z.square().sum(1)
    sums = lengths[:, None] + lengths
    squared = sums - 2 * z @ z.T
    smallest = N_ROUNDINGS * torch.finfo(z.dtype).eps * sums.detach()
    return squared.where(~(squared <= smallest), 0.0)  # NaN stays, and is told of


def root(squared):
    """Square roots, with a gradient of zero, in place of infinity, at zero."""
    is_apart = ~(squared <= 0)  # NaN is, too
    return squared.where(is_apart, 1.0).sqrt().where(is_apart, 0.0)


def distances(z):
    """Euclidean distances between the rows of z."""
    return root(squared_distances(z))


def cosines(z):
    z = functional.normalize(z)
    return z @ z.T


def dots(z):
    return z @ z.T


def closeness(z):
    return -squared_distances(z)


#: By name, what is larger for rows that are more alike.
SIMILARITIES = {"cosine": cosines, "dot": dots, "euclidean": closeness}

# ---------------------------------------------------------------------------
# Which tuples count
# ---------------------------------------------------------------------------


def same_and_other(codes):
    """The matrices `is_same` and `is_other` of a batch."""
    is_equal = codes[:, None] == codes
    is_other = ~is_equal
    is_equal.fill_diagonal_(False)
    return is_equal, is_other


def hardest_positives(distances, is_same):
    """For each row the distance of the farthest row of its class."""
    return distances.masked_fill(~is_same, -torch.inf).amax(1)


def hardest_negatives(distances, is_other):
    """For each row the distance of the nearest row of another class."""
    return distances.masked_fill(~is_other, torch.inf).amin(1)


def sorted_negatives(distances, is_other):
    """For each row the distances of the rows of other classes, sorted, then infinity.

    And from which row each of them is.
    """
    return distances.masked_fill(~is_other, torch.inf).sort(1)


def semihard_negatives(distances, is_other):
    """For each pair of rows, a row of another class than the first's.

    The nearest to the first of those that are farther from it than the second is; the
    farthest of all, if none is (Schroff et al., 2015). The first must have rows of
    other classes.

    Returns
    -------
    rows : tensor of int64, of the shape of `distances`
    """
    with torch.no_grad():
        ordered, rows = sorted_negatives(distances, is_other)
        place = torch.searchsorted(ordered, distances.contiguous(), right=True)
        last = is_other.sum(1, keepdim=True) - 1
        return rows.gather(1, place.minimum(last).clamp_min(0))


def count_violations(distances, is_same, is_other, margin):
    """Number of triplets with a negative nearer than the positive's distance + margin.

    Returns
    -------
    by_positive : tensor of float, of the shape of `distances`
        For a row and another of its class, how many negatives make such a triplet.
    by_negative : tensor of float, of the shape of `distances`
        For a row and one of another class, how many positives do.
    """
    with torch.no_grad():
        ordered, _ = sorted_negatives(distances, is_other)
        limits = distances + margin
        by_positive = torch.searchsorted(ordered, limits) * is_same
        limits = limits.masked_fill(~is_same, torch.inf).sort(1).values
        n_same = is_same.sum(1, keepdim=True)
        below = torch.searchsorted(limits, distances.contiguous(), right=True)
        by_negative = (n_same - below) * is_other
        return by_positive.to(distances.dtype), by_negative.to(distances.dtype)


# ---------------------------------------------------------------------------
# What they cost
# ---------------------------------------------------------------------------

#: Numbers of a block of triplets.
MANY_TRIPLETS = 2**21


class Tally:
    """Sums of what tells of the embeddings of an epoch, batch by batch.

    They stay on the device of the training until the result is asked for.
    """

    def __init__(self):
        self.sums = None
        self.origin = None  # near their mean: sums of squares are rounded by their size

    def add(self, z, active, collapsed):
        """Add a batch.

        Parameters
        ----------
        z : tensor of shape (n_rows, n_components)
        active, collapsed : tensors of shape ()
            As `TupleLoss.measure` gives them.
        """
        if self.origin is None:
            self.origin = z.mean(0)
        norms, z = z.norm(dim=1), z - self.origin
        found = (len(z), norms.sum(), z.sum(0), z.T @ z)
        found += (active * len(z), collapsed * len(z))
        if self.sums is not None:
            found = tuple(map(operator.add, self.sums, found))
        self.sums = found

    def result(self):
        """Means over the rows, as a dict of numbers."""
        n, *sums = self.sums
        norm, mean, products, active, collapsed = (
            np.asarray(torch.as_tensor(total).cpu(), dtype=np.float64) / n
            for total in sums
        )
        if not np.isfinite(products).all():
            raise Diverged("embeddings became infinite or NaN")
        variances = np.linalg.eigvalsh(products - np.outer(mean, mean)).clip(min=0)
        is_one_point = variances[-1] <= (ROUNDING * norm) ** 2
        return {
            "active_share": float(active),
            "mean_norm": float(norm),
            "spread": float(variances.sum() ** 0.5),
            "effective_rank": (
                0.0 if is_one_point else spread_of_shares(np.sqrt(variances))
            ),
            "collapsed_loss": float(collapsed),
        }


class TupleLoss(nn.Module):
    """Base of the losses of the embeddings of a batch and the classes of its rows.

    What `measure` finds besides the loss is added up, batch by batch, for the health
    of an epoch.
    """

    def __init__(self):
        super().__init__()
        self.tally = Tally()

    def measure(self, z, codes):
        """The loss, the share of tuples that act, and the loss of a collapse.

        Parameters
        ----------
        z : tensor of shape (n_rows, n_components)
        codes : tensor of shape (n_rows,)

        Returns
        -------
        loss : tensor of shape ()
        active : tensor of shape ()
            Share of the tuples that are not yet as they are to be.
        collapsed : tensor of shape () or float
            The loss if all rows had one embedding.
        """
        raise NotImplementedError

    def forward(self, z, codes):
        loss, active, collapsed = self.measure(z, codes)
        if torch.is_grad_enabled():  # in training
            self.tally.add(z.detach(), active, collapsed)
        return loss

    def take_health(self):
        """What has been added up since it was last asked."""
        tally, self.tally = self.tally, Tally()
        return tally.result()


def masked_mean(losses, mask):
    """Mean loss of the places where a mask is true; zero if there are none.

    Parameters
    ----------
    losses : tensor of floats
    mask : tensor of bool, of the same shape

    Returns
    -------
    mean : tensor of shape ()
    """
    return losses.masked_fill(~mask, 0.0).sum() / mask.sum().clamp_min(1)


def pull_squared(squared):
    return squared


def push_squared(squared, margin):
    return functional.relu(margin**2 - squared)


def pull_distance(squared):
    return root(squared)


def push_distance(squared, margin):
    return functional.relu(margin - root(squared))


def push_hadsell(squared, margin):
    return functional.relu(margin - root(squared)).square()


#: By name, what a pair of one class costs, and a pair of two, by squared distance.
CONTRASTS = {
    "squared": (pull_squared, push_squared),
    "distance": (pull_distance, push_distance),
    "hadsell": (pull_squared, push_hadsell),
}


class ContrastiveLoss(TupleLoss):
    """Mean cost of the pairs of one class, plus that of the pairs of two.

    Parameters
    ----------
    contrast : {"squared", "distance", "hadsell"}
    margin : float
    """

    def __init__(self, contrast, margin):
        super().__init__()
        self.pull, self.push = CONTRASTS[contrast]
        self.margin = margin

    def measure(self, z, codes):
        squared = squared_distances(z)
        is_same, is_other = same_and_other(codes)
        loss = masked_mean(self.pull(squared), is_same) + masked_mean(
            self.push(squared, self.margin), is_other
        )
        is_near = squared.detach() < self.margin**2
        return loss, masked_mean(is_near, is_other), self._cost_of_zero(z)

    def _cost_of_zero(self, z):
        """What a pair of two classes costs at one place."""
        return self.push(z.new_zeros(()), self.margin)


class PairContrastiveLoss(ContrastiveLoss):
    """Mean cost of pairs: every two rows of z, and whether they are the same."""

    def measure(self, z, is_same):
        is_same = is_same.bool()
        first, second = z.unflatten(0, (-1, 2)).unbind(1)
        squared = (first - second).square().sum(1)
        costs = self.pull(squared).where(is_same, self.push(squared, self.margin))
        is_near = squared.detach() < self.margin**2
        collapsed = self._cost_of_zero(z) * (~is_same).float().mean()
        return costs.mean(), masked_mean(is_near, ~is_same), collapsed


class TripletLoss(TupleLoss):
    """Mean cost of triplets: a row, one of its class, and one of another.

    Parameters
    ----------
    mining : {"all", "hard", "semihard"}
        All triplets; for each row the farthest positive and the nearest negative; or
        for each row and positive the negative of `semihard_negatives`.
    form : {"hinge", "softplus", "split"}
    margin : float
        Of "hinge" and "split".
    temperature : float
        Of "softplus".
    """

    def __init__(self, mining, form, margin, temperature):
        super().__init__()
        self.mining = mining
        self.form = form
        self.margin = margin
        self.temperature = temperature

    def costs(self, positive, negative):
        """What triplets cost, by the distances of positives and of negatives."""
        if self.form == "hinge":
            return functional.relu(self.margin + positive - negative)
        if self.form == "softplus":
            return functional.softplus((positive - negative) / self.temperature)
        return positive + functional.relu(self.margin - negative)

    def is_active(self, positive, negative):
        """Whether triplets act: for "softplus", if the negative is the nearer one."""
        if self.form == "hinge":
            return negative < positive + self.margin
        return negative <= (self.margin if self.form == "split" else positive)

    def measure(self, z, codes):
        d = distances(z)
        is_same, is_other = same_and_other(codes)
        if self.mining == "all":
            loss, active = self._measure_all(d, is_same, is_other)
        else:
            if self.mining == "hard":
                positive, is_there = hardest_positives(d, is_same), is_same.any(1)
                positive = positive.where(is_there, 0.0)
                negative = hardest_negatives(d, is_other)
            else:
                positive, is_there = d, is_same
                negative = d.gather(1, semihard_negatives(d, is_other))
            loss = masked_mean(self.costs(positive, negative), is_there)
            active = masked_mean(self.is_active(positive, negative), is_there)
        collapsed = self.costs(z.new_zeros(()), z.new_zeros(()))
        return loss, active, collapsed

    def _measure_all(self, d, is_same, is_other):
        """The mean over all triplets, without a place for each of them."""
        n_same, n_other = is_same.sum(1), is_other.sum(1)
        n_triplets = (n_same * n_other).sum().clamp_min(1)
        if self.form == "split":
            near = functional.relu(self.margin - d)
            pull = (d * is_same).sum(1) * n_other
            push = (near * is_other).sum(1) * n_same
            is_near = (d.detach() < self.margin) & is_other
            active = (is_near.sum(1) * n_same).sum() / n_triplets
            return (pull + push).sum() / n_triplets, active
        if self.form == "softplus":
            loss, n_active = self._sum_softplus(d, is_same, is_other)
            return loss / n_triplets, n_active / n_triplets
        # Each triplet that acts costs margin + d(positive) - d(negative).
        positives, negatives = count_violations(d, is_same, is_other, self.margin)
        n_active = positives.sum()
        total = self.margin * n_active + (d * (positives - negatives)).sum()
        return total / n_triplets, n_active / n_triplets

    def _sum_softplus(self, d, is_same, is_other):
        """The sum over all triplets, by blocks of which only the gradient is kept."""
        rows, others = is_same.nonzero(as_tuple=True)
        gradient, total, n_active = torch.zeros_like(d), d.new_zeros(()), 0
        with torch.no_grad():
            n_at_once = max(1, MANY_TRIPLETS // len(d))
            for row, other in zip(
                rows.split(n_at_once), others.split(n_at_once), strict=True
            ):
                positive, negative = d[row, other][:, None], d[row]
                there = is_other[row]
                total += (self.costs(positive, negative) * there).sum()
                n_active += (self.is_active(positive, negative) & there).sum()
                slope = ((positive - negative) / self.temperature).sigmoid() * there
                slope /= self.temperature
                gradient.index_put_((row, other), slope.sum(1), accumulate=True)
                gradient.index_add_(0, row, -slope)
        steps = (d * gradient).sum()
        return steps + (total - steps).detach(), n_active


class SoftmaxLoss(TupleLoss):
    """Base of the losses that compare similarities by their exponentials.

    Parameters
    ----------
    temperature : float
    similarity : callable
        Gives the similarities of all rows.
    """

    def __init__(self, temperature, similarity):
        super().__init__()
        self.temperature = temperature
        self.similarity = similarity

    def measure(self, z, codes):
        logits = self.similarity(z) / self.temperature
        is_same, is_other = same_and_other(codes)
        nearest = logits.detach().masked_fill(~is_other, -torch.inf).amax(1)
        active = masked_mean(logits.detach() <= nearest[:, None], is_same)
        loss, collapsed = self.compare(logits, is_same, is_other)
        return loss, active, collapsed

    def compare(self, logits, is_same, is_other):
        """The loss, and that of a collapse."""
        raise NotImplementedError


class NPairLoss(SoftmaxLoss):
    """Mean over the pairs of one class of -log softmax among the rows of others.

    Parameters
    ----------
    temperature : float
    similarity : {"cosine", "dot", "euclidean"}
    """

    def __init__(self, temperature, similarity):
        super().__init__(temperature, SIMILARITIES[similarity])

    def compare(self, logits, is_same, is_other):
        others = logits.masked_fill(~is_other, -torch.inf).logsumexp(1)
        loss = masked_mean(functional.softplus(others[:, None] - logits), is_same)
        n_candidates = 1 + is_other.sum(1, keepdim=True)
        return loss, masked_mean(n_candidates.log(), is_same)


class SupConLoss(SoftmaxLoss):
    """Mean over rows of the mean over positives of -log softmax among all others."""

    def __init__(self, temperature):
        super().__init__(temperature, cosines)

    def compare(self, logits, is_same, is_other):
        n_same = is_same.sum(1)
        everyone = logits.masked_fill(~(is_same | is_other), -torch.inf).logsumexp(1)
        means = (logits * is_same).sum(1) / n_same.clamp_min(1)
        loss = masked_mean(everyone - means, n_same > 0)
        return loss, logits.new_tensor(len(logits) - 1).log()
