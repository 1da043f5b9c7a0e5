"""Versions of an index: one is live, some are kept, and whatever lies on the disk is told from what is whole."""

import contextlib
import hashlib
import json
import multiprocessing
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
import pytest
from click.testing import CliRunner

from corpus import load_corpus
from corpus.errors import IndexBusy, IndexDamaged, IndexMissing, IndexOutdated, VersionUnknown
from index import HashEmbedder, build_index, build_lock, list_versions, open_index, read_current, rollback, tidy, verify
from index.store import CURRENT, MANIFEST, VERSIONS
from index.version import TEXTS
from tests.conftest import Writer
from ui.cli import main


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def build(write: Writer, place: Path) -> Callable[[str], str]:
    """Builds a version in which en.sea says something, and gives its name."""

    def build(text: str) -> str:
        write("en/sea.md", f"# The sea\n\n{text}\n\n## Waves\n\nWaves come from wind. A wave carries no water along.")
        write("en/moon.md", "The moon has no air.")
        return build_index(load_corpus(write.folder).documents, place, HashEmbedder(), 20).version

    return build


def text(place: Path) -> str:
    return open_index(place).document("en.sea").text


def test_going_back_one_version_and_to_one_by_name(build: Callable[[str], str], place: Path) -> None:
    first, second, third = build("One."), build("Two."), build("Three.")
    assert "Three." in text(place)
    assert rollback(place).version == second
    assert "Two." in text(place)
    assert rollback(place).version == first
    with pytest.raises(VersionUnknown, match="No older"):
        rollback(place)
    assert rollback(place, third).version == third
    assert "Three." in text(place)
    for name in ("nowhere", "../versions/" + first, "", "."):
        if name:
            with pytest.raises(VersionUnknown, match=first):
                rollback(place, name)


def test_no_version_to_go_back_to(place: Path) -> None:
    with pytest.raises(IndexMissing):
        rollback(place)
    with pytest.raises(IndexMissing):
        tidy(place, 1)
    assert not place.exists()


def test_a_damaged_version_is_not_gone_back_to(build: Callable[[str], str], place: Path) -> None:
    first, second = build("One."), build("Two.")
    (place / VERSIONS / first / "chunks.npy").write_bytes(b"")
    with pytest.raises(IndexDamaged, match=first):
        rollback(place)
    assert read_current(place).name == second


@pytest.mark.parametrize("damage", ["", "nowhere\n", "../versions\n", "\0\xff", None])
def test_a_damaged_pointer_or_version_leaves_the_newest_whole_one_answering(
    build: Callable[[str], str], place: Path, damage: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = build("One."), build("Two.")
    if damage is None:
        (place / VERSIONS / second / MANIFEST).write_bytes(b"")
    else:
        (place / CURRENT).write_bytes(damage.encode("latin-1"))
    version = open_index(place)
    assert version.manifest.version == (first if damage is None else second)
    assert version.manifest.version in caplog.text
    assert build("One." if damage is None else "Two.") not in (first, second)  # what answers instead does not count as live
    assert verify(place) == []
    assert build("Three.") == open_index(place).manifest.version


def test_what_was_rolled_back_from_answers_only_where_nothing_else_is_whole(build: Callable[[str], str], place: Path) -> None:
    first, second, bad = build("One."), build("Two."), build("Bad.")
    rollback(place, second)
    (place / VERSIONS / second / MANIFEST).write_bytes(b"")
    assert open_index(place).manifest.version == first
    (place / VERSIONS / first / MANIFEST).write_bytes(b"")
    assert open_index(place).manifest.version == bad


def test_versions_are_kept_by_number_and_neither_the_live_nor_a_used_one_goes(build: Callable[[str], str], place: Path) -> None:
    names = [build(f"Version {i}.") for i in range(6)]
    rollback(place, names[1])
    reader = open_index(place)
    rollback(place, names[2])
    assert tidy(place, 1) == [names[4], names[3], names[0]]
    states = {state.name: state for state in list_versions(place)}
    assert set(states) == {names[1], names[2], names[5]}
    assert {name for name, state in states.items() if state.live} == {names[2]}
    assert {name for name, state in states.items() if state.used} == {names[1]}
    assert "Version 1." in reader.document("en.sea").text
    del reader
    assert tidy(place, 0) == [names[5], names[1]]
    assert [path.name for path in (place / VERSIONS).iterdir()] == [names[2]]


def test_nothing_is_removed_while_it_is_not_known_what_is_live(build: Callable[[str], str], place: Path) -> None:
    for i in range(3):
        build(f"Version {i}.")
    (place / CURRENT).write_bytes(b"")
    with pytest.raises(IndexDamaged):
        tidy(place, 0)
    assert len(list((place / VERSIONS).iterdir())) == 3


def test_another_format_is_named_and_built_anew(build: Callable[[str], str], place: Path) -> None:
    first = build("One.")
    manifest = place / VERSIONS / first / MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 1}))
    with pytest.raises(IndexOutdated, match="format 1"):
        open_index(place)
    assert verify(place)
    assert build("One.") != first
    assert verify(place) == []


def hold(place: str, held: "multiprocessing.synchronize.Event") -> None:
    with build_lock(Path(place)):
        held.set()
        time.sleep(60)


@pytest.fixture
def holder(place: Path) -> "multiprocessing.process.BaseProcess":
    """Another process that holds the build lock."""
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    process = context.Process(target=hold, args=(str(place), held), daemon=True)
    process.start()
    assert held.wait(30)
    return process


def test_a_second_build_says_who_holds_the_lock_and_a_dead_holder_is_no_obstacle(
    holder: "multiprocessing.process.BaseProcess", build: Callable[[str], str], place: Path
) -> None:
    with pytest.raises(IndexBusy, match=f"process {holder.pid} on .* since 2"):
        build("One.")
    assert holder.pid
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    assert str(holder.pid) in (place / "lock").read_text()
    assert build("One.") == read_current(place).name


def test_one_that_waits_is_told_for_whom_and_goes_on(holder: "multiprocessing.process.BaseProcess", place: Path) -> None:
    told: list[str] = []

    def wait() -> None:
        with build_lock(place, wait=True, tell=told.append):
            told.append("mine")

    thread = threading.Thread(target=wait)
    thread.start()
    while not told:
        time.sleep(0.01)
    holder.kill()
    holder.join()
    thread.join(30)
    assert told == [f"Waiting for process {holder.pid} on {told[0].split(' on ')[1][:-1]}.", "mine"]


def alter(folder: Path, name: str, content: bytes) -> None:
    """Change a file and its hash: what hashes alone do not find."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][name] = hashlib.sha256(content).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(manifest))


def changed(statement: str) -> Callable[[bytes], bytes]:
    """Of the content of an SQLite file."""

    def change(content: bytes) -> bytes:
        with contextlib.closing(sqlite3.connect(":memory:")) as connection:
            connection.deserialize(content)
            connection.execute(statement)
            connection.commit()
            return connection.serialize()

    return change


def doubled_row(content: bytes) -> bytes:
    row = np.frombuffer(content[-256:], np.float32) * 2
    return content[:-256] + row.tobytes()


def turned(content: bytes) -> bytes:
    """Of an exact FAISS index: its rows in the opposite order."""
    index = faiss.deserialize_index(np.frombuffer(content, np.uint8))
    rows = index.reconstruct_n(0, index.ntotal)[::-1]
    index.reset()
    index.add(np.ascontiguousarray(rows))
    found: bytes = faiss.serialize_index(index).tobytes()
    return found


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (TEXTS, changed("UPDATE chunks SET start = 1 WHERE row = 0"), "is not what its document says"),
        (TEXTS, changed("DELETE FROM chunks WHERE row = 0"), "counts differ"),
        (TEXTS, changed("UPDATE chunks SET row = 90 WHERE row = 0"), "has no row 0"),
        (TEXTS, changed('UPDATE sentences SET "end" = 900 WHERE row = 0'), "outside its document"),
        (TEXTS, changed("UPDATE sentences SET doc_id = 'en.see' WHERE row = 0"), "outside its document"),
        (TEXTS, changed("UPDATE sentences SET keys = '[' WHERE row = 0"), "cannot be read"),
        (TEXTS, changed("UPDATE documents SET record = '{}'"), "cannot be read"),
        (TEXTS, changed("UPDATE documents SET text = CAST(x'ff' AS TEXT)"), "cannot be read"),
        (TEXTS, changed("DELETE FROM documents"), "counts differ"),
        (TEXTS, changed("DROP TABLE sentences"), "cannot be read"),
        (TEXTS, lambda content: b"{", "cannot be read"),
        (TEXTS, lambda content: content[:4096] + bytes(len(content) - 4096), "cannot be read"),
        ("chunks.npy", doubled_row, "no unit vector"),
        ("sentences.npy", lambda content: content[:-4] + b"\0\0\xc0\x7f", "no unit vector"),
        ("chunks.npy", lambda content: content + b"0000", "cannot be read"),
        ("chunks.npy", lambda content: content.replace(b"<f4", b"<i4"), "cannot be read"),
        ("chunks.faiss", lambda content: content[:50], "cannot be read"),
        ("chunks.faiss", turned, "chunks.faiss, row 1: is not that row of chunks.npy"),
        ("lexical/params.index.json", lambda content: content.replace(b'"num_docs": ', b'"num_docs": 1'), "has the words of 1"),
    ],
)
def test_what_hashes_do_not_find_is_found(
    build: Callable[[str], str], place: Path, name: str, change: Callable[[bytes], bytes], said: str
) -> None:
    folder = place / VERSIONS / build("The sea is salt. It is deep.")
    assert verify(place) == []
    alter(folder, name, change((folder / name).read_bytes()))
    assert any(said in fault for fault in verify(place)), verify(place)


def test_a_stray_file_is_found(build: Callable[[str], str], place: Path) -> None:
    (place / VERSIONS / build("One.") / "stray").write_text("")
    assert verify(place) == ["stray: not in the manifest"]


def test_an_empty_index_is_whole_and_finds_nothing(place: Path) -> None:
    from index import Retriever

    build_index([], place, HashEmbedder())
    assert verify(place) == []
    assert Retriever(open_index(place), HashEmbedder()).search("anything") == []


def tanya(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, words)
    return result.exit_code, result.stdout, result.stderr


def test_the_commands_say_what_they_did(build: Callable[[str], str], place: Path) -> None:
    first, second = build("One."), build("Two.")
    where = ("--index", str(place))
    code, out, _ = tanya("index", "status", *where, "--json")
    said = json.loads(out)
    assert (code, said["version"], [row["name"] for row in said["versions"]]) == (0, second, [second, first])
    assert said["live_since"].startswith("2")
    assert second in tanya("index", "status", *where)[1]
    assert tanya("index", "verify", *where)[0] == 0
    assert json.loads(tanya("index", "rollback", *where, "--json")[1])["version"] == first
    assert tanya("index", "rollback", *where)[0] == 1
    assert json.loads(tanya("index", "gc", "--keep", "0", *where, "--json")[1]) == {"removed": [second]}
    (place / VERSIONS / first / "chunks.npy").write_bytes(b"")
    code, out, _ = tanya("index", "verify", *where, "--json")
    assert (code, len(json.loads(out)["faults"])) == (1, 1)
    code, out, err = tanya("index", "verify", *where, "nowhere")
    assert (code, out) == (1, "")
    assert "tanya index status" in err
