"""The one door to the disk for everything that is written below the index folder.

Each function is whole or raises OSError, and what it returned from has reached the disk, not only the system's cache:
a file is fsynced before it is named in a folder that is fsynced. The tests stand at this door: they make the k-th of
its calls fail, and they lose what was not fsynced.
"""

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

MEND = "Run `tanya index rollback` for an older version, or `tanya index build`."
"""What to do where a version is damaged, as errors say it."""

BLOCK = 1 << 20
"""Bytes of one write: a full disk is noticed there, and a file is never held twice."""


def write_file(path: Path, content: bytes | Iterable[bytes]) -> str:
    """Write a new file and fsync it; its SHA-256. The folder's entry is not yet fsynced: see `sync_folder`."""
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        for part in [content] if isinstance(content, bytes) else content:
            digest.update(part)
            write_all(descriptor, part)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def write_all(descriptor: int, content: bytes) -> None:
    """All of `content`: the system may take less of it at a time."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest[:BLOCK]) :]


def replace_file(path: Path, content: bytes) -> None:
    """Replace `path` in one step; a reader sees the old content or the new one, after a power cut too."""
    draft = path.with_name(f".{path.name}.new")
    remove_file(draft)
    write_file(draft, content)
    os.replace(draft, path)
    sync_folder(path.parent)


def make_folders(folder: Path) -> None:
    """Make `folder` and those above it, each with its entry fsynced."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    try:
        os.mkdir(folder)
    except FileExistsError:  # another process was faster
        return
    sync_folder(folder.parent)


def move(source: Path, target: Path) -> None:
    """Rename a file or folder; both folders' entries are fsynced."""
    os.rename(source, target)
    sync_folder(target.parent)
    if source.parent != target.parent:
        sync_folder(source.parent)


def remove_file(path: Path) -> None:
    """Remove a file, if it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it, if it is there; links are removed, not followed."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if stat.S_ISDIR(entry.stat(follow_symlinks=False).st_mode):
            remove_tree(Path(entry.path))
        else:
            remove_file(Path(entry.path))
    os.rmdir(folder)


def sync_folder(folder: Path) -> None:
    """Bring the folder's entries to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reason_of(error: OSError) -> str:
    """What the system says, without the path; what a library says of a write that was cut short has no number and is all there is."""
    return error.strerror or str(error)


def sha256_of(path: Path) -> str | None:
    """The SHA-256 of a file, or None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
