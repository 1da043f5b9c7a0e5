"""Whatever fails, the old version answers on: each step of the disk, the power, the process, the space."""

import contextlib
import errno
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from corpus.errors import BuildFailed
from index import list_versions, open_index, read_current, rollback, verify
from index.lexical import LexicalIndex
from index.store import MANIFEST, VERSIONS
from tests.conftest import lacking
from tests.faults import FailingDisk, RecordedDisk, standing_in
from tests.kill import kill_loop
from tests.stage import TEXTS, Stage

ROOT = Path(__file__).parent.parent


@pytest.fixture(params=[False, True], ids=["over a version", "first build ever"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    return Stage(tmp_path, request.param)


@pytest.mark.parametrize(("for_good", "number"), [(True, errno.ENOSPC), (False, errno.EIO)], ids=["from then on", "once"])
def test_each_step_of_a_build_may_fail(stage: Stage, for_good: bool, number: int) -> None:
    seen: set[str | None] = set()
    for step in range(1, 1000):
        stage.reset()
        disk = FailingDisk(step, for_good, number)
        failed = ""
        with standing_in(disk):
            try:
                stage.publish("new")
            except BuildFailed as error:
                failed = str(error)
        found = stage.state()
        true = ("did not confirm",) if found == "new" else ("answers on", "Nothing was changed")
        assert not failed or any(words in failed for words in true), f"step {step}: {failed}"
        assert found in stage.states | {"new"}, f"step {step}"
        assert failed or found == "new", f"step {step}"
        seen.add(found)
        if disk.steps < step:
            break
        if failed and step % 7 == 0:  # what is left behind is no obstacle to the next build, and does not pile up
            stage.publish("new")
            assert stage.state() == "new"
            assert not list((stage.index / "building").glob("*"))
    assert step > 50
    assert seen == stage.states | {"new"}


@pytest.mark.parametrize("for_good", [True, False], ids=["from then on", "once"])
def test_each_step_may_fail_where_the_texts_were_only_touched(tmp_path: Path, for_good: bool) -> None:
    stage = Stage(tmp_path, first=False)
    kept = len(list_versions(stage.before))
    for step in range(1, 100):
        stage.reset()
        disk = FailingDisk(step, for_good)
        with standing_in(disk), contextlib.suppress(BuildFailed):
            stage.publish("live")
        assert stage.state() == "live"
        assert len(list_versions(stage.index)) == kept, f"step {step}"
        if disk.steps < step:
            break
    assert step > 8


def test_each_step_of_going_back_may_fail(tmp_path: Path) -> None:
    stage = Stage(tmp_path, first=False)
    stage.reset()
    stage.publish("new")
    kept = len(list_versions(stage.index))
    assert kept >= 2
    shutil.rmtree(stage.before)
    shutil.copytree(stage.index, stage.before)
    for step in range(1, 100):
        stage.reset()
        disk = FailingDisk(step, for_good=True)
        failed = False
        with standing_in(disk):
            try:
                rollback(stage.index)
            except BuildFailed:
                failed = True
        assert stage.state() in ("live", "new")
        assert failed or stage.state() == "live"
        if disk.steps < step:
            break
    assert step > 5


def cut_off_after_each_step(stage: Stage, disk: RecordedDisk) -> Iterator[str]:
    """What is done last before each power cut, the index being what the disk then holds: all that was not fsynced lost, and by chance."""
    chance = random.Random(1)
    for steps in range(len(disk.log) + 1):
        for luck in (None, chance):
            shutil.rmtree(stage.index)
            disk.after_power_cut(steps, stage.index, luck)
            yield f"step {steps}: {disk.log[steps - 1]}"


def test_the_power_may_go_after_each_step(stage: Stage) -> None:
    stage.reset()
    disk = RecordedDisk(stage.index)
    with standing_in(disk):
        stage.publish("new")
    assert stage.state() == "new"
    seen = set()
    for last in cut_off_after_each_step(stage, disk):
        found = stage.state()
        assert found in stage.states | {"new"}, last
        seen.add(found)
    assert found == "new"
    assert seen == stage.states | {"new"}


def test_the_power_may_go_while_vectors_are_kept_and_the_next_build_embeds_what_was_lost(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.reuse.SLICE_CHARACTERS", 1)  # one text at a time
    stage.reset()
    disk = RecordedDisk(stage.index)
    with standing_in(disk):
        stage.publish("new")
    tried, torn = 0, 0
    for last in cut_off_after_each_step(stage, disk):
        if not (kept := [*stage.index.glob("embedded-*.bin")]) or stage.state() == "new":
            continue
        tried += 1
        if content := kept[0].read_bytes():  # half of a write may have reached the disk, too
            torn += 1
            kept[0].write_bytes(content[: len(content) - 1 - tried % 40])
        stage.publish("new")
        assert stage.state() == "new", last
        assert not [*stage.index.glob("embedded-*.bin")], last
    assert tried > 20
    assert torn > 10


def test_the_power_may_go_while_going_back(tmp_path: Path) -> None:
    stage = Stage(tmp_path, first=False)
    stage.reset()
    stage.publish("new")
    first = min(path.name for path in (stage.index / VERSIONS).iterdir() if path.name != read_current(stage.index).name)
    disk = RecordedDisk(stage.index)
    with standing_in(disk):
        rollback(stage.index, first)
    back = stage.state()
    assert back != "new"
    seen = [stage.state() for _ in cut_off_after_each_step(stage, disk)]
    assert set(seen) == {"new", back}
    assert (seen[0], seen[-1]) == ("new", back)


def test_drafts_need_no_room_elsewhere_and_a_write_cut_short_is_told_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(tmp_path, first=False)
    stage.reset()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    stage.publish("new")
    assert stage.state() == "new"

    def cut_short(self: LexicalIndex, place: Path) -> Iterator[tuple[str, bytes]]:
        raise OSError("96 requested and 12 written")  # numpy's words for a full disk, without a number

    monkeypatch.setattr(LexicalIndex, "files", cut_short)
    with pytest.raises(BuildFailed, match="96 requested and 12 written"):
        stage.publish("old")
    assert stage.state() == "new"


def test_the_model_of_the_disk_loses_what_was_not_synced(tmp_path: Path) -> None:
    """Without this the test above could pass because nothing is ever lost."""
    stage = Stage(tmp_path, first=False)
    stage.reset()
    disk = RecordedDisk(stage.index)
    with standing_in(disk):
        stage.publish("new")
    disk.log = [entry for entry in disk.log if entry[0] != "fsync"]
    shutil.rmtree(stage.index)
    disk.after_power_cut(len(disk.log), stage.index, None)
    assert stage.state() == "live"
    chance, found = random.Random(2), set()
    for _ in range(30):
        shutil.rmtree(stage.index)
        disk.after_power_cut(len(disk.log), stage.index, chance)
        try:
            found.add(stage.state())
        except Exception as error:
            found.add(type(error).__name__)
    assert found - {"live", "new"}


def test_permission_denied_and_a_file_in_the_way_are_named(stage: Stage) -> None:
    stage.reset()
    if stage.states == {None}:
        shutil.rmtree(stage.index)
        stage.index.write_text("a file")
        with pytest.raises(BuildFailed, match="cannot be written"):
            stage.publish("new")
        return
    with standing_in(FailingDisk(1, True, errno.EACCES)), pytest.raises(BuildFailed, match="Permission denied"):
        stage.publish("new")
    assert stage.state() == "live"


@pytest.mark.parametrize(
    "spoil", [lambda content: b"", lambda content: content[:-1], lambda content: bytes([content[0] ^ 1]) + content[1:]]
)
def test_any_file_of_the_live_version_may_be_spoilt(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    stage = Stage(tmp_path, first=False)
    stage.reset()
    stage.publish("new")
    live = open_index(stage.index).manifest.version
    for path in sorted((stage.index / VERSIONS / live).rglob("*")):
        if path.is_file():
            whole = path.read_bytes()
            path.write_bytes(spoil(whole))
            assert open_index(stage.index).document("en.moon").text == TEXTS["live"], path.name
            assert verify(stage.index), path.name
            path.write_bytes(whole)
    (stage.index / VERSIONS / live / MANIFEST).write_bytes(b"")
    stage.publish("new")
    assert stage.state() == "new"


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """The same 200 times: python -m tests.kill 200."""
    found = kill_loop(20, tmp_path)
    assert found["answers"] > 0
    assert found["versions_found_live"] > 3


@pytest.fixture
def small_disks() -> list[str]:
    """The command in which a process may mount a file system of its own: as anybody where that is allowed, else as root."""
    commands = (["unshare", "-rm"], ["unshare", "-m"])
    trial = ["mount", "-t", "tmpfs", "tmpfs", "/tmp"]
    allowed = [one for one in commands if shutil.which("unshare") and not subprocess.run([*one, *trial], capture_output=True).returncode]
    return allowed[0] if allowed else lacking("needs the right to mount a small file system: unshare -rm, or root")


@pytest.mark.root
def test_a_full_disk_leaves_the_old_version_answering_and_a_later_build_succeeds(small_disks: list[str], tmp_path: Path) -> None:
    command = [*small_disks, sys.executable, "-m", "tests.full_disk", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    failures = json.loads(run.stdout)
    assert len(failures) > 2
    assert [said for said in failures if "No space left" not in said] == []
