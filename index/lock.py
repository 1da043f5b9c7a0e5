"""Who builds, and who reads: locks that the kernel takes back when their process ends, however it ends.

A lock is on an open file (flock), so a file that lies there after a crash locks nothing, and nobody has to guess
whether a process id still belongs to the one that wrote it. The file's text only says who holds it.
"""

import contextlib
import fcntl
import json
import os
import socket
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from corpus.errors import BuildFailed, IndexBusy
from index.disk import make_folders, reason_of, write_all

LOCK = "lock"
PAUSE, SHARE_TRIES = 0.2, 50
"""Seconds between two tries where one waits; tries of a reader, a tenth of that apart, which never has to wait for long."""


class Lease:
    """A lock on a version's folder: shared while it is read, exclusive while it is removed. Ends with the object."""

    def __init__(self, folder: Path, exclusive: bool = False) -> None:
        """Raises BlockingIOError where the other kind is held, FileNotFoundError where the folder is gone."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if exclusive:
                _lock(descriptor, fcntl.LOCK_EX)
            else:
                _share(descriptor)
            if not os.path.samestat(os.fstat(descriptor), folder.stat()):
                raise FileNotFoundError(f"{folder} was replaced.")
        except OSError:
            os.close(descriptor)
            raise
        self.end = weakref.finalize(self, os.close, descriptor)
        """Gives the lock back, once."""


def _lock(descriptor: int, kind: int) -> None:
    fcntl.flock(descriptor, kind | fcntl.LOCK_NB)


def _share(descriptor: int) -> None:
    """The other kind is held for a moment only: to see whether a version is used, or to move it away."""
    for _ in range(SHARE_TRIES):
        with contextlib.suppress(BlockingIOError):
            _lock(descriptor, fcntl.LOCK_SH)
            return
        time.sleep(PAUSE / 10)
    _lock(descriptor, fcntl.LOCK_SH)


def is_used(folder: Path) -> bool:
    """Whether somebody reads the version in `folder`."""
    try:
        Lease(folder, exclusive=True).end()
    except BlockingIOError:
        return True
    return False


@contextmanager
def build_lock(index_dir: Path, wait: bool = False, tell: Callable[[str], None] | None = None) -> Iterator[None]:
    """Held while the index is changed: one at a time, on all processes of the machine.

    Raises IndexBusy where another holds it, unless `wait`: then `tell` is told once who it is. BuildFailed where the
    folder refuses.
    """
    try:
        make_folders(index_dir)
        descriptor = os.open(index_dir / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise BuildFailed(f"The index folder {index_dir} cannot be written: {reason_of(error)}. Nothing was changed.") from error
    try:
        _acquire(descriptor, index_dir / LOCK, wait, tell)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, wait: bool, tell: Callable[[str], None] | None) -> None:
    told = False
    while True:
        try:
            _lock(descriptor, fcntl.LOCK_EX)
        except BlockingIOError:
            if not wait:
                raise IndexBusy(f"{path} is held by {_owner(path)}. Wait for it, or end that process.") from None
            if tell and not told:
                tell(f"Waiting for {_owner(path)}.")
            told = True
            time.sleep(PAUSE)
        else:
            break
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
    try:
        os.ftruncate(descriptor, 0)
        write_all(descriptor, json.dumps(owner).encode())
    except OSError as error:
        raise BuildFailed(f"{path} cannot be written: {reason_of(error)}. Nothing was changed.") from error


def _owner(path: Path) -> str:
    try:
        owner = json.loads(path.read_text("utf-8"))
        return f"process {owner['pid']} on {owner['host']} since {owner['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # it may be just about to write its name
        return "another process"
