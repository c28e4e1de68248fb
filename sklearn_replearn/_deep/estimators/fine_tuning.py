"""What estimators around a pretrained network do by their parameter `fine_tune`."""


def learns_classes(estimator):
    """Whether there is a head; raise an AttributeError with the reason if not."""
    name = type(estimator).__name__
    if estimator.fine_tune == "none":
        raise AttributeError(
            f"{name} has no classes with fine_tune='none'; take 'head', 'last_block' "
            "or 'all', or put a classifier after it."
        )
    if hasattr(estimator, "net_") and not hasattr(estimator, "classes_"):
        raise AttributeError(
            f"{name} was fitted with fine_tune='none', without classes; call fit again."
        )
    return True


def without_classes(tags):
    """The tags of a classifier as those of a transformer alone."""
    tags.estimator_type = None
    tags.classifier_tags = None
    tags.target_tags.required = False
    return tags
