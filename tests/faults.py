"""Disks that fail: stand-ins for `os` at the index's door to the disk (index/disk.py, index/lock.py, index/reuse.py).

`FailingDisk` makes the k-th step fail. `RecordedDisk` does every step and remembers it, and `after_power_cut` builds the
folder that could be found after the power was cut at any of them: what was not fsynced may be lost, file by file and
name by name.
"""

import errno
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

DOORS = ("index.disk.os", "index.lock.os", "index.reuse.os")
STEPS = ("open", "write", "fsync", "replace", "rename", "unlink", "mkdir", "rmdir", "ftruncate")
"""What changes a disk, or can be refused by it."""


@contextmanager
def standing_in(disk: Any) -> Iterator[None]:
    """`disk` in the place of `os`."""
    with pytest.MonkeyPatch.context() as patch:
        for door in DOORS:
            patch.setattr(door, disk)
        yield


class FailingDisk:
    """Step number `fails` raises, and all after it where `for_good`; a write that fails has written half."""

    def __init__(self, fails: int, for_good: bool, number: int = errno.ENOSPC) -> None:
        self.fails, self.for_good, self.number, self.steps = fails, for_good, number, 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in STEPS:
            return real

        def step(*arguments: Any, **options: Any) -> Any:
            self.steps += 1
            if self.steps == self.fails or (self.for_good and self.steps > self.fails):
                if name == "write":
                    os.write(arguments[0], bytes(arguments[1][: len(arguments[1]) // 2]))
                raise OSError(self.number, os.strerror(self.number), str(arguments[0]))
            return real(*arguments, **options)

        return step


@dataclass
class Node:
    """A file or folder: what it holds now, and what the disk would still have."""

    content: Any
    kept: Any = None

    def sync(self) -> None:
        self.kept = dict(self.content) if isinstance(self.content, dict) else self.content


@dataclass
class RecordedDisk:
    """Does every step, and replays the first n of them on a model of the disk."""

    root: Path
    log: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    _names: dict[int, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.before = _read(self.root)

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in STEPS:
            return real

        def step(*arguments: Any, **options: Any) -> Any:
            there = name == "open" and Path(arguments[0]).exists()
            result = real(*arguments, **options)
            if name == "open":
                self._names[result] = Path(arguments[0])
                if not there:
                    self.log.append(("create", (Path(arguments[0]),)))
            elif name in ("write", "fsync", "ftruncate"):
                written = bytes(arguments[1])[:result] if name == "write" else arguments[1:]
                self.log.append((name, (self._names[arguments[0]], written)))
            else:
                self.log.append((name, tuple(Path(argument) for argument in arguments[:2] if not isinstance(argument, int))))
            return result

        return step

    def after_power_cut(self, steps: int, target: Path, chance: random.Random | None) -> None:
        """Write into `target` what the disk holds if the power is cut after `steps` steps.

        Without `chance` everything that was not fsynced is lost; with it each name and content is the old or the new one.
        """
        root = self.before_as_node()
        for name, arguments in self.log[:steps]:
            _replay(root, self.root, name, arguments)
        _write(root, target, chance)

    def before_as_node(self) -> Node:
        """The folder as it was before the first step, all of it on the disk."""
        return _node(self.before)


def _read(path: Path) -> Any:
    return {child.name: _read(child) for child in path.iterdir()} if path.is_dir() else path.read_bytes()


def _node(content: Any) -> Node:
    node = Node({name: _node(child) for name, child in content.items()} if isinstance(content, dict) else content)
    node.sync()
    return node


def _find(root: Node, base: Path, path: Path) -> Node:
    node = root
    for part in path.relative_to(base).parts:
        node = node.content[part]
    return node


def _replay(root: Node, base: Path, name: str, arguments: tuple[Any, ...]) -> None:
    path = arguments[0]
    if not path.is_relative_to(base):
        return
    if name == "fsync":
        _find(root, base, path).sync()
    elif name == "write":
        _find(root, base, path).content += arguments[1]
    elif name == "ftruncate":
        node = _find(root, base, path)
        node.content = node.content[: arguments[1][0]]
    else:
        folder = _find(root, base, path.parent).content
        if name in ("create", "mkdir"):
            folder[path.name] = Node(b"" if name == "create" else {}, b"" if name == "create" else {})
        elif name in ("unlink", "rmdir"):
            del folder[path.name]
        else:
            _find(root, base, arguments[1].parent).content[arguments[1].name] = folder.pop(path.name)


def _write(node: Node, target: Path, chance: random.Random | None) -> None:
    if not isinstance(node.content, dict):
        whole = node.content if chance and chance.random() < 0.5 else node.kept
        target.write_bytes(whole)
        return
    target.mkdir()
    for name in sorted({*node.content, *node.kept}):
        now, then = node.content.get(name), node.kept.get(name)
        found = now if chance and chance.random() < 0.5 else then
        if found is not None:
            _write(found, target / name, chance)
