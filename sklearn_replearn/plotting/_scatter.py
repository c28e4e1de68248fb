"""Drawing of points on axes, with their legend, pictures and words."""

import numpy as np

from sklearn_replearn.plotting._placement import place_labels, spread_rows
from sklearn_replearn.plotting._point_groups import legend_columns

_TEXT_STYLE = {
    "ha": "center",
    "va": "center",
    "fontsize": "small",
    "parse_math": False,
}


def draw_points(ax, points, groups, numbers, point_size, cmap):
    """Draw the points: one collection a group, or one with a color scale for numbers.

    Parameters
    ----------
    ax : matplotlib Axes
    points : ndarray of shape (n_samples, 2)
    groups : list of Group
    numbers : ndarray of shape (n_samples,) or None
        Continuous labels.
    point_size : float or None
    cmap : str, matplotlib Colormap or None

    Returns
    -------
    scatters : list of matplotlib PathCollection
    """
    n_samples = len(points)
    style = {
        "s": np.clip(16000 / n_samples, 6, 36) if point_size is None else point_size,
        "alpha": 0.85,
        "edgecolors": "white",
        "linewidths": 0.3 if n_samples <= 1000 else 0.0,
    }
    if numbers is not None:
        cmap = "viridis" if cmap is None else cmap
        return [ax.scatter(*points.T, c=numbers, cmap=cmap, **style)]
    return [
        ax.scatter(
            *points[group.rows].T,
            color=group.color,
            marker=group.marker,
            label=group.name,
            **style,
        )
        for group in groups
    ]


def colors_of_points(groups, numbers, scatters):
    """The color of each point."""
    if numbers is not None:
        return list(scatters[0].to_rgba(numbers))
    colors = np.empty(sum(len(group.rows) for group in groups), dtype=object)
    for group in groups:
        colors[group.rows] = group.color
    return colors


def set_limits(ax, thumbnails, thumbnail_size, box_aspect, equal_scale):
    """Set the limits; return a picture's width and height in their units."""
    # Axes that share a scale show each other's points too.
    low, high = np.empty(2), np.empty(2)
    for i, axes in enumerate((ax.get_shared_x_axes(), ax.get_shared_y_axes())):
        boxes = [other.dataLim for other in axes.get_siblings(ax) if other.has_data()]
        low[i] = min(box.min[i] for box in boxes)
        high[i] = max(box.max[i] for box in boxes)
    extent = np.where(high > low, high - low, 1.0)
    share = np.zeros(2)
    if thumbnails is not None:
        height, width = thumbnails.shape[1:3]
        share = thumbnail_size * np.array([width, height]) / max(width, height)
        share[1] /= box_aspect
        share *= min(1, 0.6 / share.max())  # leave room for more than one
    span = extent / (0.92 - share)
    if equal_scale:
        width = max(span[0], span[1] / box_aspect)
        span = np.array([width, width * box_aspect])
    middle = (low + high) / 2
    ax.set_xlim(middle[0] - span[0] / 2, middle[0] + span[0] / 2)
    ax.set_ylim(middle[1] - span[1] / 2, middle[1] + span[1] / 2)
    return share * span


def fix_aspect(ax, box_aspect, equal_scale):
    """Keep the scales in proportion, whatever the shape of the axes."""
    # Limits may move to fill the axes, unless other axes share both.
    shared = all(
        len(axes.get_siblings(ax)) > 1
        for axes in (ax.get_shared_x_axes(), ax.get_shared_y_axes())
    )
    width, height = np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim())
    ax.set_aspect(
        1 if equal_scale else box_aspect * width / height,
        adjustable="box" if shared else "datalim",
    )
    # Matplotlib logs a warning when it moves limits that are not automatic.
    ax.set_autoscale_on(True)


def name_axes(ax, groups, axis_labels, label_name, title):
    """Name the columns, or the rows of a strip, and set the title."""
    ax.set_xlabel(axis_labels[0])
    if len(axis_labels) == 2:
        ax.set_ylabel(axis_labels[1])
    elif groups[0].name is None:
        ax.set_yticks([])
    else:
        names = [group.name for group in groups]
        ax.set_yticks(range(len(groups)), names, parse_math=False)
        if label_name is not None:
            ax.set_ylabel(label_name)
    if title is not None:
        ax.set_title(title)


def draw_thumbnails(ax, thumbnails, points, colors, size, taken):
    """Draw the pictures that have room, framed in the colors of their points.

    None is drawn at the places taken, those of words.

    Returns
    -------
    images : list of matplotlib AxesImage
    rows : ndarray of int
        Their rows in `thumbnails`.
    """
    if thumbnails is None:
        return [], np.empty(0, dtype=np.intp)
    from matplotlib.patches import Rectangle

    scale = {}
    if thumbnails.ndim == 3:
        scale = {
            "cmap": "gray_r",
            "vmin": thumbnails.min(),
            "vmax": thumbnails.max(),
        }
    images, rows = [], spread_rows(points, 1.1 * size, taken)
    for row in rows:
        left, bottom = points[row] - size / 2
        right, top = points[row] + size / 2
        images.append(
            ax.imshow(
                thumbnails[row],
                extent=(left, right, bottom, top),
                aspect="auto",
                interpolation="nearest",
                zorder=3,
                **scale,
            )
        )
        ax.add_patch(
            Rectangle(
                (left, bottom),
                *size,
                fill=False,
                edgecolor=colors[row],
                linewidth=1.2,
                zorder=3.1,
            )
        )
    return images, rows


def draw_colorbar(ax, scatter, name):
    """Draw the scale of continuous labels beside the axes."""
    colorbar = ax.figure.colorbar(scatter, ax=ax, label=name or "")
    colorbar.solids.set_alpha(1)
    return colorbar


def draw_legend(ax, scatters, groups, title):
    """Draw the legend of the classes beside the axes."""
    legend = ax.legend(
        scatters,
        [" "] * len(groups),
        title=title,
        ncols=legend_columns(groups, ax.bbox.height / ax.figure.dpi),
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0.4,
        handletextpad=0.3,
    )
    for handle in legend.legend_handles:
        handle.set_sizes([36])
        handle.set_alpha(1)
    # Set afterwards, for a legend leaves out names that begin with "_".
    for text, group in zip(legend.get_texts(), groups, strict=True):
        text.set(text=group.name, parse_math=False)
    if ax.figure.get_layout_engine() is None:
        _make_room(ax, legend)
    return legend


def _make_room(ax, legend):
    """Narrow the axes by the width of the legend, as a color bar does."""
    figure = ax.figure
    figure.figure.draw_without_rendering()
    to_figure = figure.transSubfigure.inverted()
    legend = legend.get_window_extent().transformed(to_figure)
    place = ax.get_position()
    width = max(place.width - legend.width - 0.02, 0.3 * place.width)
    ax.set_position([place.x0, place.y0, width, place.height])
    ax.set_in_layout(True)


def draw_texts(ax, texts, points, picture_rows, picture_size):
    """Draw the words that have room beside their points.

    Words are measured, and their places chosen, before any is drawn: drawing one takes
    much longer than measuring it, and most of many words have no room.

    Returns
    -------
    annotations : list of matplotlib Annotation
    rows : ndarray of int
        Their rows in `texts`.
    """
    if texts is None:
        return [], np.empty(0, dtype=np.intp)
    from matplotlib.patheffects import withStroke

    figure = ax.figure
    # The axes get their place on the page when the figure is laid out.
    figure.figure.draw_without_rendering()
    to_pixels = ax.transData.transform
    positions = to_pixels(points)
    half = (to_pixels(picture_size) - to_pixels((0, 0))) / 2
    clearance = np.zeros_like(positions)
    clearance[picture_rows] = half
    pictures = positions[picture_rows]
    middles = place_labels(
        positions,
        _sizes(ax, texts),
        ax.bbox.extents,
        gap=4 * figure.dpi / 72,
        obstacles=np.hstack([pictures - half, pictures + half]),
        clearance=clearance,
    )
    has_room = ~np.isnan(middles[:, 0])
    rows = np.flatnonzero(has_room & np.array([text != "" for text in texts]))
    halo = [withStroke(linewidth=2, foreground=ax.get_facecolor())]
    annotations = [
        ax.annotate(
            texts[row],
            points[row],
            xytext=(middles[row] - positions[row]) * 72 / figure.dpi,
            textcoords="offset points",
            path_effects=halo,
            in_layout=False,
            zorder=4,
            **_TEXT_STYLE,
        )
        for row in rows
    ]
    return annotations, rows


def _sizes(ax, texts):
    """Width and height of texts in pixels, of shape (n_texts, 2)."""
    probe = ax.text(0, 0, "", **_TEXT_STYLE)
    sizes = {}
    for text in texts:
        if text not in sizes:
            probe.set_text(text)
            box = probe.get_window_extent()
            sizes[text] = (box.width, box.height)
    probe.remove()
    return np.array([sizes[text] for text in texts])
