"""The table of attacks names tests that exist and run; nothing leaves the machine."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.doors import ROOT

HERE = Path(__file__).parent
NAMED = sorted(set(re.findall(r"`(test_\w+\.py)::(test_\w+)`", (HERE / "attacks.md").read_text("utf-8"))))


def test_every_test_of_the_table_exists_and_runs() -> None:
    assert len(NAMED) > 25
    for name, test in NAMED:
        functions = {node.name: node for node in ast.parse((HERE / name).read_text("utf-8")).body if isinstance(node, ast.FunctionDef)}
        assert test in functions, f"{name}::{test}"
        assert not any("skip" in ast.unparse(mark) or "xfail" in ast.unparse(mark) for mark in functions[test].decorator_list), test


def test_every_row_of_the_table_has_a_test() -> None:
    rows = [line for line in (HERE / "attacks.md").read_text("utf-8").splitlines() if line.startswith("| ")][1:]
    rows = [row for row in rows if not row.startswith("| ---")]
    assert len(rows) > 20
    assert all("::test_" in row for row in rows)


def test_nothing_leaves_the_machine(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.denied"]
    environment = {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert (run.returncode, run.stdout.strip()) == (0, "[]"), run.stderr[-2000:]
