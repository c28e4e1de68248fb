"""Points that are drawn alike, and the room that they and their names take."""

from typing import NamedTuple

import numpy as np

from sklearn_replearn.plotting._matplotlib import COLORS

_MARKERS = "o^sDv"
_OTHERS_COLOR = "#d0d0d0"
_MAX_CLASSES = len(COLORS) * len(_MARKERS)
_LEGEND_ROW_INCHES = 0.23
_GOLDEN_RATIO = (1 + 5**0.5) / 2


class Group(NamedTuple):
    """Rows that are drawn alike."""

    name: str | None
    rows: np.ndarray
    color: str
    marker: str


def group_points(labels, n_samples):
    """One group per class; a nameless one where there are no classes."""
    if labels is None or labels.dtype.kind == "f":
        return [Group(None, np.arange(n_samples), COLORS[0], _MARKERS[0])]
    classes, codes = np.unique(labels, return_inverse=True)
    shown = np.arange(len(classes))
    if len(classes) > _MAX_CLASSES:
        by_size = np.argsort(-np.bincount(codes), kind="stable")
        shown = np.sort(by_size[: _MAX_CLASSES - 1])
    groups = []
    for i, code in enumerate(shown):
        color = COLORS[i % len(COLORS)]
        marker = _MARKERS[i // len(COLORS)]
        rows = np.flatnonzero(codes == code)
        groups.append(Group(str(classes[code]), rows, color, marker))
    if len(shown) < len(classes):
        rows = np.flatnonzero(~np.isin(codes, shown))
        name = f"others ({len(classes) - len(shown)} classes)"
        groups.append(Group(name, rows, _OTHERS_COLOR, _MARKERS[0]))
    return groups


def as_strip(embedding, groups):
    """One row per group, its points spread evenly over the height of the row."""
    height = np.empty(len(embedding))
    for i, group in enumerate(groups):
        # Multiples of the golden ratio fill the unit interval evenly.
        steps = np.arange(1, len(group.rows) + 1) * _GOLDEN_RATIO % 1
        height[group.rows] = i + 0.6 * (steps - 0.5)
    return np.column_stack([embedding[:, 0], height])


def aspect_of_box(points, groups, equal_scale, strip):
    """Height of the axes over their width."""
    if strip:
        return float(np.clip(0.06 + 0.08 * len(groups), 0.25, 2))
    width, height = np.ptp(points, axis=0)
    if not equal_scale or width == 0 or height == 0:
        return 0.75
    return float(np.clip(height / width, 0.6, 1.1))


def figure_size(groups, box_aspect, strip):
    """Inches for axes five inches wide, with their legend or row names beside them."""
    longest = max(len(group.name or "") for group in groups)
    n_columns = 1 if strip else legend_columns(groups, 5 * box_aspect)
    beside = n_columns * (0.4 + 0.08 * min(longest, 30))
    return (5.7 + beside, 5 * box_aspect + 0.8)


def legend_columns(groups, height):
    """Columns of a legend that is not higher than that many inches, with its title."""
    n_rows = max(int(height / _LEGEND_ROW_INCHES) - 1, 4)
    return -(-len(groups) // n_rows)
