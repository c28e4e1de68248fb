"""What techniques that compare random views of rows have in common."""

from numbers import Integral

from sklearn_replearn._deep.estimators.encoders import (
    ENCODER_PARAMETERS,
    describe_input,
    layer_shape,
    make_augmentation,
    whole_numbers,
)
from sklearn_replearn._sklearn import Interval, StrOptions

#: Constraints of the parameters that make the network and the views.
PROJECTION_PARAMETERS = {
    **ENCODER_PARAMETERS,
    "n_components": [Interval(Integral, 1, None, closed="left")],
    "projection_sizes": [
        "array-like",
        Interval(Integral, 1, None, closed="left"),
    ],
    "channels": [StrOptions({"auto"}), *ENCODER_PARAMETERS["channels"]],
    "layer": [str],
    "pool_size": [Interval(Integral, 1, None, closed="left")],
    "max_epochs": [
        Interval(Integral, 1, None, closed="left"),
        StrOptions({"auto"}),
    ],
    "augment": [str, list, tuple],
}

#: The preset that makes a view by default.
AUTO_VIEWS = "medium"


def make_views(estimator):
    """Make what changes the inputs of a network into random views, by `augment`."""
    changes = AUTO_VIEWS if estimator.augment == "auto" else estimator.augment
    augment = make_augmentation(changes, layer_shape(estimator))
    if augment is None:
        raise ValueError(
            "augment is empty, but two views of a row must differ; pass at least "
            "one change, or augment='auto'."
        )
    return augment


def describe_projection(estimator):
    """Description of a `ProjectionNetwork`."""
    description = describe_input(estimator)
    encoder = description["encoder"]
    if isinstance(encoder, dict) and encoder["layers"] == "conv_embedding":
        encoder["global_pooling"] = True
    return {
        "network": "ProjectionNetwork",
        **description,
        "n_components": int(estimator.n_components),
        "projection_sizes": whole_numbers(
            "projection_sizes", estimator.projection_sizes, "units"
        ),
        "activation": estimator.activation,
        "layer": layer_name(estimator.layer, encoder),
        "pool_size": int(estimator.pool_size),
    }


def layer_name(layer, encoder):
    """Name of the layer that `transform` reads, out of those of an encoder."""
    n_stages = len(encoder.get("channels", ())) if isinstance(encoder, dict) else 0
    names = [*(f"stage{i + 1}" for i in range(n_stages)), "embedding"]
    if layer == "auto":
        return names[max(n_stages - 2, 0)]
    if layer not in names:
        raise ValueError(
            f"layer={layer!r} is not a layer of this encoder; take one of "
            f"'auto', {', '.join(map(repr, names))}."
        )
    return layer


def check_several(samples):
    """Raise if there are no two rows to compare."""
    if len(samples) < 2:
        raise ValueError("X has a single row, with no others to be compared with.")
