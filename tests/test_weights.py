"""Changes to weights in four bits: little is lost, and what does not fit is refused."""

import numpy as np
import pytest

from bot.weights import GROUP, pack, packed_all, unpack, unpacked_all

CHANGE = np.random.default_rng(1).normal(scale=0.01, size=(6, 4 * GROUP)).astype(np.float32)


def test_a_change_comes_back_nearly_as_it_was_in_half_a_byte_each() -> None:
    packed, scales = pack(CHANGE)
    assert (packed.nbytes, scales.shape) == (CHANGE.size // 2, (6, 4))
    back = unpack(packed, scales)
    assert back.shape == CHANGE.shape
    assert np.linalg.norm(back - CHANGE) < 0.12 * np.linalg.norm(CHANGE)


def test_every_step_comes_back_in_its_place() -> None:
    steps = np.tile(np.arange(-7, 9), 2 * GROUP // 16)[None].clip(max=7).astype(np.float32)
    assert np.array_equal(unpack(*pack(steps)), steps)


def test_no_change_stays_none_and_one_outlier_does_not_drown_the_rest() -> None:
    rows = np.zeros((2, GROUP), np.float32)
    rows[1], rows[1, 0] = CHANGE[0, :GROUP], 0.05
    back = unpack(*pack(rows))
    assert not back[0].any()
    plain = np.abs(rows[1]).max() / 7
    assert np.linalg.norm(back[1] - rows[1]) <= np.linalg.norm(np.rint(rows[1] / plain) * plain - rows[1]) + 1e-6


def test_matrices_come_back_under_their_names() -> None:
    entries = packed_all({"a.weight": CHANGE, "b.weight": -CHANGE})
    back = unpacked_all(entries)
    assert list(back) == ["a.weight", "b.weight"]
    assert np.array_equal(back["a.weight"], -back["b.weight"])
    with pytest.raises(KeyError):
        unpacked_all({**entries, "c.down": entries["a.weight"]})
    with pytest.raises(ValueError, match="reshape"):
        unpacked_all({**entries, "a.weight": entries["a.weight"][:3]})
