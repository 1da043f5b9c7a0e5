"""Rows of several threads in one call of the encoder: each gets its own vectors, and one that fails takes no other with it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from index.encoder import BATCH_TOKENS, LENGTH_STEP, LONGEST, Batches, Vectors

Compute = Callable[[NDArray[np.int64], NDArray[np.bool_]], Vectors]


class Counting:
    """Vectors of one number, the token's id; waits in its first call until it is let go."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.begun, self.let_go = threading.Event(), threading.Event()

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.bool_]) -> Vectors:
        self.calls.append(len(ids))
        self.begun.set()
        assert self.let_go.wait(30)
        if (ids == 13).any():
            raise MemoryError
        return np.where(mask, ids, -1)[:, :, None].astype(np.float32)


def asked_together(rows: list[list[int]]) -> tuple[Counting, list[Future[list[Vectors]]]]:
    """The first row is being computed when the others arrive, each from a thread of its own."""
    compute = Counting()
    batches = Batches(compute)
    with ThreadPoolExecutor(len(rows)) as crew:
        answers: list[Future[list[Vectors]]] = [crew.submit(batches, [rows[0]])]
        assert compute.begun.wait(30)
        answers += [crew.submit(batches, [row]) for row in rows[1:]]
        until_waiting(batches, len(rows))
        compute.let_go.set()
    assert not batches._waiting
    return compute, answers


def until_waiting(batches: Batches, count: int) -> None:
    for _ in range(3000):
        if len(batches._waiting) == count:
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"{len(batches._waiting)} of {count} wait")


def flat(vectors: Any) -> list[int]:
    return [int(one) for one in vectors[0][:, 0]]


def test_what_waits_and_is_as_long_is_computed_in_one_call() -> None:
    rows = [[i] * (i % 5 + 1) for i in range(20, 30)]
    compute, answers = asked_together(rows)
    assert compute.calls == [1, 9]
    assert [flat(answer.result()) for answer in answers] == rows


def test_other_lengths_are_other_calls_and_no_call_is_too_large() -> None:
    long = 3 * LENGTH_STEP
    most = BATCH_TOKENS // long
    rows = [[20]] + [[i + 30] * long for i in range(most + 2)] + [[21]]
    compute, answers = asked_together(rows)
    assert sorted(compute.calls) == sorted([1, 1, most, 2])
    assert [flat(answer.result()) for answer in answers] == rows


@pytest.mark.parametrize("length", [1, LENGTH_STEP + 1])
def test_a_failure_reaches_who_asked_and_no_other(length: int) -> None:
    rows = [[20], [13] * length, [22], [23]]
    _, answers = asked_together(rows)
    assert isinstance(answers[1].exception(), MemoryError)
    assert [flat(answers[i].result()) for i in (0, 2, 3)] == [rows[i] for i in (0, 2, 3)]


def test_an_overlong_row_is_cut_and_no_row_is_no_call() -> None:
    compute = Counting()
    compute.let_go.set()
    batches = Batches(compute)
    assert batches([]) == []
    assert flat(batches([[5] * (LONGEST + 9)])) == [5] * LONGEST
