"""A built wheel holds all that the program needs, and works in an empty folder."""

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import DOCUMENTS, lacking

ROOT = Path(__file__).parent.parent


@pytest.mark.wheel
def test_the_wheel_works_in_an_empty_folder(tmp_path: Path) -> None:
    if importlib.util.find_spec("build") is None:
        lacking('needs the package build (pip install -e ".[ci]")')
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, ROOT], check=True, capture_output=True)
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = wheel.namelist()
        wheel.extractall(site)
    assert not [name for name in names if name.startswith(("tests", ".ci"))]
    static = ("source.html", "chat.css", "chat.js", "icon.svg", "embed.js", "frame.html", "frame.css", "frame.js", "frame-answer.js")
    for needed in ("bot/golden.jsonl", "bot/reader.safetensors", *(f"ui/static/{name}" for name in static)):
        assert needed in names
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}

    def tanya(*words: str) -> str:
        command = [sys.executable, "-m", "ui.cli", *words]
        return subprocess.run(command, cwd=empty, env=environment, check=True, capture_output=True, text=True).stdout

    assert len(json.loads(tanya("corpus", "list", "--json"))) == len(list(DOCUMENTS.rglob("*.md")))
    (empty / "texts").mkdir()
    (empty / "texts" / "a.md").write_text("RCDD digelar di Jakarta pada 10 September 2019.")
    answer = json.loads(tanya("ask", "Kapan RCDD digelar?", "--json", "--corpus", "texts", "--index", "index"))
    assert answer["citations"][0]["quote"] == "RCDD digelar di Jakarta pada 10 September 2019."
