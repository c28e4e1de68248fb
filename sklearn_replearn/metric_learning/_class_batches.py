"""Batches with a few rows of each class, for the networks of this family."""

from numbers import Integral

from sklearn_replearn._deep.input.tensors import as_tensor
from sklearn_replearn._deep.training.samplers import BalancedBatches
from sklearn_replearn._deep.training.splits import count_couples
from sklearn_replearn._labels import few, read_classes
from sklearn_replearn._sklearn import Interval


class ClassBatches:
    """Mixin of those with `samples_per_class`, before a class that trains a network."""

    _parameter_constraints = {
        "samples_per_class": [Interval(Integral, 2, None, closed="left")],
    }

    def _validate_targets(self, X, y, *, reset=True):
        """Codes of the classes of y, which may be others in validation data."""
        classes, codes = read_classes(
            self, X, y, "it learns which rows have the same class", many=True
        )
        codes = as_tensor(codes)
        if codes.bincount().max() < 2:
            raise ValueError(
                f"{type(self).__name__} needs two rows of one class at least, but each "
                f"of the classes in y has one row: {few(classes)}."
            )
        return codes

    def _count_held_out(self, data, counts):
        """Two rows of a class at a time, since one alone has no pair."""
        if data.pairs is not None:
            return super()._count_held_out(data, counts)
        n_each = count_couples(counts, self.validation_fraction)
        if not n_each.any():
            raise ValueError(
                "early_stopping needs two rows of one class and a row of another both "
                "to train with and to validate with, but y has too few classes with "
                "several rows; pass X_val and y_val, or set early_stopping=False."
            )
        return n_each

    def _balanced_batches(
        self, data, batch_size, device, index, *, shuffle, make=BalancedBatches
    ):
        """Batches of a sampler made as `BalancedBatches` is."""
        n_each = min(self.samples_per_class, max(2, batch_size // 2))
        if self.batch_size != "auto" and self.batch_size < 2 * self.samples_per_class:
            raise ValueError(
                f"batch_size={self.batch_size} has no room for two classes with "
                f"samples_per_class={self.samples_per_class} rows each; raise it, or "
                "lower samples_per_class."
            )
        codes, index = data.targets.to(device), index.to(device)
        return make(index, codes, batch_size, n_each, shuffle=shuffle)
