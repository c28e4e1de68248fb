"""Where thumbnails and words go so that none covers another: boxes and no drawing."""

import numpy as np

# Unit vectors from a point to the middle of its label, the best place first.
_DIRECTIONS = np.array(
    [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)], dtype=float
)


def spread_rows(positions, size, taken=()):
    """Rows whose boxes do not overlap, chosen greedily in a fixed random order.

    Parameters
    ----------
    positions : ndarray of shape (n_samples, 2)
        Middles of the boxes.
    size : array-like of shape (2,)
        Width and height of every box.
    taken : array-like of shape (n_taken, 2)
        Middles of boxes that are already there.

    Returns
    -------
    rows : ndarray of shape (n_chosen,)
        Sorted row numbers.
    """
    order = np.random.default_rng(0).permutation(len(positions))
    n_taken = len(taken)
    boxes = np.empty((n_taken + len(positions), 2))
    boxes[:n_taken] = np.reshape(taken, (-1, 2)) / np.asarray(size, dtype=float)
    scaled = positions / np.asarray(size, dtype=float)
    chosen = []
    for row in order:
        there = boxes[: n_taken + len(chosen)]
        if (np.abs(there - scaled[row]).max(axis=1) >= 1).all():
            boxes[n_taken + len(chosen)] = scaled[row]
            chosen.append(row)
    return np.sort(np.array(chosen, dtype=np.intp))


def place_labels(positions, sizes, frame, *, gap, obstacles=(), clearance=None):
    """A free place beside its point for every label that has one.

    Labels are placed in the order given. Each tries eight places around its point and
    takes the one that covers the fewest points, among those inside the frame that
    cover no label and no obstacle.

    Parameters
    ----------
    positions : ndarray of shape (n_samples, 2)
        The points.
    sizes : ndarray of shape (n_samples, 2)
        Width and height of the labels; a width of 0 is no label.
    frame : tuple of (x0, y0, x1, y1)
        The box that holds the labels.
    gap : float
        Distance from a point to its label.
    obstacles : array-like of shape (n_obstacles, 4), default=()
        Boxes (x0, y0, x1, y1) that no label may cover.
    clearance : ndarray of shape (n_samples, 2), default=None
        Half the size of what is drawn at each point, kept free besides the gap.

    Returns
    -------
    middles : ndarray of shape (n_samples, 2)
        Middles of the labels; NaN where there was no room.
    """
    n_samples = len(positions)
    middles = np.full((n_samples, 2), np.nan)
    n_boxes = len(obstacles)
    boxes = np.empty((n_boxes + n_samples, 4))
    if n_boxes:
        boxes[:n_boxes] = obstacles
    if clearance is None:
        clearance = np.zeros((n_samples, 2))
    frame_low, frame_high = np.asarray(frame).reshape(2, 2)
    by_x = positions[np.argsort(positions[:, 0])]
    for row in np.flatnonzero(sizes[:, 0]):
        position, size = positions[row], sizes[row]
        reach = size / 2 + gap + clearance[row]
        places = position + _DIRECTIONS * reach
        low, high = places - size / 2, places + size / 2
        fits = ((low >= frame_low) & (high <= frame_high)).all(axis=1)
        taken = boxes[:n_boxes]
        overlaps = (taken[:, :2] < high[:, np.newaxis]) & (
            taken[:, 2:] > low[:, np.newaxis]
        )
        fits &= ~overlaps.all(axis=2).any(axis=1)
        best, fewest = None, np.inf
        for place in np.flatnonzero(fits):
            covered = _n_inside(by_x, low[place], high[place])
            if covered < fewest:
                best, fewest = place, covered
                if covered == 0:
                    break
        if best is not None:
            middles[row] = places[best]
            boxes[n_boxes] = [*low[best], *high[best]]
            n_boxes += 1
    return middles


def _n_inside(by_x, low, high):
    """How many points, in order of their first coordinate, are inside a box."""
    first = np.searchsorted(by_x[:, 0], low[0], side="right")
    last = np.searchsorted(by_x[:, 0], high[0], side="left")
    y = by_x[first:last, 1]
    return np.count_nonzero((y > low[1]) & (y < high[1]))
