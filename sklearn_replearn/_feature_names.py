"""Names of features that an estimator takes over from the one inside it."""


def take_feature_names(estimator, inner):
    """Let an estimator have the number and names of the features that another has."""
    for name in ("n_features_in_", "feature_names_in_"):
        vars(estimator).pop(name, None)
        if hasattr(inner, name):
            setattr(estimator, name, getattr(inner, name))
