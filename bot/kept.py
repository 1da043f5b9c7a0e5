"""What is kept of use: questions that had no answer, or none to a part of them, and votes on answers, in one local SQLite file.

Neither an address nor an identity nor a conversation is kept, and of the time only the day. What is older than the retention time
is deleted at every write, at every reading, and by the server every ten minutes; `secure_delete` overwrites it on the disk.
A file of its own connection for each call: a few milliseconds, and another program may delete it all at any moment.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import snowballstemmer

from bot.answer import Answer
from bot.question import is_content
from corpus.errors import KeptUnwritable
from index.lexical import words

Rating = Literal["up", "down"]

MOST = 10_000
"""Rows of each table; the oldest go first. Whoever asks without end fills no disk."""

LONGEST_QUESTION = 500
"""Characters of a question that are kept; what is longer is pasted text."""

ALIKE = 0.5
"""Share of the words, of both questions together, that two questions of one group have in common."""

PARTLY = "partly"
"""Why a question is kept that had an answer: a part of it had none."""

_TABLES = """
create table if not exists gaps (day text not null, language text not null, reason text, question text not null);
create table if not exists votes (
    answer_id text primary key, day text not null, rating text not null, reason text, language text not null, question text not null,
    refused integer not null, documents text not null, index_version text not null
);
"""


@dataclass(frozen=True, slots=True)
class Gap:
    """A question without an answer, or with one to a part of it."""

    day: str
    language: str
    reason: str | None
    question: str


@dataclass(frozen=True, slots=True)
class Vote:
    """A vote on an answer, and what it was about."""

    answer_id: str
    day: str
    rating: str
    reason: str | None
    language: str
    question: str
    refused: bool
    documents: tuple[str, ...]
    index_version: str


@dataclass(frozen=True, slots=True)
class GapGroup:
    """Questions that ask for much the same, the latest first."""

    questions: tuple[str, ...]
    language: str
    reasons: tuple[str, ...]
    times: int
    latest: str


class Kept:
    """The file. `days` is the retention time in days, 0 keeping none. Every method raises KeptUnwritable where the disk refuses."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add_gap(self, answer: Answer, days: int) -> bool:
        """Keep the question of an answer that is none, or one to a part; whether it is kept."""
        if not answer.refused and not answer.missing:
            return False
        question = answer.standalone_question[:LONGEST_QUESTION]
        row = (_today(), answer.language, answer.refusal_reason if answer.refused else PARTLY, question)
        return self._add("insert into gaps values (?, ?, ?, ?)", row, days)

    def add_vote(self, answer: Answer, rating: Rating, reason: str | None, days: int) -> bool:
        """Keep a vote, in place of an earlier one on the same answer; whether it is kept."""
        documents = " ".join(dict.fromkeys(citation.doc_id for citation in answer.citations))
        row = (
            answer.answer_id, _today(), rating, reason, answer.language, answer.standalone_question[:LONGEST_QUESTION],
            answer.refused, documents, answer.index_version,
        )  # fmt: skip
        return self._add("insert or replace into votes values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row, days)

    def gaps(self, days: int) -> list[Gap]:
        """What had no answer, the latest first."""
        return [Gap(*row) for row in self._rows("select * from gaps order by rowid desc", days)]

    def votes(self, days: int) -> list[Vote]:
        """All votes, the latest first."""
        rows = self._rows("select * from votes order by rowid desc", days)
        return [_vote(*row) for row in rows]

    def forget_old(self, days: int) -> None:
        """Delete what is older than `days`."""
        if self.path.exists():
            with self._open() as file:
                _forget_before(file, days)

    def forget(self) -> int:
        """Delete everything, the file too; the number of rows that were there."""
        if not self.path.exists():
            return 0
        with self._open() as file:
            rows = sum(file.execute(f"select count(*) from {table}").fetchone()[0] for table in ("gaps", "votes"))  # noqa: S608
            file.execute("delete from gaps")
            file.execute("delete from votes")
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise KeptUnwritable(f"{self.path} was emptied and cannot be deleted: {error.strerror}.") from error
        return int(rows)

    def _add(self, statement: str, row: Sequence[object], days: int) -> bool:
        if days == 0:
            return False
        with self._open() as file:
            file.execute(statement, row)
            _forget_before(file, days)
            for table in ("gaps", "votes"):
                newest = f"select rowid from {table} order by rowid desc limit {MOST}"  # noqa: S608
                file.execute(f"delete from {table} where rowid not in ({newest})")  # noqa: S608
        return True

    def _rows(self, query: str, days: int) -> list[tuple[Any, ...]]:
        if not self.path.exists():
            return []
        with self._open() as file:
            _forget_before(file, days)
            return file.execute(query).fetchall()

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection whose changes are kept whole or not at all; the file is the owner's alone."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            with contextlib.closing(sqlite3.connect(self.path, timeout=5)) as file:
                file.execute("pragma secure_delete = on")
                file.executescript(_TABLES)
                with file:
                    yield file
        except (OSError, sqlite3.Error) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise KeptUnwritable(f"{self.path} cannot be used for feedback and gaps: {reason}. See TANYA_KEPT.") from error


def group_gaps(gaps: Sequence[Gap]) -> list[GapGroup]:
    """Gaps of one language that share most of their words, as one; what was asked most often first, then what was asked last."""
    groups: list[tuple[frozenset[str], list[Gap]]] = []
    for gap in gaps:
        stems = _stems(gap.question, gap.language)
        for theirs, members in groups:
            if members[0].language == gap.language and len(stems & theirs) >= ALIKE * len(stems | theirs):
                members.append(gap)
                break
        else:
            groups.append((stems, [gap]))
    grouped = [
        GapGroup(
            questions=tuple(dict.fromkeys(gap.question for gap in members)),
            language=members[0].language,
            reasons=tuple(dict.fromkeys(gap.reason or "" for gap in members)),
            times=len(members),
            latest=max(gap.day for gap in members),
        )
        for _, members in groups
    ]
    return sorted(sorted(grouped, key=lambda group: group.latest, reverse=True), key=lambda group: -group.times)


def _stems(question: str, language: str) -> frozenset[str]:
    stemmer = snowballstemmer.stemmer("indonesian" if language == "id" else "english")
    found = words(question)
    return frozenset(stemmer.stemWords([word for word in found if is_content(word)] or found))


def _forget_before(file: sqlite3.Connection, days: int) -> None:
    first = (date.fromisoformat(_today()) - timedelta(days=days - 1)).isoformat()
    for table in ("gaps", "votes"):
        file.execute(f"delete from {table} where day < ?", (first,))  # noqa: S608


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _vote(
    answer_id: str, day: str, rating: str, reason: str | None, language: str, question: str, refused: int, documents: str, version: str
) -> Vote:
    return Vote(answer_id, day, rating, reason, language, question, bool(refused), tuple(documents.split()), version)
