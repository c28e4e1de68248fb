"""The progress bar of long work."""

from contextlib import contextmanager

#: Such as "epoch 2/5:  37%|███████▍            | 251k words/s [00:04<00:07]", where the
#: times are how long it took so far, and how long it will still take.
BAR_FORMAT = "{l_bar}{bar}| {rate_fmt} [{elapsed}<{remaining}]"

#: Seconds between two updates: few lines, where they go to a file.
INTERVAL = 0.5


@contextmanager
def progress_bar(verbose, total, unit, description):
    """A bar on stderr, or nothing at all with ``verbose=0``.

    Parameters
    ----------
    verbose : int
    total : int
        How much there is to do.
    unit : str
        Of what, in the plural.
    description : str
        What the bar says on its left at first.

    Yields
    ------
    advance : callable(n, description)
        To be called when `n` more are done, with what the bar is to say from now on.

    Examples
    --------
    >>> with progress_bar(0, 300, "rows", "epoch 1/3") as advance:
    ...     for epoch in range(3):
    ...         advance(100, f"epoch {epoch + 1}/3")
    """
    if not verbose:
        yield _say_nothing
        return
    from tqdm.std import tqdm

    with tqdm(
        desc=description,
        total=total,
        unit=f" {unit}",
        unit_scale=True,
        bar_format=BAR_FORMAT,
        mininterval=INTERVAL,
        dynamic_ncols=True,
    ) as bar:

        def advance(n, description):
            bar.set_description(description, refresh=False)
            bar.update(n)

        yield advance


def _say_nothing(n, description):
    pass
