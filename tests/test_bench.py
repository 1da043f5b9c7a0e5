"""The load test counts what it meets, and calls no fault an honest one."""

import asyncio
import os
from collections import Counter
from pathlib import Path

import pytest

from tests.bench.load import OVERLOADED, Load, load, report
from tests.doors import QUESTION, REFUSED, moon_bot, served
from ui.serve import Site


def test_readers_get_answers_and_the_figures_say_so(tmp_path: Path) -> None:
    with served(Site(moon_bot(tmp_path, queue=1, concurrency=1))) as address:
        found = asyncio.run(load(address, os.getpid(), 4, 2.0, [QUESTION, REFUSED]))
    figures, faults = report(found, 2.0)
    assert set(found.statuses) <= {"200", OVERLOADED}
    assert found.statuses["200"] > 0
    assert not [fault for fault in faults if "×" in fault]
    assert figures["statuses"] == dict(found.statuses)


def test_nobody_there_is_a_fault() -> None:
    found = asyncio.run(load("http://127.0.0.1:9", os.getpid(), 1, 0.3, [QUESTION]))
    assert any("ConnectError" in fault for fault in report(found, 0.3)[1])


@pytest.mark.parametrize(
    ("statuses", "answers", "memory", "faults"),
    [
        ({"200": 60, OVERLOADED: 9}, 60, [500, 600, 610], []),
        ({"200": 60, "503": 1}, 60, [500, 600, 600], ["1 × 503"]),
        ({"200": 60, "500": 2}, 60, [500, 600, 600], ["2 × 500"]),
        ({"200": 59}, 59, [500, 600, 600], ["5.90 answers a second, 6 are wanted"]),
        ({"200": 60}, 60, [500, 600, 700], ["memory grew from 600 to 700 MB in the second half"]),
    ],
)
def test_what_is_a_fault(statuses: dict[str, int], answers: int, memory: list[int], faults: list[str]) -> None:
    assert report(Load(Counter(statuses), [0.5] * answers, memory), 10)[1] == faults
