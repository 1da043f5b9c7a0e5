"""The index folder: its versions, and the one small file that says which of them is live.

    INDEX/current                the name of the live version, when it became that, and after a rollback what was left; replaced in one step
    INDEX/versions/NAME/         versions that are or were live (index/version.py says what is in them)
    INDEX/building/NAME/         the version that is being built; whatever lies there without a builder is removed
    INDEX/aside/NAME/            versions that were built and did not pass the gate
    INDEX/trash/NAME/            versions being removed
    INDEX/reports/NAME.json      what a build changed
    INDEX/suggestions.json       what readers may be offered to ask (bot/suggest.py)
    INDEX/embedded-….bin         vectors of a build that was cut off
    INDEX/lock                   held by the one process that changes any of this

Readers take no lock that could make them wait: they hold a lease on the version that they opened, which keeps it from
being removed, and see a new one when they open the index again.
"""

import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from corpus.errors import (
    BuildFailed,
    IndexDamaged,
    IndexMissing,
    IndexOutdated,
    ModelMismatch,
    SearchIndexError,
    StoreUnavailable,
    VersionUnknown,
)
from index.disk import MEND, make_folders, move, reason_of, remove_file, remove_tree, replace_file
from index.lock import Lease, build_lock, is_used
from index.vector_store import FAISS, VectorStore
from index.version import BUILD, FORMAT, MANIFEST, IndexVersion, Manifest, faults_of, load_version, manifest_of, stated_documents

__all__ = [
    "CURRENT", "FORMAT", "MANIFEST", "VERSIONS", "IndexVersion", "Live", "Manifest", "VersionState", "collect", "is_used", "list_versions",
    "make_current", "open_index", "read_current", "read_manifest", "rollback", "tidy", "verify",
]  # fmt: skip

LOG = logging.getLogger("tanya")

CURRENT, VERSIONS, BUILDING, ASIDE, TRASH, REPORTS = "current", "versions", "building", "aside", "trash", "reports"
TRIES, PAUSE = 20, 0.01
"""How often a reader looks again when the version it was about to open is removed under it: each time is a whole swap."""


@dataclass(frozen=True, slots=True)
class Live:
    """What `current` says: the version's name, and when it became the live one (ISO, UTC).

    `left` are the newer versions that a rollback left behind: name -> digest of their texts. They are not built again.
    """

    name: str
    since: str
    left: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VersionState:
    """One version on disk. `manifest` is None where it cannot be read; `place` is versions or aside."""

    name: str
    place: str
    manifest: Manifest | None
    live: bool
    used: bool
    bytes: int


def read_current(index_dir: Path) -> Live:
    """Which version is live. Raises IndexMissing where none is, IndexDamaged where the file does not say."""
    try:
        lines = (index_dir / CURRENT).read_text("utf-8").split()
    except FileNotFoundError:
        raise IndexMissing(f"There is no index in {index_dir} yet. {BUILD}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexDamaged(f"{index_dir / CURRENT} cannot be read. {MEND}") from error
    if not lines or Path(lines[0]).name != lines[0] or lines[0].startswith("."):
        raise IndexDamaged(f"{index_dir / CURRENT} names no version. {MEND}")
    left = dict(line.split(":", 1) for line in lines[2:] if ":" in line)
    return Live(lines[0], lines[1] if len(lines) > 1 else "", left)


def read_manifest(index_dir: Path) -> tuple[Path, Manifest]:
    """The live version's folder and manifest, its files unchecked. Raises like `open_index`, ModelMismatch aside."""
    folder = index_dir / VERSIONS / read_current(index_dir).name
    return folder, manifest_of(folder)


def live_documents(index_dir: Path) -> int:
    """How many documents the live version has, though it be of an older format or damaged; 0 where that cannot be told."""
    try:
        return stated_documents(index_dir / VERSIONS / read_current(index_dir).name)
    except (IndexMissing, IndexDamaged):
        return 0


def open_index(index_dir: Path, model: str | None = None, store: VectorStore = FAISS) -> IndexVersion:
    """Open the live version; where that one is damaged, the newest kept one that is whole, with a warning.

    Raises IndexMissing, IndexDamaged, IndexOutdated or StoreUnavailable, and ModelMismatch where it was not built with `model`.
    """
    try:
        version = _open_live(index_dir, store)
    except IndexDamaged as error:
        version = _newest_whole(index_dir, model, error, store)
    if model is not None and version.manifest.model != model:
        raise ModelMismatch(f"The index in {index_dir} was built with {version.manifest.model!r}, the model now is {model!r}. {BUILD}")
    return version


def _open_live(index_dir: Path, store: VectorStore) -> IndexVersion:
    for tried in range(TRIES):
        time.sleep(PAUSE * bool(tried))
        folder = index_dir / VERSIONS / read_current(index_dir).name
        try:
            return load_version(folder, Lease(folder), store)
        except BlockingIOError:
            continue  # it is being removed: another one is live by now
        except OSError:
            if not folder.exists() and folder.name != read_current(index_dir).name:
                continue
            break
    raise IndexDamaged(f"{folder} is missing or cannot be opened. {MEND}")


def _newest_whole(index_dir: Path, model: str | None, damage: IndexDamaged, store: VectorStore) -> IndexVersion:
    """The newest version that is whole; one that a rollback left behind only where there is no other."""
    left: Mapping[str, str] = {}
    with contextlib.suppress(IndexMissing, IndexDamaged):
        left = read_current(index_dir).left
    newest = list(reversed(_names(index_dir / VERSIONS)))
    for name in sorted(newest, key=lambda name: name in left):
        folder = index_dir / VERSIONS / name
        with contextlib.suppress(IndexDamaged, IndexOutdated, OSError):
            version = load_version(folder, Lease(folder), store)
            if model in (None, version.manifest.model):
                LOG.warning("%s Version %s answers instead.", damage, name)
                return version
    raise damage


def make_current(index_dir: Path, version: str, left: Mapping[str, str] | None = None) -> None:
    """Name `version` as the live one, and what is left behind for it, atomically and durably; OSError passes through."""
    lines = [version, datetime.now(UTC).isoformat(timespec="seconds"), *(f"{name}:{digest}" for name, digest in (left or {}).items())]
    replace_file(index_dir / CURRENT, "".join(f"{line}\n" for line in lines).encode())


def go_live(index_dir: Path, name: str, store: VectorStore, left: Mapping[str, str] | None = None) -> None:
    """`make_current`, `store` first: where that does not answer, the old version stays live. OSError passes through."""
    store.switch(name)
    try:
        make_current(index_dir, name, left)
    except OSError:
        with contextlib.suppress(SearchIndexError):
            store.switch(read_current(index_dir).name)
        raise


def accept(index_dir: Path, name: str, store: VectorStore = FAISS) -> None:
    """Make the finished version `building/NAME`, which `store` has, the live one. The caller holds the lock; OSError passes through."""
    make_folders(index_dir / VERSIONS)
    move(index_dir / BUILDING / name, index_dir / VERSIONS / name)
    go_live(index_dir, name, store)


def set_aside(index_dir: Path, name: str) -> Path:
    """Keep the finished version `building/NAME` where no reader finds it. The caller holds the build lock."""
    make_folders(index_dir / ASIDE)
    move(index_dir / BUILDING / name, index_dir / ASIDE / name)
    return index_dir / ASIDE / name


def discard(index_dir: Path, name: str, store: VectorStore = FAISS) -> None:
    """Remove a version that did not become live, as far as the disk and `store` let us; what is left is removed by the next build."""
    try:
        if read_current(index_dir).name == name:  # the step was taken, only not confirmed: the version must stay
            return
    except IndexMissing:
        pass
    except IndexDamaged:  # who knows whether it names this one
        return
    with contextlib.suppress(OSError, StoreUnavailable):  # a folder stays as long as the store has its version
        if (index_dir / VERSIONS / name).is_dir():
            _remove(index_dir, VERSIONS, name, store)
            return
        store.drop(name)
        remove_tree(index_dir / BUILDING / name)


def clear_leftovers(index_dir: Path, store: VectorStore = FAISS) -> None:
    """Remove what a dead build or removal left. The caller holds the build lock."""
    for place in (BUILDING, TRASH):
        with contextlib.suppress(OSError, StoreUnavailable):  # a folder stays as long as the store has its version
            for name in _names(index_dir / place):
                store.drop(name)
            remove_tree(index_dir / place)
    with contextlib.suppress(OSError):
        for draft in (index_dir / REPORTS).glob(".*.new"):
            remove_file(draft)


def list_versions(index_dir: Path) -> list[VersionState]:
    """All versions on disk, newest first."""
    live = None
    with contextlib.suppress(IndexMissing, IndexDamaged):
        live = read_current(index_dir).name
    states = []
    for place in (VERSIONS, ASIDE):
        for name in reversed(_names(index_dir / place)):
            folder = index_dir / place / name
            manifest = None
            with contextlib.suppress(IndexDamaged, IndexOutdated):
                manifest = manifest_of(folder)
            with contextlib.suppress(FileNotFoundError):  # removed while we look
                size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
                states.append(VersionState(name, place, manifest, place == VERSIONS and name == live, is_used(folder), size))
    return states


def verify(index_dir: Path, name: str | None = None, store: VectorStore = FAISS) -> list[str]:
    """What is wrong with the live version, or the one of that name: every hash, offset and row, and `store`. Empty if it is sound.

    Raises IndexMissing where nothing is live, VersionUnknown where there is no such version.
    """
    try:
        folder = _folder(index_dir, name) if name else index_dir / VERSIONS / read_current(index_dir).name
        faults = faults_of(load_version(folder, Lease(folder), FAISS if folder.parent.name == ASIDE else store), folder)
        return faults if name else faults + store.faults(folder.name)
    except (IndexDamaged, IndexOutdated, StoreUnavailable) as error:
        return [str(error)]
    except OSError as error:
        return [f"{folder} cannot be opened ({reason_of(error)})."]


def rollback(index_dir: Path, name: str | None = None, store: VectorStore = FAISS) -> Manifest:
    """Make a kept version live again: the one of that name, else the newest that is older than the live one.

    It stays until the corpus changes: see `Live.left`.

    Its hashes are checked first, and `store` takes it in where it has not got it (any more); so the live version may be named
    too. Raises VersionUnknown, IndexDamaged, IndexOutdated, IndexBusy, StoreUnavailable, and BuildFailed where the
    disk refuses.
    """
    if not (index_dir / VERSIONS).is_dir():
        raise IndexMissing(f"There is no index in {index_dir} yet. {BUILD}")
    with build_lock(index_dir):
        folder = index_dir / VERSIONS / (name or _older(index_dir))
        if folder.name not in _names(index_dir / VERSIONS) or folder.parent != index_dir / VERSIONS:
            raise VersionUnknown(f"{name} is not among the kept versions: {', '.join(_names(index_dir / VERSIONS)) or 'none'}.")
        try:
            version = load_version(folder, Lease(folder), store, add=True)
            go_live(index_dir, folder.name, store, _left_for(index_dir, folder.name))
        except OSError as error:
            why = f"the disk did not confirm it: {reason_of(error)}"
            raise BuildFailed(f"{folder.name} may not be live, {why}. `tanya index status` says which version is.") from error
        return version.manifest


def _left_for(index_dir: Path, target: str) -> dict[str, str]:
    """The versions newer than `target` that are live or were left before, with their digests, as far as that can be read."""
    left: dict[str, str] = {}
    with contextlib.suppress(IndexMissing, IndexDamaged, IndexOutdated):
        live = read_current(index_dir)
        left |= live.left
        left[live.name] = manifest_of(index_dir / VERSIONS / live.name).corpus_sha256
    return {name: digest for name, digest in left.items() if name > target}


def _older(index_dir: Path) -> str:
    names = _names(index_dir / VERSIONS)
    with contextlib.suppress(IndexDamaged):
        live = read_current(index_dir).name
        names = [name for name in names if name < live]
    if not names:
        raise VersionUnknown(f"No older version is kept in {index_dir}.")
    return names[-1]


def collect(index_dir: Path, keep: int, store: VectorStore = FAISS) -> list[str]:
    """Remove all but the newest `keep` versions beside the live one, and as many of those set aside; the names removed.

    A version that is live or that anybody reads stays, and so does everything if it is not known which one is live.
    The caller holds the build lock; OSError passes through, StoreUnavailable is raised.
    """
    clear_leftovers(index_dir, store)
    live = read_current(index_dir).name
    removed = []
    for place in (VERSIONS, ASIDE):
        old = [name for name in reversed(_names(index_dir / place)) if place == ASIDE or name != live]
        removed += [name for name in old[keep:] if _remove(index_dir, place, name, store)]
    kept = {*_names(index_dir / VERSIONS), *_names(index_dir / ASIDE)}
    for report in (index_dir / REPORTS).glob("*.json"):
        if report.stem not in kept:
            remove_file(report)
    return removed


def tidy(index_dir: Path, keep: int, store: VectorStore = FAISS) -> list[str]:
    """`collect`, taking the build lock. Raises IndexBusy, StoreUnavailable, and BuildFailed where the disk refuses."""
    read_current(index_dir)
    with build_lock(index_dir):
        try:
            return collect(index_dir, keep, store)
        except OSError as error:
            raise BuildFailed(
                f"Not all old versions in {index_dir} could be removed: {reason_of(error)}. The live one is untouched."
            ) from error


def _remove(index_dir: Path, place: str, name: str, store: VectorStore) -> bool:
    folder = index_dir / place / name
    try:
        lease = Lease(folder, exclusive=True)
    except BlockingIOError:
        return False
    make_folders(index_dir / TRASH)
    move(folder, index_dir / TRASH / name)
    lease.end()
    store.drop(name)
    remove_tree(index_dir / TRASH / name)
    return True


def _folder(index_dir: Path, name: str) -> Path:
    for place in (VERSIONS, ASIDE):
        if name in _names(index_dir / place):
            return index_dir / place / name
    raise VersionUnknown(f"There is no version {name!r} in {index_dir}. `tanya index status` lists them.")


def _names(folder: Path) -> Sequence[str]:
    """The versions in a folder, oldest first: their names begin with the time."""
    try:
        return sorted(path.name for path in folder.iterdir() if path.is_dir())
    except FileNotFoundError:
        return []
