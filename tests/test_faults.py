"""Whatever fails, the old version answers on: each step of the disk, the power, the process, the space."""

import contextlib
import errno
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot import Publication, publish
from corpus.errors import BuildFailed, IndexMissing
from index import HashEmbedder, list_versions, open_index, rollback, verify
from index.store import MANIFEST, VERSIONS
from tests.faults import FailingDisk, RecordedDisk, standing_in
from tests.kill import kill_loop, make_bot

TEXTS = {"old": "The moon has no air. It is old.", "live": "The moon has no air. It is live.", "new": "The moon has no air. It is new."}


class Stage:
    """A corpus about to be built; `before` is the index to start from: with two versions, or none."""

    def __init__(self, folder: Path, first: bool) -> None:
        self.folder, self.before, self.index = folder, folder / "before", folder / "index"
        for text in () if first else ("old", "live"):
            self.publish(text, self.before)
        self.before.mkdir(exist_ok=True)
        self.states: set[str | None] = {None} if first else {"live"}
        self.tried = 0

    def publish(self, text: str, index: Path | None = None) -> None:
        (self.folder / "corpus" / "en").mkdir(parents=True, exist_ok=True)
        (self.folder / "corpus" / "en" / "moon.md").write_text(TEXTS[text])
        golden = self.folder / "golden.jsonl"
        golden.write_text('{"question": "the moon has no air", "language": "en", "quote": "no air"}')
        where = Publication(source=self.folder / "corpus", index_dir=index or self.index, golden=golden, keep=0)
        publish(where, HashEmbedder(), make_bot)

    def reset(self) -> None:
        shutil.rmtree(self.index, ignore_errors=True)
        shutil.copytree(self.before, self.index)

    def state(self) -> str | None:
        """Which text answers; None where there is no index yet. Fails where there is anything but a whole version."""
        try:
            version = open_index(self.index)
        except IndexMissing:
            return None
        assert verify(self.index) == []
        return version.document("en.moon").text.removesuffix(".").split()[-1]


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


def test_the_power_may_go_after_each_step(stage: Stage) -> None:
    stage.reset()
    disk = RecordedDisk(stage.index)
    with standing_in(disk):
        stage.publish("new")
    assert stage.state() == "new"
    chance = random.Random(1)
    seen = set()
    for steps in range(len(disk.log) + 1):
        for luck in (None, chance):
            shutil.rmtree(stage.index)
            disk.after_power_cut(steps, stage.index, luck)
            found = stage.state()
            assert found in stage.states | {"new"}, f"after step {steps}: {disk.log[steps - 1]}"
            seen.add(found)
    assert found == "new"
    assert seen == stage.states | {"new"}


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
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", place], capture_output=True, text=True)
    if mounted.returncode:  # not `lacking`: a container cannot be given this right by installing something
        pytest.skip(f"needs the right to mount a small file system: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.root
def test_a_full_disk_leaves_the_old_version_answering_and_a_later_build_succeeds(small_disk: Path, tmp_path: Path) -> None:
    stage = Stage(tmp_path, first=False)
    stage.index = small_disk / "index"
    stage.publish("live")
    filler = small_disk / "filler"
    failures: list[str] = []
    with filler.open("wb") as file:
        free = shutil.disk_usage(small_disk).free
        file.write(b"x" * free)
    for spare in range(0, 200_000, 8192):
        with filler.open("r+b") as file:
            file.truncate(max(0, free - spare))
        try:
            stage.publish("new")
        except BuildFailed as error:
            failures.append(str(error))
            assert stage.state() == "live"
        else:
            break
    assert len(failures) > 2
    assert [said for said in failures if "No space left" not in said] == []
    assert stage.state() == "new"
