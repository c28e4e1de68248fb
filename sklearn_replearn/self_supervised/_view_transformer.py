"""Base of the techniques that compare random views of rows."""

from functools import partial

import numpy as np
from torch.nn import functional

from sklearn_replearn._deep.estimators.base import BaseDeepTransformer
from sklearn_replearn._deep.estimators.embeddings import (
    N_PATIENT_EPOCHS,
    diagnose_embeddings,
    record_health,
)
from sklearn_replearn._deep.estimators.encoders import start_network
from sklearn_replearn._deep.training.plan import Plan
from sklearn_replearn._deep.training.splits import hold_out_several
from sklearn_replearn._effective_rank import effective_rank
from sklearn_replearn.self_supervised._information_bound import information_bound
from sklearn_replearn.self_supervised._views import (
    PROJECTION_PARAMETERS,
    check_several,
    describe_projection,
)

#: Projections that vary in fewer directions than this, or than this share of their
#: width, have collapsed, unless the rows do not vary in twice as many.
LEAST_RANK, LEAST_SHARE = 1.5, 0.1


class BaseViewTransformer(BaseDeepTransformer):
    """Base of the techniques that train projections of random views.

    A technique plans its training by `plan_views`, for an objective whose health has
    "alignment" and "uniformity", and says what to change if the training collapses.
    """

    _parameter_constraints = {
        **BaseDeepTransformer._parameter_constraints,
        **PROJECTION_PARAMETERS,
    }

    #: What `health_curve_` has of each epoch.
    _health_names = ("mean_norm", "spread", "effective_rank", "alignment", "uniformity")

    #: What to change if all rows get one projection.
    _remedy = "lower lr, take larger batches, or other changes in augment"

    def _directions(self, z):
        """Unit vectors of projections, as the loss compares them."""
        return functional.normalize(z)

    def score(self, X, y=None):
        r"""Lower bound of the mutual information of two views, in nats.

        .. math::
           \max_\tau \Big( \log(2n - 1) + \frac{1}{2n} \sum_i \log
           \frac{e^{\cos(z_i, z_{p(i)}) / \tau}}
           {\sum_{a \ne i} e^{\cos(z_i, z_a) / \tau}} \Big) \le I(x'; x'')

        with the projections z of two views of n rows at a time, at most 256, of which
        :math:`p(i)` is the other view of the same row; the mean over all rows (van den
        Oord et al., "Representation learning with contrastive predictive coding",
        2018). The temperature that gives the largest bound is taken, whatever the
        network was trained with, so that the score compares settings with any
        temperature, weights or loss. It cannot choose `augment`, since other views are
        another task, and between methods it favors :class:`SimCLR`, which is trained
        for it. Views are drawn with a fixed seed, and those of tables from the values
        of X. The score says how well views are told apart; whether the features help a
        task is for labels to say.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            At least two rows.
        y : None
            Ignored.

        Returns
        -------
        score : float
            From 0, if all views have the same projection, to ``log(2n - 1)``.

        Raises
        ------
        ValueError
            If X has a single row, or rows unlike those of :meth:`fit`.
        """
        return information_bound(self, X, self._directions)

    def _finish(self, samples):
        record_health(self, self._health_names)

    def _diagnose(self, samples):
        findings = diagnose_embeddings(self, samples, self._remedy)
        rank = self.health_curve_[-1]["effective_rank"]
        described = self.net_.description
        width = [described["n_components"], *described["projection_sizes"]][-1]
        if (
            not findings
            and self.n_iter_ >= N_PATIENT_EPOCHS
            and rank < max(LEAST_RANK, LEAST_SHARE * width)
            and rank < effective_rank(samples.array.astype(np.float64)) / 2
        ):
            findings.append(
                f"the {width} values of projections vary in {rank:.2g} directions "
                f"only: {self._remedy}"
            )
        return findings


def plan_views(estimator, objective, split=hold_out_several):
    """The `Plan` of a technique that compares the projections of views."""
    if estimator.batch_size == 1:
        raise ValueError(
            "batch_size=1 leaves a row no others to be compared with; raise it."
        )
    return Plan(
        describe_projection(estimator),
        objective,
        split=split,
        start=partial(start_network, n_components=estimator.n_components),
        check=check_several,
        decays="matrices",
    )
