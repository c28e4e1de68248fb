"""Classes of which nothing but a description is known."""

from collections.abc import Mapping
from numbers import Number

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, get_tags
from sklearn.utils.extmath import softmax
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from sklearn_replearn._feature_names import take_feature_names
from sklearn_replearn._fitted_state import is_fitted, unchanged_by_errors
from sklearn_replearn._labels import read_classes
from sklearn_replearn._scaling import unit_rows
from sklearn_replearn._second_view import two_view_step
from sklearn_replearn._sklearn import HasMethods, _fit_context
from sklearn_replearn.multiview._captions import sums_of_items


class ZeroShotClassifier(ClassifierMixin, BaseEstimator):
    r"""Assign each row to the class whose description is nearest.

    An embedder of two views, such as :class:`CLIP`, has placed images beside their
    texts. Then the texts that describe a class, its prompts, stand for the class, and
    no image of it has to be known [1]_: with the unit vectors :math:`f(x)` of a row and
    :math:`g(t)` of a text,

    .. math::

       w_c = \sum_{t \in \mathrm{prompts}(c)} g(t), \qquad
       P(c \mid x) \propto \exp\left( \frac{\cos(f(x), w_c)}{\tau} \right)

    with the temperature :math:`\tau` of the embedder, or 1 if it has none.

    Parameters
    ----------
    embedder : estimator with `transform` and `transform_y`
        Gives vectors of both views in one space; it may be the last step of a pipeline.
        One that is **already fitted**, plain or in a
        :class:`~sklearn.frozen.FrozenEstimator`, is used as it is. An unfitted one is
        cloned, and the clone fitted on X and the prompts of each row's class.
    prompts : dict or list of str, default=None
        What describes the classes. A dict has for each class a text or a list of
        texts; its other keys are left out. A list has templates, in which ``{}`` stands
        for the class: ``["{}", "a picture of a {}"]``. ``None``: the classes themselves
        are the second view.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    class_vectors_ : ndarray of shape (n_classes, n_components)
        Unit vectors of the classes.
    embedder_ : estimator
        What embeds: `embedder` itself if it was fitted, else a fitted clone.
    n_features_in_ : int
        Number of features of X, if the embedder counts them.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has string column names.

    See Also
    --------
    sklearn_replearn.metric_learning.PrototypeClassifier : Classes by a few rows each.

    Notes
    -----
    Cross-validation and ``GridSearchCV`` clone what they are given, and a clone of a
    fitted embedder is not fitted. To keep what it has learned, freeze it:
    ``ZeroShotClassifier(FrozenEstimator(embedder))``.

    Equal cosines go to the class that comes first in `classes_`.

    References
    ----------
    .. [1] A. Radford and others, "Learning transferable visual models from natural
       language supervision", ICML 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.multiview import CLIP, ZeroShotClassifier
    >>> images, digits = load_digits(return_X_y=True)
    >>> names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight",
    ...          "nine"]
    >>> captions = [f"{names[digit]} by a hand" for digit in digits]
    >>> model = CLIP(16, max_epochs=20, random_state=0)
    >>> model = model.fit(images[:600], captions[:600], groups=digits[:600])
    >>> classifier = ZeroShotClassifier(model, prompts=["{}", "a {}"])
    >>> classifier = classifier.fit(None, ["three", "eight"])
    >>> classifier.predict(images[[605, 607, 612, 614]])
    array(['three', 'three', 'eight', 'three'], dtype='<U5')
    """

    _parameter_constraints = {
        "embedder": [HasMethods(["fit", "transform"])],
        "prompts": [None, Mapping, list, tuple],
    }

    def __init__(self, embedder, *, prompts=None):
        self.embedder = embedder
        self.prompts = prompts

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y):
        """Embed the prompts of the classes of y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or what the embedder takes
            Only read if the embedder is not fitted; else it may be ``None``.
        y : array-like of shape (n_samples,)
            The class of each row, of two classes at least; with ``X=None``, the
            classes.

        Returns
        -------
        self : ZeroShotClassifier

        Raises
        ------
        ValueError
            If `y` is missing, has one class or missing labels, or is not of the length
            of X; if a class has no prompt, or no vector; if the embedder refuses
            prompts or X.
        """
        with unchanged_by_errors(self):
            if two_view_step(self.embedder) is None:
                raise ValueError(
                    f"{type(self.embedder).__name__} has no second view: it has no "
                    "transform_y; pass an embedder of two views, such as CLIP."
                )
            purpose = "it names the classes"
            self.classes_, codes = read_classes(self, X, y, purpose, many=True)
            prompts = [self._prompts_of(name) for name in self.classes_.tolist()]
            self.embedder_ = self.embedder
            if not is_fitted(self.embedder):
                self.embedder_ = self._fit_embedder(X, codes, prompts)
            take_feature_names(self, self.embedder_)
            self.class_vectors_ = self._embed_classes(prompts)
        return self

    def predict(self, X):
        """The class whose vector is nearest by cosine.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or what the embedder takes

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        nearest = self._cosines(X).argmax(axis=1)
        return self.classes_[nearest]

    def predict_proba(self, X):
        """Probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or what the embedder takes

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`: the softmax of the cosines over the temperature.
        """
        cosines = self._cosines(X)
        temperature = getattr(two_view_step(self.embedder_), "temperature_", 1.0)
        return softmax(cosines / temperature)

    def _prompts_of(self, name):
        """What describes a class: a list."""
        if self.prompts is None:
            return [name]
        if not isinstance(self.prompts, Mapping):
            if not self.prompts or not all(
                isinstance(template, str) and "{}" in template
                for template in self.prompts
            ):
                raise ValueError(
                    "prompts as a list holds templates, each a string with {} where "
                    f"the class stands; got {self.prompts!r}. Pass a dict for the "
                    "texts of each class."
                )
            return [template.replace("{}", str(name)) for template in self.prompts]
        if name not in self.prompts:
            raise ValueError(
                f"prompts has no text for the class {name!r}; add one, or leave out "
                "the rows of the class."
            )
        texts = self.prompts[name]
        texts = [texts] if isinstance(texts, str | bytes | Number) else list(texts)
        if not texts:
            raise ValueError(f"prompts has an empty list for the class {name!r}.")
        return texts

    def _fit_embedder(self, X, codes, prompts):
        """A clone of the embedder, fitted on rows and the prompts of their classes."""
        if X is None:
            raise ValueError(
                "X is None, but the embedder is not fitted and needs rows to learn "
                "from; pass them, or a fitted embedder."
            )
        one_each = all(len(texts) == 1 for texts in prompts)
        views = [texts[0] if one_each else texts for texts in prompts]
        y = [views[code] for code in codes]
        given = {}
        if has_fit_parameter(two_view_step(self.embedder), "groups"):
            is_pipeline = isinstance(self.embedder, Pipeline)
            step = f"{self.embedder.steps[-1][0]}__" if is_pipeline else ""
            given = {f"{step}groups": codes}
        return clone(self.embedder).fit(X, y, **given)

    def _embed_classes(self, prompts):
        """A unit vector of each class."""
        counts = np.array([len(texts) for texts in prompts])
        flat = [text for texts in prompts for text in texts]
        vectors = two_view_step(self.embedder_).transform_y(flat)
        vectors = unit_rows(check_array(vectors, dtype=float))
        vectors = sums_of_items(vectors, counts)
        is_zero = ~vectors.any(axis=1)
        if is_zero.any():
            first = is_zero.argmax()
            raise ValueError(
                f"The prompts of the class {self.classes_.tolist()[first]!r}, such as "
                f"{prompts[first][0]!r}, have a vector of zeros, as texts of unknown "
                "words alone do; describe the class by other words."
            )
        return unit_rows(vectors)

    def _cosines(self, X):
        check_is_fitted(self)
        Z = check_array(
            self.embedder_.transform(X),
            dtype=[np.float64, np.float32],
            input_name="the embedding of X",
        )
        if Z.shape[1] != self.class_vectors_.shape[1]:
            raise ValueError(
                f"transform of the embedder gives {Z.shape[1]} columns, but its "
                f"transform_y {self.class_vectors_.shape[1]}; both views must be in "
                "one space, as those of CLIP, or of TextTargetTransformer with "
                "layer='prediction'."
            )
        return unit_rows(Z) @ self.class_vectors_.T.astype(Z.dtype)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if not isinstance(self.embedder, type) and hasattr(self.embedder, "fit"):
            tags.input_tags = get_tags(self.embedder).input_tags
        return tags
