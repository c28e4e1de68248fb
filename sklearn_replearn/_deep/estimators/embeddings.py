"""The health of embeddings that a loss of tuples has trained."""

from sklearn_replearn._effective_rank import effective_rank

#: What a loss of tuples finds in each epoch.
HEALTH = ("active_share", "mean_norm", "spread", "effective_rank")

#: Epochs after which a loss is expected to be below that of a collapse.
N_PATIENT_EPOCHS = 10

#: How far below that of a collapse the loss has to be then, relative to it.
LEAST_GAIN = 0.02


def record_health(estimator, names=HEALTH):
    """Set `health_curve_` by what the loss has found in each epoch."""
    epochs = estimator.net_.epochs_
    curve = [{name: epoch[name] for name in names} for epoch in epochs]
    estimator.health_curve_ = getattr(estimator, "health_curve_", []) + curve


def diagnose_embeddings(estimator, samples, remedy):
    """What is wrong with embeddings; sets `effective_rank_` and `n_dead_units_`.

    Parameters
    ----------
    estimator : BaseDeepTransformer
    samples : Rows
    remedy : str
        What to change if all rows get one embedding.

    Returns
    -------
    findings : list of str
    """
    findings = estimator._find_dead_units(samples)
    estimator.effective_rank_ = effective_rank(estimator._apply("encode", samples))
    if estimator.effective_rank_ == 0 and samples.squares_about_mean() == 0:
        return ["all rows of X are the same, so that there is nothing to learn"]
    return findings + find_collapse(estimator, remedy)


def find_collapse(estimator, remedy):
    """Whether the embeddings are no better than a single one, as a list of findings."""
    loss, n_epochs = estimator.loss_curve_[-1], estimator.n_iter_
    collapsed = estimator.net_.epochs_[-1]["collapsed_loss"]
    if n_epochs >= N_PATIENT_EPOCHS and loss > (1 - LEAST_GAIN) * collapsed:
        return [
            "the embeddings are no better than collapsed ones: the loss is "
            f"{loss:.3g} after {n_epochs} epochs, and {collapsed:.3g} if all rows have "
            f"one embedding: {remedy}"
        ]
    if estimator.effective_rank_ == 0:
        return [f"all embeddings are the same: {remedy}"]
    return []
