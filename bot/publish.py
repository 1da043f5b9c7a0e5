"""A new index version goes live only if it is whole and answers the golden questions no worse than the one before.

    the corpus -> plan -> a version beside the live one -> verified -> golden questions, old and new -> live, or set aside

Golden questions are the maintainer's: JSON lines of `{question, language?, doc_id?, quote?}`, where the answer has to
contain the quote and cite the document, or `{question, language?, refused: true}`. A question is worse if it was right
and is not any more; one is enough. The first version has nothing to be compared with: it is asked once it is live
(`record_answers`), so that its report has answers when a version of another model or format is compared with it.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

import corpus as corpus_package
import index as index_package
from bot.suggest import Ask
from corpus.errors import CorpusEmpty, CorpusShrunk, EvaluationInvalid, IndexDamaged, QuestionInvalid, SearchIndexError, StoreUnavailable
from corpus.load import Corpus, corpus_fingerprint, load_quiet_corpus
from index.build import CHUNK_TOKENS, Plan, build_failed, build_version, plan_build
from index.disk import make_folders, reason_of, replace_file
from index.embed import Embedder
from index.lock import build_lock
from index.reuse import forget_cut_off
from index.store import BUILDING, REPORTS, accept, clear_leftovers, collect, discard, live_documents, open_index, read_current, set_aside
from index.vector_store import FAISS, VectorStore
from index.version import IndexVersion, Manifest, faults_of, load_version

LOG = logging.getLogger("tanya")

GOLDEN = Path(__file__).parent / "golden.jsonl"
"""The questions over the shipped corpus."""

LEAST_SHARE = 0.5
"""A corpus with a smaller share of the live version's documents was lost, not edited: a folder not mounted, a wrong path."""

NAMED = 60
"""Characters of a question by which an error names it."""

Watch = Callable[[str, int], None]
"""Told ("start", texts) and ("step", texts) of a build, ("questions", count) and ("question", 1) of the gate; of what
follows, the same, and ("documents", count) and ("document", 1) of the look for questions to suggest."""


class GoldenQuestion(BaseModel):
    """A question with what its answer must hold."""

    model_config = ConfigDict(extra="forbid")
    question: str
    language: Literal["id", "en"] | None = None
    doc_id: str | None = None
    quote: str | None = None
    refused: bool = False


class GoldenAnswer(BaseModel):
    """What a version said to a golden question; `sources` are the documents that it cited."""

    answer: str
    sources: list[str]
    right: bool


class AnswerChange(BaseModel):
    """A golden question that two versions answer from different sources, or one of them wrongly."""

    question: str
    before: GoldenAnswer
    after: GoldenAnswer

    @property
    def worse(self) -> bool:
        """Whether it was right and is not any more."""
        return self.before.right and not self.after.right


class Report(BaseModel):
    """What a build did, or would do. `outcome` "aside" means that the old version stays live."""

    outcome: Literal["live", "unchanged", "aside", "planned"]
    version: str = ""
    previous: str = ""
    reason: str = ""
    added: list[str] = []
    changed: list[str] = []
    removed: list[str] = []
    left_out: list[str] = []
    texts: int = 0
    embedded: int = 0
    answers: dict[str, GoldenAnswer] = {}
    answer_changes: list[AnswerChange] = []
    made_of: str = ""
    """A digest of the files, settings and code that the version was made of: as long as it holds, nothing has to be read."""

    def text(self) -> str:
        """For a person to read."""
        lines = [_OUTCOMES[self.outcome].format(version=self.version, previous=self.previous)]
        lines += [self.reason] if self.reason else []
        for name in ("added", "changed", "removed", "left_out"):
            rows: list[str] = getattr(self, name)
            lines += [f"{name.replace('_', ' ')}: {len(rows)}", *(f"  {row}" for row in rows)] if rows else []
        if self.outcome != "unchanged":
            lines.append(f"texts: {self.texts}, of which {self.embedded} {'would be ' if self.outcome == 'planned' else ''}embedded")
        if self.answers:
            lines.append(f"golden questions: {sum(one.right for one in self.answers.values())} of {len(self.answers)} right")
        for change in self.answer_changes:
            lines.append(f"{'WORSE' if change.worse else 'changed'}: {change.question}")
            for when, said in (("before", change.before), ("after", change.after)):
                lines.append(f"  {when}: {said.answer} ({', '.join(said.sources) or 'no source'}; {'right' if said.right else 'wrong'})")
        return "\n".join(lines)


_OUTCOMES = {
    "live": "{version} went live.",
    "unchanged": "Nothing changed: {version} is live and stays.",
    "aside": "{version} was set aside and {previous} stayed live. `tanya index build --force` overrides.",
    "planned": "Nothing was written. A build would change this:",
}


_HELD = "The texts are those of {version}, from which the index was rolled back. `tanya index build --force` builds them again."


@dataclass(frozen=True, slots=True)
class Publication:
    """Where a version comes from, where it goes, and by what rules. `golden` None: no questions."""

    source: Path
    index_dir: Path
    golden: Path | None = None
    chunk_tokens: int = CHUNK_TOKENS
    keep: int = 3
    force: bool = False
    wait: bool = False
    store: VectorStore = FAISS
    tell: Callable[[str], None] = field(default=LOG.warning)


def plan(publication: Publication, embedder: Embedder) -> Report:
    """What `publish` would do; nothing is written, and no lock is taken."""
    if not publication.force and (known := _recorded(publication, _made_of(publication, embedder))):
        return known
    corpus, planned = _plan(publication, embedder)
    report = _report(planned, corpus)
    if planned.settled and not publication.force:
        return report
    refusal = "" if publication.force else _loss(planned, publication)
    return report.model_copy(update={"outcome": "planned", "reason": refusal or report.reason, "version": ""})


def publish(publication: Publication, embedder: Embedder, make_bot: Callable[[IndexVersion], Ask], watch: Watch | None = None) -> Report:
    """Build a version and make it live, or set it aside; `make_bot` gives what answers from a version.

    Raises what reading the corpus raises, CorpusShrunk, IndexBusy, EvaluationInvalid, StoreUnavailable, and BuildFailed where the
    disk refuses.
    """
    index_dir = publication.index_dir
    with build_lock(index_dir, publication.wait, publication.tell):
        made_of = _made_of(publication, embedder)
        if not publication.force and (known := _recorded(publication, made_of)):
            return known
        corpus, planned = _plan(publication, embedder)
        if planned.settled and not publication.force:
            report = _report(planned, corpus)
            if planned.unchanged and (old := read_report(index_dir, report.version)):
                _amend_report(index_dir, old.model_copy(update={"made_of": made_of}))
            return report
        if not publication.force and (loss := _loss(planned, publication)):
            raise CorpusShrunk(loss)
        questions = read_golden(publication.golden) if publication.golden else []
        clear_leftovers(index_dir, publication.store)
        tell = watch or (lambda event, count: None)
        version = ""
        try:
            report = _report(planned, corpus).model_copy(update={"made_of": made_of})
            manifest = build_version(planned, index_dir, embedder, lambda n: tell("step", n), lambda n: tell("start", n))
            version = manifest.version
            candidate = _verified(index_dir, manifest, publication.store)
            report = report.model_copy(update={"outcome": "live", "version": version})
            report = _gate(report, planned, candidate, questions, make_bot, index_dir, tell)
            return _switch(report, publication)
        except OSError as error:
            raise build_failed(index_dir, version, error) from error
        finally:
            if version:
                discard(index_dir, version, publication.store)


def read_golden(path: Path) -> list[GoldenQuestion]:
    """The questions of a file. Raises EvaluationInvalid, naming the line."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationInvalid(f"The golden questions {path} cannot be read ({error}). Check TANYA_GOLDEN.") from error
    questions = []
    for number, line in enumerate(lines, start=1):
        try:
            questions += [GoldenQuestion.model_validate_json(line)] if line.strip() else []
        except ValidationError as error:
            raise EvaluationInvalid(f"{path}, line {number}: {error.errors()[0]['msg']}.") from error
    return questions


def ask_golden(questions: Sequence[GoldenQuestion], ask: Ask, tell: Watch | None = None) -> dict[str, GoldenAnswer]:
    """What `ask` says to each question, and whether that is right. Raises EvaluationInvalid where one cannot be asked."""
    answers = {}
    for golden in questions:
        try:
            said = ask(golden.question, golden.language)
        except QuestionInvalid as error:
            start = golden.question[:NAMED]
            raise EvaluationInvalid(f"The golden question {start!r} cannot be asked. {error} Check TANYA_GOLDEN.") from error
        sources = sorted({citation.doc_id for citation in said.citations})
        found = not said.refused and (golden.quote or "") in said.answer and golden.doc_id in (None, *sources)
        answers[golden.question] = GoldenAnswer(answer=said.answer, sources=sources, right=said.refused if golden.refused else found)
        if tell:
            tell("question", 1)
    return answers


def unasked(index_dir: Path, version: str, golden: Path | None) -> list[GoldenQuestion]:
    """The golden questions to which the report of `version` has no answer; none where it has no report. Raises EvaluationInvalid."""
    report = read_report(index_dir, version)
    return [one for one in read_golden(golden) if one.question not in report.answers] if golden and report else []


def record_answers(
    index_dir: Path, version: str, golden: Path | None, ask: Ask, tell: Watch, ended: Callable[[], bool] = lambda: False
) -> None:
    """Ask `version`, which is live, what it was not yet asked, and put the answers into its report; nothing if it has `ended` before.

    Raises EvaluationInvalid, and what `ask` raises.
    """
    answers: dict[str, GoldenAnswer] = {}
    if questions := unasked(index_dir, version, golden):
        tell("questions", len(questions))
    for question in questions:
        if ended():
            return
        answers |= ask_golden([question], ask, tell)
    if answers and (report := read_report(index_dir, version)):
        _amend_report(index_dir, report.model_copy(update={"answers": report.answers | answers}))


def read_report(index_dir: Path, version: str) -> Report | None:
    """The report of a build, if it is kept."""
    try:
        return Report.model_validate_json((index_dir / REPORTS / f"{version}.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _made_of(publication: Publication, embedder: Embedder) -> str:
    digest = hashlib.sha256(f"{corpus_fingerprint(publication.source)} {embedder.identity} {publication.chunk_tokens}".encode())
    for package in (corpus_package, index_package):
        for path in sorted(Path(package.__file__ or "").parent.glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _recorded(publication: Publication, made_of: str) -> Report | None:
    """That nothing changed, where the live version is sound and was made of just this."""
    try:
        live = open_index(publication.index_dir).manifest.version
        report = read_report(publication.index_dir, live) if read_current(publication.index_dir).name == live else None
    except SearchIndexError:
        return None
    if report is None or report.made_of != made_of:
        return None
    kept = report.model_dump(include={"version", "left_out", "texts"})
    return Report(outcome="unchanged", previous=live, **kept)


def _plan(publication: Publication, embedder: Embedder) -> tuple[Corpus, Plan]:
    try:
        corpus = load_quiet_corpus(publication.source)
    except CorpusEmpty as error:
        if not publication.force:
            raise CorpusEmpty(f"{error}\n{_kept(publication.index_dir)}") from error
        corpus = Corpus(())
    return corpus, plan_build(
        corpus.documents, publication.index_dir, embedder, publication.chunk_tokens, str(publication.source.resolve())
    )


def _kept(index_dir: Path) -> str:
    if not (count := live_documents(index_dir)):
        return "There is no live index either."
    return f"The live index with its {count} documents answers on; --force puts an empty one in its place."


def _loss(planned: Plan, publication: Publication) -> str:
    before, now = planned.count_before, len(planned.documents)
    if now >= LEAST_SHARE * before:
        return ""
    return (
        f"{publication.source} has {now} documents, the live index has {before}: was it emptied by accident? "
        "The live index answers on; --force puts the smaller one in its place."
    )


def _report(planned: Plan, corpus: Corpus) -> Report:
    return Report(
        outcome="unchanged",
        version=planned.previous,
        previous=planned.previous,
        reason=_HELD.format(version=planned.held) if planned.held else planned.reason,
        left_out=[str(failure) for failure in corpus.failures],
        texts=len(planned.passages) + len(planned.quotes),
        embedded=planned.new_texts,
        **planned.changes(),
    )


def _verified(index_dir: Path, manifest: Manifest, store: VectorStore) -> IndexVersion:
    folder = index_dir / BUILDING / manifest.version
    candidate = load_version(folder, store=store, add=True)
    if faults := faults_of(candidate, folder):
        raise IndexDamaged(f"The new version is not sound and does not go live: {'; '.join(faults[:5])}.")
    return candidate


def _gate(
    report: Report,
    planned: Plan,
    candidate: IndexVersion,
    questions: Sequence[GoldenQuestion],
    make_bot: Callable[[IndexVersion], Ask],
    index_dir: Path,
    tell: Watch,
) -> Report:
    """The report with the answers of both versions; one of another model or format cannot be asked, so what its own report says counts.

    Where there is no old version, or a damaged one that answers nobody, the new one is no step back, whatever it says.
    """
    if not planned.previous or not questions:
        return report
    old = planned.base if planned.base and planned.base.manifest.model == candidate.manifest.model else None
    tell("questions", len(questions) * (1 + bool(old)))
    after = ask_golden(questions, make_bot(candidate), tell)
    recorded = None if old else read_report(index_dir, planned.previous)
    before = ask_golden(questions, make_bot(old), tell) if old else recorded.answers if recorded else {}
    changes = [
        AnswerChange(question=question, before=before[question], after=answer)
        for question, answer in after.items()
        if question in before and (before[question].sources, before[question].right) != (answer.sources, answer.right)
    ]
    return report.model_copy(update={"answers": after, "answer_changes": changes})


def _switch(report: Report, publication: Publication) -> Report:
    index_dir = publication.index_dir
    worse = sum(change.worse for change in report.answer_changes)
    if worse and not publication.force:
        reason = f"{worse} golden questions were answered right and are not any more."
        report = report.model_copy(update={"outcome": "aside", "reason": reason})
        set_aside(index_dir, report.version)
        _write_report(index_dir, report)
        _tidy(publication)
        return report
    _write_report(index_dir, report)
    accept(index_dir, report.version, publication.store)
    _tidy(publication, forget_cut_off)
    return report


def _tidy(publication: Publication, first: Callable[[Path], None] = lambda index_dir: None) -> None:
    """Nothing that is answered depends on this any more: what cannot be removed is left to the next build."""
    try:
        first(publication.index_dir)
        collect(publication.index_dir, publication.keep, publication.store)
    except (OSError, StoreUnavailable) as error:
        reason = reason_of(error) if isinstance(error, OSError) else str(error).rstrip(".")
        LOG.warning("Old versions could not all be removed from %s: %s.", publication.index_dir, reason)


def _amend_report(index_dir: Path, report: Report) -> None:
    """Of a version that is live already: where the disk refuses, the old report stays, and the next build has more to do."""
    try:
        _write_report(index_dir, report)
    except OSError as error:
        LOG.warning("The report of %s could not be written to %s: %s.", report.version, index_dir, reason_of(error))


def _write_report(index_dir: Path, report: Report) -> None:
    make_folders(index_dir / REPORTS)
    content = json.dumps(report.model_dump(), ensure_ascii=False, indent=1)
    replace_file(index_dir / REPORTS / f"{report.version}.json", content.encode())
