"""The displays' way to matplotlib, which is imported only when something is drawn."""

# M. A. Petroff, "Accessible Color Sequences for Data Visualization", 2021.
COLORS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)


def figure_and_axes(ax, *, caller, figsize=None):
    """The figure and axes to draw on: the ones given, or new ones.

    Parameters
    ----------
    ax : matplotlib Axes or None
        Where to draw. `None` makes a figure with constrained layout.
    caller : str
        What asks for matplotlib, for the message when it is missing.
    figsize : tuple of (float, float), default=None
        Width and height of a new figure in inches.

    Returns
    -------
    figure : matplotlib Figure
    ax : matplotlib Axes

    Raises
    ------
    ImportError
        When matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib; install it with: "
            "pip install 'sklearn-replearn[plot]'"
        ) from error
    if ax is None:
        return plt.subplots(figsize=figsize, layout="constrained")
    return ax.figure, ax
