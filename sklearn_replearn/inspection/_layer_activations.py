"""What a layer inside a network puts out."""

from sklearn_replearn.inspection._gradients import evaluate
from sklearn_replearn.inspection._inputs import read_inputs
from sklearn_replearn.inspection._networks import code_network


def layer_activations(estimator, X, *, layer=None):
    """The outputs of a layer inside a network.

    Parameters
    ----------
    estimator : fitted estimator or Pipeline
        Networks (estimators with `as_module`), which scalers, PCA, ScaledPCA and
        TruncatedSVD may precede or follow; a linear classifier may come last.
    X : array-like of shape (n_samples, n_values) or (n_samples, height, width, ...)
        Images, signals or rows of a table.
    layer : str, default=None
        One of the names that the network's ``as_module().network.named_modules()``
        has. ``None`` is the output of the last step: the code, or one column for each
        class of a linear classifier.

    Returns
    -------
    activations : ndarray of float32
        Of shape (n_samples, n_maps, height, width) for a convolutional layer of images,
        (n_samples, n_maps, length) of signals, else (n_samples, n_units).

    Raises
    ------
    TypeError
        If a step of the estimator is neither a network nor linear.
    ValueError
        If there is no such layer, or if X is not what the estimator knows.

    See Also
    --------
    top_activations : The samples for which each unit puts out most.
    sklearn_replearn.plotting.ActivationDisplay : The maps of one sample.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.image import CNNFeatureExtractor
    >>> from sklearn_replearn.inspection import layer_activations
    >>> digits = load_digits()
    >>> images, y = digits.images[:200] / 16, digits.target[:200]
    >>> cnn = CNNFeatureExtractor(channels=(4, 8), max_epochs=1, random_state=0)
    >>> layer_activations(cnn.fit(images, y), images[:5], layer="stage1").shape
    (5, 4, 4, 4)
    """
    module = code_network(estimator, layer)
    inputs = read_inputs(estimator, X)
    return evaluate(module, inputs.rows, inputs.scale)
