"""The bases of the estimators that train a network."""
