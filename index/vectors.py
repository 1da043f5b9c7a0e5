"""Vectors in a `.npy` file of which single rows are read: they are neither held in memory nor mapped into it.

A row costs one `pread`, some microseconds while the file is in the system's cache. A mapped file would count as the
process's memory, and kill it where the file is cut short; here that is an error with a name.
"""

import io
import os
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import IndexDamaged
from index.disk import MEND
from index.encoder import Vectors

ROWS = 4096
"""Vectors of one read or write where all go in turn."""


class StoredVectors:
    """The opened file: (n, dimension) float32 rows."""

    def __init__(self, path: Path) -> None:
        """Raises ValueError where it is no such file, OSError where it cannot be read."""
        self._path = path
        with path.open("rb") as file:
            np.lib.format.read_magic(file)
            shape, by_column, dtype = np.lib.format.read_array_header_2_0(file)
            self._offset = file.tell()
        if len(shape) != 2 or by_column or dtype != np.float32:
            raise ValueError(f"{path.name} holds {dtype} of shape {shape}, not rows of float32")
        self.shape: tuple[int, int] = shape
        self._descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)
        if os.fstat(self._descriptor).st_size != self._offset + 4 * shape[0] * shape[1]:
            raise ValueError(f"{path.name} is not as long as it says")

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, row: int) -> Vectors:
        """(dimension,) row; raises IndexDamaged where the file has become shorter."""
        found: Vectors = self._read(row, 1)[0]
        return found

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> Vectors:
        """(len(rows), dimension) of those rows."""
        return np.stack([self[int(row)] for row in rows]) if len(rows) else np.zeros((0, self.shape[1]), np.float32)

    def blocks(self) -> Iterator[Vectors]:
        """All rows, some thousand at a time."""
        for start in range(0, len(self), ROWS):
            yield self._read(start, min(ROWS, len(self) - start))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self._read(0, len(self)).astype(dtype or np.float32)

    def _read(self, row: int, count: int) -> Vectors:
        size = 4 * self.shape[1]
        content = b""
        try:
            while len(content) < size * count:  # one call gives 2 GB at most
                part = os.pread(self._descriptor, size * count - len(content), self._offset + size * row + len(content))
                if not part:
                    raise OSError("it has become shorter")
                content += part
        except OSError as error:
            raise IndexDamaged(f"{self._path} cannot be read any more: {error}. {MEND}") from error
        return np.frombuffer(content, np.float32).reshape(count, self.shape[1])


def pack_vectors(rows: Vectors) -> Iterator[bytes]:
    """The content of such a file."""
    header = io.BytesIO()
    np.lib.format.write_array_header_2_0(header, np.lib.format.header_data_from_array_1_0(rows))
    yield header.getvalue()
    for start in range(0, len(rows), ROWS):
        yield rows[start : start + ROWS].tobytes()
