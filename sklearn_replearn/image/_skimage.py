"""The way to scikit-image, which is imported only when something of it is needed."""

import numpy as np


def import_feature(caller):
    """The module ``skimage.feature``.

    Parameters
    ----------
    caller : str
        What asks for it, for the message when it is missing.

    Raises
    ------
    ImportError
        When scikit-image is not installed.
    """
    try:
        from skimage import feature
    except ImportError as error:
        raise ImportError(
            f"{caller} needs scikit-image; install it with: "
            "pip install 'sklearn-replearn[image]'"
        ) from error
    return feature


def detect_sift(image, caller):
    """Keypoints of an image, and their SIFT descriptors, by scikit-image.

    Parameters
    ----------
    image : ndarray of shape (height, width), float64
        With values in [0, 1]; both sides at least 6.
    caller : str
        What asks for it, for the message when scikit-image is missing.

    Returns
    -------
    descriptors : ndarray of shape (n_keypoints, 128), float64
        Of about unit length; without rows where the image has no keypoints.
    positions : ndarray of shape (n_keypoints, 2)
        Rows and columns.
    """
    sift = import_feature(caller).SIFT()
    try:
        # Where an image is flat, it divides by curvatures of 0.
        with np.errstate(divide="ignore", invalid="ignore"):
            sift.detect_and_extract(image)
    except RuntimeError:  # "found no features"
        return np.empty((0, 128)), np.empty((0, 2))
    return sift.descriptors / 512, sift.positions.astype(np.float64)
