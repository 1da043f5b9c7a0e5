"""Changes to an encoder's weights, in four bits each: how `bot/reader.safetensors` keeps what training changed.

In groups of 32 along a row, each with a scale; of the shipped matrices rounding changes that by 9 %.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

GROUP = 32
_HALF = 8
_SCALES, _NARROWER = ".scales", (1.0, 0.92, 0.84, 0.76, 0.68)
"""Of a group the widest change reaches the last step, or is cut off where narrower steps lose less over the whole group."""

Matrix = NDArray[np.float32]


def pack(change: Matrix) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """(rows, columns / 2) two steps a byte, and (rows, columns / GROUP) what a step is worth; `change` is (rows, columns)."""
    groups = change.reshape(len(change), -1, GROUP)
    widest = np.abs(groups).max(axis=2, keepdims=True)
    best, least = np.zeros_like(widest), np.full_like(widest, np.inf)
    for narrower in _NARROWER:
        scale = (widest * narrower / (_HALF - 1)).astype(np.float16).astype(np.float32)
        lost = ((_steps(groups, scale) * scale - groups) ** 2).sum(axis=2, keepdims=True)
        best, least = np.where(lost < least, scale, best), np.minimum(lost, least)
    steps = (_steps(groups, best) + _HALF).astype(np.uint8).reshape(len(change), -1)
    return (steps[:, ::2] + 16 * steps[:, 1::2]).astype(np.uint8), best[..., 0].astype(np.float16)


def _steps(groups: Matrix, scale: Matrix) -> Matrix:
    wide = np.divide(groups, scale, out=np.zeros_like(groups), where=scale > 0)
    return np.clip(np.rint(wide), 1 - _HALF, _HALF - 1)


def unpack(packed: NDArray[np.uint8], scales: NDArray[np.float16]) -> Matrix:
    """The (rows, columns) changes that were packed. Raises ValueError where the two do not fit each other."""
    steps = np.stack([packed & 15, packed >> 4], axis=2).astype(np.float32) - _HALF
    groups = steps.reshape(*scales.shape, GROUP) * scales[..., None].astype(np.float32)
    return groups.reshape(len(packed), -1)


def packed_all(changes: Mapping[str, Matrix]) -> dict[str, NDArray[np.uint8] | NDArray[np.float16]]:
    """Each matrix as two entries, its own name's and that of its scales."""
    found: dict[str, NDArray[np.uint8] | NDArray[np.float16]] = {}
    for name, change in changes.items():
        found[name], found[name + _SCALES] = pack(change)
    return found


def unpacked_all(entries: Mapping[str, NDArray[np.uint8] | NDArray[np.float16]]) -> dict[str, Matrix]:
    """The matrices of `packed_all`. Raises KeyError or ValueError for entries that are not of it."""
    names = [name for name in entries if name + _SCALES in entries]
    if unknown := set(entries) - {name + end for name in names for end in ("", _SCALES)}:
        raise KeyError(*sorted(unknown))
    return {name: unpack(entries[name], entries[name + _SCALES]) for name in names}  # type: ignore[arg-type]
