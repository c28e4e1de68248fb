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
    plt = import_pyplot(caller)
    if ax is None:
        return plt.subplots(figsize=figsize, layout="constrained")
    return ax.figure, ax


def import_pyplot(caller):
    """The module pyplot; an ImportError tells how to install it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib; install it with: "
            "pip install 'sklearn-replearn[plot]'"
        ) from error
    return plt


def set_title(ax, name, estimator_name, pad=None):
    """Write the name given above the axes, or else the estimator's, if there is one."""
    title = estimator_name if name is None else name
    if title is not None:
        ax.set_title(title, pad=pad)
