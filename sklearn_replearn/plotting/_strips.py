"""Rows of pictures as one mosaic, and panels of lines, on a single axes."""

from textwrap import fill
from typing import NamedTuple

import numpy as np

from sklearn_replearn.plotting._images import tile
from sklearn_replearn.plotting._matplotlib import figure_and_axes

_ROW_LABEL_WIDTH = 16
_LETTER_WIDTH = 0.6  # of the font size
_LETTER_INCHES = 0.1
_LARGEST_FONT, _SMALLEST_FONT = 9.0, 4.0
_TEXT_ROW_INCHES = 0.17
_MAX_MARKERS = 30
_MAX_NAMES = 30


def check_names(what, names, n_items, item):
    """Names as strings, one for each item, or None."""
    if names is None:
        return None
    if isinstance(names, str) or len(names) != n_items:
        got = "a single string" if isinstance(names, str) else len(names)
        raise ValueError(f"{what} must be one per {item}; got {got} for {n_items}")
    return [str(name) for name in names]


class Mosaic(NamedTuple):
    """The picture drawn, and where its parts are, in the units of the axes."""

    image: object
    columns: np.ndarray  # middles
    rows: np.ndarray
    below: np.ndarray  # middles of what is free below each row
    tile_points: float  # width of a tile


def mosaic_size(
    n_rows, n_columns, picture_shape, *, row_labels=(), n_texts=0, n_captions=1
):
    """Inches of a figure for a mosaic.

    Parameters
    ----------
    n_rows, n_columns : int
    picture_shape : tuple of int
        Height and width of the pictures, in pixels.
    row_labels : list of str
        What is written at the left.
    n_texts : int
        Rows with texts below the pictures.
    n_captions : int
        Lines above and below the mosaic: its title, names of columns and axes.
    """
    height, width = picture_shape[:2]
    gap = _gap(height, width)
    wide = n_columns * (width + gap) - gap
    high = n_rows * (height + gap)
    inches = np.clip(9 / n_columns, 0.45, 1.5) / width
    inches = min(inches, 9 / high)
    return (
        max(inches * wide, 1.5) + _label_inches(row_labels) + 0.3,
        inches * high + _TEXT_ROW_INCHES * n_texts + 0.3 * n_captions + 0.2,
    )


def _gap(height, width):
    """Pixels between pictures."""
    return max(1, round(0.07 * min(height, width)))


def _label_inches(labels):
    """Width of labels at the left, a little more than they need."""
    lines = [line for label in labels for line in _wrap(label).split("\n")]
    return _LETTER_INCHES * max(map(len, lines), default=0)


def draw_mosaic(ax, rows, limits, *, cmap=None, texts=None):
    """Draw rows of pictures as one image.

    Parameters
    ----------
    ax : matplotlib Axes
    rows : list of ndarray of shape (n_columns, height, width[, n_channels])
        The pictures of each row.
    limits : tuple of (float, float)
        What is drawn as black and as white.
    cmap : str, matplotlib Colormap or None
        Colours of grey values; None is "gray".
    texts : list of (list of str or None), default=None
        What to write below the pictures of each row.

    Returns
    -------
    mosaic : Mosaic
    """
    n_columns, height, width = rows[0].shape[:3]
    gap = _gap(height, width)
    texts = [None] * len(rows) if texts is None else texts
    inches = _inches_per_pixel(
        ax, n_columns * (width + gap), len(rows) * (height + gap), texts
    )
    text_room = max(1, int(np.ceil(_TEXT_ROW_INCHES / inches)))
    room_below = [gap + text_room * (text is not None) for text in texts]
    pixels, tops, lefts = tile(rows, limits, gap=gap, room_below=room_below)
    image = ax.imshow(
        pixels, cmap="gray" if cmap is None else cmap, vmin=limits[0], vmax=limits[1]
    )
    ax.spines[:].set_visible(False)
    mosaic = Mosaic(
        image,
        columns=lefts + (width - 1) / 2,
        rows=tops + (height - 1) / 2,
        below=tops + height - 0.5 + (np.array(room_below) - gap / 2) / 2,
        tile_points=72 * inches * width,
    )
    for middle, row in zip(mosaic.below, texts, strict=True):
        if row is not None:
            _write_row(ax, mosaic, middle, row)
    return mosaic


def _inches_per_pixel(ax, width, height, texts):
    """Size of a pixel, before the figure is laid out."""
    n_texts = sum(text is not None for text in texts)
    box = ax.get_window_extent()
    dpi = ax.figure.dpi
    free = max(box.height / dpi - n_texts * _TEXT_ROW_INCHES, 0.3 * box.height / dpi)
    return min(box.width / dpi / width, free / height)


def _write_row(ax, mosaic, middle, texts):
    size = _font_size(texts, mosaic.tile_points)
    for column, text in zip(mosaic.columns, texts, strict=True):
        ax.text(column, middle, text, ha="center", va="center", fontsize=size)


def _font_size(texts, points):
    """The largest font in which each text is no wider than that many points."""
    longest = max(len(text) for text in texts)
    wanted = points / (_LETTER_WIDTH * max(longest, 1))
    return float(np.clip(wanted, _SMALLEST_FONT, _LARGEST_FONT))


def draw_labeled_mosaic(
    ax,
    rows,
    limits,
    *,
    caller,
    row_labels,
    column_labels=None,
    x_label=None,
    cmap=None,
    texts=None,
    note=None,
):
    """A mosaic with names of its rows and columns: the figure, the axes, the image.

    The names of columns are above the mosaic, or below it if there is an `x_label`.
    `note` names the texts below the pictures. Without axes there is a new figure.
    """
    texts = [None] * len(rows) if texts is None else texts
    with_texts = [i for i, text in enumerate(texts) if text is not None]
    size = mosaic_size(
        len(rows),
        len(rows[0]),
        rows[0].shape[1:],
        row_labels=row_labels,
        n_texts=len(with_texts),
        n_captions=1 + (column_labels is not None) + (x_label is not None),
    )
    figure, axes = figure_and_axes(ax, caller=caller, figsize=size)
    mosaic = draw_mosaic(axes, rows, limits, cmap=cmap, texts=texts)
    if ax is None:  # the margins come out right when none of the room moves
        axes.set_anchor("NW")
    _label_rows(axes, mosaic, row_labels, with_texts, note)
    label_columns(axes, mosaic, column_labels, at_top=x_label is None)
    axes.set_xlabel(x_label or "")
    return figure, axes, mosaic.image


def _label_rows(ax, mosaic, labels, with_texts, note):
    """Name the rows of a mosaic, and smaller the texts below some of them."""
    ticks = [*mosaic.rows, *mosaic.below[with_texts]]
    texts = [*map(_wrap, labels), *[note] * len(with_texts)]
    ax.set_yticks(ticks, texts, parse_math=False)
    ax.tick_params(axis="y", length=0)
    for text in ax.get_yticklabels()[len(labels) :]:
        text.set_fontsize("x-small")


def label_columns(ax, mosaic, labels, *, at_top=True):
    """Name the columns of a mosaic, aslant where the names are too long."""
    if labels is None:
        ax.set_xticks([])
        return
    size = _font_size(labels, mosaic.tile_points * 1.05)
    aslant = {}
    if size < 6:
        size = 7.0
        aslant = {"rotation": 45, "ha": "left", "rotation_mode": "anchor"}
    if at_top:
        ax.xaxis.tick_top()
    ax.set_xticks(mosaic.columns, labels, parse_math=False, fontsize=size, **aslant)
    ax.tick_params(axis="x", length=0)


def stack_panels(ax, n_panels, n_features, *, caller, labels=None, feature_names=None):
    """The figure, the axes, and inside these panels one below the other.

    The panels have their scales in common, labels at their left, and the names of the
    features below the last if there is room. Without axes there is a new figure.
    """
    below = 0.0
    if _has_room(feature_names, n_features):
        below = 0.75 * _LETTER_INCHES * max(map(len, feature_names))
    size = (6.5 + _label_inches(labels or ()), max(0.75 * n_panels, 1.8) + 1.1 + below)
    figure, ax = figure_and_axes(ax, caller=caller, figsize=size)
    from matplotlib.ticker import MaxNLocator

    ax.set_axis_off()
    panels = []
    for i in range(n_panels):
        height = 1 / n_panels
        shared = {"sharex": panels[0], "sharey": panels[0]} if panels else {}
        place = (0, 1 - (i + 0.91) * height, 1, 0.82 * height)
        panel = ax.inset_axes(place, **shared)
        panel.tick_params(labelsize="small", labelbottom=i == n_panels - 1)
        panel.spines[["top", "right"]].set_visible(False)
        panel.yaxis.set_major_locator(MaxNLocator(nbins=3))
        if labels is not None:
            panel.set_ylabel(
                _wrap(labels[i]), rotation=0, ha="right", va="center", parse_math=False
            )
        panels.append(panel)
    _label_features(panels[-1], n_features, feature_names)
    return figure, ax, panels


def _label_features(last, n_features, names):
    """Name the features below the last panel, when there is room for that."""
    if _has_room(names, n_features):
        turn = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
        last.set_xticks(range(n_features), names, parse_math=False, **turn)
        return
    from matplotlib.ticker import MaxNLocator

    last.set_xlabel("Feature")
    last.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if n_features == 1:
        last.set_xlim(-0.5, 0.5)


def label_colorbar(colorbar, text):
    """Write what the colours are, in lines no longer than the colour bar is high."""
    inches = colorbar.ax.get_window_extent().height / colorbar.ax.figure.dpi
    colorbar.set_label(fill(text, max(10, int(1.2 * inches / _LETTER_INCHES))))


def line_marker(n_features):
    """Style of a line: with dots where there are few features."""
    return {"marker": "o", "markersize": 3} if n_features <= _MAX_MARKERS else {}


def _has_room(names, n_features):
    return names is not None and len(names) == n_features <= _MAX_NAMES


def _wrap(label):
    return "\n".join(fill(line, _ROW_LABEL_WIDTH) for line in label.split("\n"))
