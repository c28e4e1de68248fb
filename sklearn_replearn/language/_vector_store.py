"""Vectors of texts on disk, each found again by what it was made of."""

import os
from hashlib import blake2b
from pathlib import Path
from uuid import uuid4

import numpy as np

#: Bytes of a key: two texts with the same one do not occur.
N_BYTES = 16


class VectorStore:
    """A folder of vectors, which several processes may read and add to.

    Each addition is a pair of files, which nothing changes afterwards: keys and
    vectors. The keys appear last, and at once, so that no half of a pair is read.

    Parameters
    ----------
    folder : path
        Made when there is something to keep.
    """

    def __init__(self, folder):
        self.folder = Path(folder)

    def find(self, keys):
        """Look up vectors.

        Parameters
        ----------
        keys : list of bytes

        Returns
        -------
        vectors : dict of bytes to ndarray
            Of the keys that are there.
        """
        wanted, found = set(keys), {}
        for path in sorted(self.folder.glob("*.keys.npy")):
            if len(found) == len(wanted):
                break
            stored = [key.tobytes() for key in np.load(path)]
            rows = [
                row
                for row, key in enumerate(stored)
                if key in wanted and key not in found
            ]
            if rows:
                name = path.name.replace(".keys.", ".vectors.")
                vectors = np.load(path.with_name(name), mmap_mode="r")[rows]
                found |= {
                    stored[row]: vector
                    for row, vector in zip(rows, vectors, strict=True)
                }
        return found

    def add(self, keys, vectors):
        """Keep vectors.

        Parameters
        ----------
        keys : list of bytes
        vectors : ndarray of shape (n_keys, ...)
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        name = uuid4().hex
        table = np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), -1)
        for kind, array in (("vectors", vectors), ("keys", table)):
            partial = self.folder / f"{name}.{kind}.partial"
            with partial.open("wb") as file:
                np.save(file, array)
            os.replace(partial, self.folder / f"{name}.{kind}.npy")


def key_of(ids):
    """The key of a text by the ids of its tokens, an array of int64."""
    return blake2b(ids.tobytes(), digest_size=N_BYTES).digest()
