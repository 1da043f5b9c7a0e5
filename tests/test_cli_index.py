"""`tanya index …`: what the commands print, and their exit codes."""

import json
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

import bot
import bot.watch
from bot import Report, WordReader
from index import HashEmbedder, build_lock, read_current
from index.store import CURRENT
from tests.conftest import Writer
from ui.cli import main

ROOT = Path(__file__).parent.parent
MOON = "The moon has no air. Twelve people walked on the moon."


class Shelf:
    """A corpus with a golden question, and the commands on it with toys for models."""

    def __init__(self, write: Writer, folder: Path) -> None:
        self.write, self.index = write, folder / "index"
        write("en/moon.md", MOON)
        write("en/sea.md", "The sea is salt.")

    def run(self, *words: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(main, ["index", *words, "--corpus", str(self.write.folder), "--index", str(self.index)])
        return result.exit_code, result.stdout, result.stderr

    @property
    def live(self) -> str:
        return read_current(self.index).name


@pytest.fixture
def shelf(write: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    golden = tmp_path / "golden.jsonl"
    golden.write_text(json.dumps({"question": "Who walked on the moon?", "language": "en", "quote": "Twelve people"}))
    monkeypatch.setenv("TANYA_GOLDEN", str(golden))
    monkeypatch.setattr("bot.assemble.open_models", lambda config: (HashEmbedder(), WordReader()))
    return Shelf(write, tmp_path)


def test_a_dry_run_says_what_would_change_and_a_build_does_it(shelf: Shelf) -> None:
    code, out, _ = shelf.run("build", "--dry-run")
    assert (code, "added: 2" in out, "would be embedded" in out, shelf.index.exists()) == (0, True, True, False)
    code, out, _ = shelf.run("build", "--json")
    assert (code, json.loads(out)["outcome"], json.loads(out)["added"]) == (0, "live", ["en.moon", "en.sea"])
    assert f"Nothing changed: {shelf.live} is live" in shelf.run("build", "--dry-run")[1]
    assert json.loads(shelf.run("build", "--dry-run", "--json")[1])["outcome"] == "unchanged"


def test_a_version_that_answers_worse_is_exit_code_1_and_force_makes_it_live(shelf: Shelf) -> None:
    shelf.run("build")
    first = shelf.live
    shelf.write("en/moon.md", "The moon has no air.")
    code, out, _ = shelf.run("build")
    assert (code, "WORSE: Who walked on the moon?" in out, shelf.live) == (1, True, first)
    assert shelf.run("build", "--dry-run", "--force")[0] == 0
    assert shelf.live == first
    code, out, _ = shelf.run("build", "--force")
    assert (code, f"{shelf.live} went live" in out, shelf.live != first) == (0, True, True)


def test_the_report_of_a_build_can_be_read_later(shelf: Shelf) -> None:
    shelf.run("build")
    first = shelf.live
    shelf.write("en/moon.md", MOON + " It is round.")
    shelf.run("build")
    code, out, _ = shelf.run("report")
    assert (code, out.splitlines()[:3]) == (0, [f"{shelf.live} went live.", "changed: 1", "  en.moon"])
    assert "golden questions: 1 of 1 right" in out
    said = json.loads(shelf.run("report", "--json", first)[1])
    assert (said["version"], said["added"]) == (first, ["en.moon", "en.sea"])
    code, out, err = shelf.run("report", "nowhere")
    assert (code, out) == (1, "")
    assert "tanya index status" in err


def test_a_second_build_says_who_builds_or_waits(shelf: Shelf) -> None:
    with build_lock(shelf.index):
        code, _, err = shelf.run("build")
        assert (code, "is held by process" in err) == (1, True)
        found: list[tuple[int, str, str]] = []
        waiting = threading.Thread(target=lambda: found.append(shelf.run("build", "--wait")))
        waiting.start()
        time.sleep(0.5)
        assert found == []
    waiting.join(60)
    assert (found[0][0], "went live" in found[0][1]) == (0, True)


def test_watch_tells_of_each_build_and_each_mistake(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    real, golden, built = bot.rebuild, shelf.write.folder.parent / "golden.jsonl", list[str]()
    right = golden.read_text()

    def rebuild(*arguments: object, **options: object) -> Report:
        if len(built) == 2:
            raise KeyboardInterrupt
        try:
            report = real(*arguments, **options)  # type: ignore[arg-type]
        finally:
            golden.write_text(
                "{" if not built and golden.read_text() == right else right
            )  # spoilt after the first, mended after the second
        built.append(report.version)
        shelf.write("en/sun.md", f"The sun is far. This is build {len(built)}.")
        return report

    monkeypatch.setattr(bot.watch, "LOOK", 0.02)
    monkeypatch.setattr(bot.watch, "AGAIN", 0.02)
    monkeypatch.setattr(bot.watch, "rebuild", rebuild)
    code, out, err = shelf.run("watch")
    assert code == 0
    assert [line for line in out.splitlines() if "went live" in line or line.startswith("  en.")] == [
        f"{built[0]} went live.",
        "  en.moon",
        "  en.sea",
        f"{built[1]} went live.",
        "  en.sun",
    ]
    assert [line for line in err.splitlines() if line.startswith("Error: ") and "golden.jsonl, line 1" in line]


def test_a_backup_is_restored_as_the_readme_says(shelf: Shelf) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    block = next(block for block in blocks if "tar -C" in block).replace("/srv", str(shelf.index.parent))
    back_up, restore, *commands = [line.split(" #")[0].split() for line in block.splitlines()]
    assert [words[2] for words in commands] == ["rollback", "verify"]
    shelf.run("build")
    kept = shelf.live
    subprocess.run(back_up, cwd=shelf.index.parent, check=True)
    shelf.write("en/moon.md", MOON + " It is round.")
    shelf.run("build")
    shutil.rmtree(shelf.index)
    subprocess.run(restore, cwd=shelf.index.parent, check=True)
    assert (shelf.index / CURRENT).read_text().splitlines()[0] == kept
    for words in commands:
        result = CliRunner().invoke(main, [word.replace("VERSION", kept) for word in words[1:]])
        assert (result.exit_code, kept in result.stdout) == (0, True), result.output
    code, out, _ = shelf.run("build", "--json")
    assert (code, json.loads(out)["changed"], json.loads(out)["previous"]) == (0, ["en.moon"], kept)


def test_status_names_the_texts_and_lists_versions_though_the_live_one_cannot_be_told(shelf: Shelf) -> None:
    shelf.run("build")
    assert f"from {shelf.write.folder.resolve()}\n" in shelf.run("status")[1]
    said = json.loads(shelf.run("status", "--json")[1])
    assert (said["source"], said["engine"]) == (str(shelf.write.folder.resolve()), "")
    live = shelf.live
    for spoil in (lambda: (shelf.index / CURRENT).write_text("../away"), lambda: (shelf.index / CURRENT).unlink()):
        spoil()
        code, out, err = shelf.run("status")
        assert (code, live in out, "2 documents" in out) == (1, True, True)
        assert err.startswith("Error: ")
        code, out, _ = shelf.run("status", "--json")
        assert (code, [row["name"] for row in json.loads(out)["versions"]]) == (1, [live])
        assert json.loads(out)["fault"]
