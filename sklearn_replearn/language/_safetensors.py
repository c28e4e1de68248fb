"""Files of weights in the format safetensors, read with numpy alone."""

import json
from math import prod
from pathlib import Path

import numpy as np

#: Types of numbers in a file. Brain floats are the upper halves of float32.
DTYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": np.uint16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U8": np.uint8,
    "BOOL": np.bool_,
}

#: Longest list of tensors that a file may have, in bytes, as the format says.
LONGEST_HEADER = 100_000_000


class Safetensors:
    """The tensors of a file, each read when it is asked for.

    Parameters
    ----------
    path : str or path

    Attributes
    ----------
    shapes : dict of str to tuple of int
        Shape of each tensor, by its name.

    Raises
    ------
    ValueError
        If the file is no such file, or is damaged.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.name = f"{self.path.parent.resolve().name}/{self.path.name}"
        size = self.path.stat().st_size
        try:
            with self.path.open("rb") as file:
                n_header = int.from_bytes(file.read(8), "little")
                if not 2 <= n_header <= min(size - 8, LONGEST_HEADER):
                    raise ValueError("its first 8 bytes are no length of a header")
                self._tensors = json.loads(file.read(n_header))
            self._tensors.pop("__metadata__", None)
            self._start = 8 + n_header
            self.shapes = {
                name: self._check(tensor, size - self._start)
                for name, tensor in self._tensors.items()
            }
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{self.name} is not a file of weights in the format safetensors, or "
                f"it is damaged ({error}); copy it again."
            ) from None

    def _check(self, tensor, n_bytes):
        """Shape of a tensor of the header; raise if its numbers are not all there."""
        dtype = DTYPES.get(tensor["dtype"], np.uint8)
        shape = tuple(tensor["shape"])
        start, end = tensor["data_offsets"]
        if not 0 <= start <= end <= n_bytes:
            raise ValueError(f"it ends before byte {self._start + end}")
        is_known = tensor["dtype"] in DTYPES
        if is_known and end - start != prod(shape) * np.dtype(dtype).itemsize:
            raise ValueError(f"{end - start} bytes are no tensor of shape {shape}")
        return shape

    def read(self, name):
        """A tensor as an array; float16 and brain floats as float32.

        Returns
        -------
        array : ndarray
            In memory of its own.
        """
        tensor = self._tensors[name]
        if tensor["dtype"] not in DTYPES:
            raise ValueError(
                f"{self.name} has {name!r} as {tensor['dtype']}, which numpy cannot "
                "read; save the weights as float32."
            )
        shape, start = self.shapes[name], self._start + tensor["data_offsets"][0]
        array = np.fromfile(
            self.path, DTYPES[tensor["dtype"]], count=prod(shape), offset=start
        )
        if tensor["dtype"] == "BF16":
            array = (array.astype(np.uint32) << 16).view(np.float32)
        elif tensor["dtype"] == "F16":
            array = array.astype(np.float32)
        return array.reshape(shape)
