"""The table of attacks names tests that exist and run; nothing leaves the machine."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import lacking
from tests.doors import ROOT

HERE = Path(__file__).parent
NAMED = sorted(set(re.findall(r"`(test_\w+\.py)::(test_\w+)`", (HERE / "attacks.md").read_text("utf-8"))))


def test_every_test_of_the_table_exists_and_runs() -> None:
    assert len(NAMED) > 25
    for name, test in NAMED:
        body = ast.parse((HERE / name).read_text("utf-8")).body
        functions = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
        assert test in functions, f"{name}::{test}"
        marks = [ast.unparse(mark) for mark in functions[test].decorator_list]
        marks += [ast.unparse(node) for node in body if isinstance(node, ast.Assign) and "pytestmark" in ast.unparse(node.targets[0])]
        assert not any("skip" in mark or "xfail" in mark for mark in marks), test


def test_every_row_of_the_table_has_a_test() -> None:
    rows = [line for line in (HERE / "attacks.md").read_text("utf-8").splitlines() if line.startswith("| ")][1:]
    rows = [row for row in rows if not row.startswith("| ---")]
    assert len(rows) > 20
    assert all("::test_" in row for row in rows)


def test_a_name_that_is_no_test_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.test_attacks.NAMED", [*NAMED, ("test_attacks.py", "test_that_is_not_there")])
    with pytest.raises(AssertionError, match="test_that_is_not_there"):
        test_every_test_of_the_table_exists_and_runs()


@pytest.mark.parametrize("kind", ["toy", pytest.param("real", marks=pytest.mark.model)])
def test_nothing_leaves_the_machine(tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-m", "tests.denied", kind]
    environment = {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900)
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout)
    assert found["tried"] == []
    if not found["cut_off"]:
        lacking("asked and answered without a connection, but needs the right to make a network namespace to be sure")
