"""Emoji with their names, of the data folder, or made-up signs where there is none."""

import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ._data import read_table, require_file

#: Parts of names by which variants of one picture differ.
PERSONS = r"\b(man|woman|person|men|women|people|mr|mrs|mx)\b"
DIRECTIONS = r"\b(left|right|up|down)(wards|-pointing|-facing)?\b"
SKIN_TONES = r": .*skin tone"


@dataclass(frozen=True)
class Signs:
    """Pictures in two styles, with captions.

    Parameters
    ----------
    title : str
    styles : dict of str to ndarray of uint8 of shape (n_signs, height, width, 3)
    names : list of str
    captions : list of str
        Name and keywords.
    groups, subgroups : ndarray of str of shape (n_signs,)
    bases : ndarray of int of shape (n_signs,)
        One number for a sign in all skin tones.
    families : ndarray of int of shape (n_signs,)
        One number for all variants: skin tones, man or woman, left or right.
    are_plain : ndarray of bool of shape (n_signs,)
        Those without a skin tone.
    """

    title: str
    styles: dict[str, np.ndarray]
    names: list[str]
    captions: list[str]
    groups: np.ndarray
    subgroups: np.ndarray
    bases: np.ndarray
    families: np.ndarray
    are_plain: np.ndarray

    def split(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows to learn from, and plain ones of a fifth of the families to test on."""
        families = np.random.default_rng(seed).permutation(np.unique(self.families))
        is_test = np.isin(self.families, families[: len(families) // 5])
        return np.flatnonzero(~is_test), np.flatnonzero(is_test & self.are_plain)


def read_emoji(folder: Path | None) -> Signs:
    """The emoji of the data folder."""
    table = read_table(folder, "images/emoji.tsv")
    with np.load(require_file(folder, "images/emoji32.npz")) as file:
        styles = {name: file[name] for name in ("twitter", "google")}
    names = table["name"].str.lower()
    words = table["keywords"].str.lower().str.replace("|", " ").str.replace("_", " ")
    bases = np.unique(table["base_unified"].astype(str), return_inverse=True)[1]
    return Signs(
        f"{len(table):,} emoji",
        styles,
        names.tolist(),
        (names + " " + words).tolist(),
        table["group"].to_numpy(str),
        table["subgroup"].to_numpy(str),
        bases,
        merge_variants(names, bases),
        (table["skin_tone"] == "").to_numpy(),
    )


def merge_variants(names, bases: np.ndarray) -> np.ndarray:
    """The same number for signs of one base, or of names that differ in a variant."""
    merged = [
        re.sub(
            SKIN_TONES, "", re.sub(DIRECTIONS, "to", re.sub(PERSONS, "person", name))
        )
        for name in names
    ]
    codes = np.unique(merged, return_inverse=True)[1]
    n = max(codes.max(), bases.max()) + 1
    links = coo_array((np.ones(len(codes)), (codes, n + bases)), shape=(2 * n, 2 * n))
    return connected_components(links, directed=False)[1][codes]


def make_signs() -> Signs:
    """Disks, squares, crosses and stripes in colors, large or small."""
    colors = {"red": 0, "green": 1, "blue": 2, "yellow": [0, 1], "cyan": [1, 2]}
    y, x = np.mgrid[:16, :16] - 7.5
    shapes = {
        "disk": lambda r: x**2 + y**2 < r**2,
        "square": lambda r: np.maximum(abs(x), abs(y)) < 0.9 * r,
        "cross": lambda r: np.minimum(abs(x), abs(y)) < r / 3,
        "stripes": lambda r: np.sin(y * 6 / r) > 0,
    }
    sizes = {"tiny": 2.5, "small": 4, "large": 6, "huge": 8}
    pictures, names = [], []
    for (color, channels), (shape, mask), (size, radius) in product(
        colors.items(), shapes.items(), sizes.items()
    ):
        picture = np.full((16, 16, 3), 255, np.uint8)
        picture[mask(radius)] = 0
        rows, columns = np.nonzero(mask(radius))
        for channel in np.atleast_1d(channels):
            picture[rows, columns, channel] = 255
        pictures.append(picture)
        names.append(f"{size} {color} {shape}")
    numbers = np.arange(len(names))
    subgroups = np.array([name.split()[2] for name in names])
    groups = np.where(np.isin(subgroups, ["disk", "square"]), "solid", "lines")
    styles = {"bright": np.stack(pictures), "dim": np.stack(pictures) // 2}
    is_plain = np.ones(len(names), bool)
    captions = [f"{name}, {group}" for name, group in zip(names, groups, strict=True)]
    return Signs(
        f"{len(names)} made-up signs",
        styles,
        names,
        captions,
        groups,
        subgroups,
        numbers,
        numbers,
        is_plain,
    )
