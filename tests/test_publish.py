"""Builds that pay only for what is new, and go live only where they are whole and answer no worse."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corpus.load
from bot import Bot, Config, LiveBot, Publication, Report, WordReader, open_bot, publish, rebuild
from bot.publish import plan, read_golden, read_report
from bot.suggest import Ask
from corpus import load_corpus
from corpus.errors import CorpusChanging, CorpusEmpty, CorpusMissing, CorpusShrunk, EvaluationInvalid, IndexOutdated
from index import (
    E5Embedder,
    HashEmbedder,
    IndexVersion,
    OpenVinoEncoder,
    Retriever,
    TorchEncoder,
    build_index,
    open_index,
    plan_build,
    read_current,
    rollback,
    verify,
)
from index.embed import Progress, engine_of
from index.encoder import Vectors
from index.store import ASIDE, MANIFEST, VERSIONS
from tests.conftest import DOCUMENTS, Writer, shipped_documents

MOON = "The moon has no air. Twelve people walked on the moon."
TIDE = "The tide rises because of the moon. The tide falls because the earth turns."


class Counting(HashEmbedder):
    """Remembers what it embedded, and is cut off after `until` texts."""

    def __init__(self, until: int = 10**9, identity: str = HashEmbedder.identity) -> None:
        self.texts: list[str] = []
        self.until, self.identity = until, identity

    def embed_documents(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        if len(self.texts) >= self.until:
            raise KeyboardInterrupt
        self.texts += texts
        return super().embed_documents(texts, progress)


def make_bot(version: IndexVersion) -> Ask:
    bot = Bot(Retriever(version, HashEmbedder()), WordReader(), Config())
    return lambda question, language: bot.ask(question, language=language)


class Site:
    """A corpus with its index and golden questions."""

    def __init__(self, write: Writer, folder: Path) -> None:
        self.write, self.index, self.golden = write, folder / "index", folder / "golden.jsonl"
        self.embedder = Counting()
        write("en/moon.md", MOON)
        write("en/tides.md", TIDE)
        self.ask({"question": "Who walked on the moon?", "doc_id": "en.moon", "quote": "Twelve people"})

    def ask(self, *rows: dict[str, object]) -> None:
        self.golden.write_text("\n".join(json.dumps({"language": "en"} | row) for row in rows))

    def publication(self, **more: object) -> Publication:
        return Publication(source=self.write.folder, index_dir=self.index, golden=self.golden, chunk_tokens=20, **more)  # type: ignore[arg-type]

    def publish(self, **more: object) -> Report:
        self.embedder = Counting(identity=self.embedder.identity)
        return publish(self.publication(**more), self.embedder, make_bot)

    @property
    def live(self) -> str:
        return read_current(self.index).name


@pytest.fixture
def site(write: Writer, tmp_path: Path) -> Site:
    return Site(write, tmp_path)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_only_what_changed_is_embedded(site: Site) -> None:
    first = site.publish()
    assert (first.outcome, first.added, first.embedded) == ("live", ["en.moon", "en.tides"], len(site.embedder.texts))
    site.write("en/moon.md", MOON + " It is round.")
    site.write("en/sun.md", "The sun is far.")
    second = site.publish()
    assert (second.added, second.changed, second.removed) == (["en.sun"], ["en.moon"], [])
    assert not any("tide" in text for text in site.embedder.texts)
    assert sorted(site.embedder.texts)[:1] == ["It is round."]
    assert second.embedded == len(site.embedder.texts)
    assert site.live == second.version != first.version
    assert read_report(site.index, second.version) == second


def test_no_change_builds_nothing_and_force_embeds_nothing(site: Site) -> None:
    first = site.publish()
    before = tree(site.index)
    again = site.publish()
    assert (again.outcome, again.version, site.embedder.texts) == ("unchanged", first.version, [])
    after = tree(site.index)
    assert {name: content for name, content in after.items() if not name.endswith("lock")} == {
        name: content for name, content in before.items() if not name.endswith("lock")
    }
    forced = site.publish(force=True)
    assert (forced.outcome, site.embedder.texts) == ("live", [])
    assert site.live == forced.version != first.version


def test_where_no_file_was_touched_none_is_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    first = site.publish()
    monkeypatch.setattr(corpus.load, "load_document", None)
    again = site.publish()
    assert (again.outcome, again.version, again.texts) == ("unchanged", first.version, first.texts)


def test_a_touched_file_and_a_lost_report_are_read_again_and_change_nothing(site: Site) -> None:
    first = site.publish()
    report = site.index / "reports" / f"{first.version}.json"
    site.write("en/moon.md", MOON)
    assert (site.publish().outcome, site.live) == ("unchanged", first.version)
    report.write_text("{")
    assert (site.publish().outcome, site.live) == ("unchanged", first.version)
    site.write("en/moon.md", MOON + " It is grey.")
    assert (site.publish().outcome, site.live != first.version) == ("live", True)


def test_a_rollback_holds_until_the_texts_change(site: Site) -> None:
    first = site.publish()
    site.write("en/moon.md", MOON + " It is round.")
    second = site.publish()
    site.write("en/moon.md", MOON + " It is bright.")
    site.publish()
    rollback(site.index)
    rollback(site.index)
    held = site.publish()
    assert (held.outcome, site.live) == ("unchanged", first.version)
    assert "rolled back" in held.text()
    assert plan(site.publication(), site.embedder).outcome == "unchanged"
    site.write("en/moon.md", MOON + " It is round.")  # the texts of the version between: left behind too
    assert (site.publish().outcome, site.live) == ("unchanged", first.version)
    rollback(site.index, second.version)
    site.write("en/moon.md", MOON)
    fourth = site.publish()
    assert (fourth.outcome, site.live) == ("live", fourth.version)
    site.write("en/moon.md", MOON + " It is bright.")  # a build ends what a rollback left
    assert site.publish().outcome == "live"
    rollback(site.index, fourth.version)
    assert site.publish(force=True).outcome == "live"


def test_another_chunk_size_or_model_is_a_change(site: Site) -> None:
    site.publish()
    other = Publication(source=site.write.folder, index_dir=site.index, chunk_tokens=40)
    assert publish(other, HashEmbedder(), make_bot).outcome == "live"
    another = Counting(identity="another")
    report = publish(other, another, make_bot)
    assert (report.outcome, len(set(another.texts))) == ("live", report.embedded)
    assert len(another.texts) > 0


@pytest.mark.parametrize("spoil", [lambda c: c, lambda c: c[:-1], lambda c: c + b"torn", lambda c: c[:-5] + bytes([c[-5] ^ 1]) + c[-4:]])
def test_a_build_that_is_cut_off_goes_on_where_it_was(site: Site, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[bytes], bytes]) -> None:
    monkeypatch.setattr("index.reuse.SLICE_CHARACTERS", 1)  # one text at a time
    cut = Counting(until=4)
    with pytest.raises(KeyboardInterrupt):
        publish(site.publication(), cut, make_bot)
    kept = next(site.index.glob("embedded-*.bin"))
    whole = kept.read_bytes()
    kept.write_bytes(spoil(whole))
    lost = len(whole) - len(spoil(whole)) == 1 or spoil(whole)[: len(whole)] != whole
    report = site.publish()
    assert report.embedded == len(site.embedder.texts)
    assert len(set(cut.texts) & set(site.embedder.texts)) == lost
    assert verify(site.index) == []
    assert not list(site.index.glob("embedded-*.bin"))


def test_vectors_of_another_model_are_not_taken_over(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.reuse.SLICE_CHARACTERS", 1)
    with pytest.raises(KeyboardInterrupt):
        publish(site.publication(), Counting(until=4, identity="another"), make_bot)
    assert site.publish().embedded == len({*site.embedder.texts}) == plan_texts(site)


def test_an_index_of_another_engine_is_searched_and_its_vectors_are_not_taken_over(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counting, "engine", "one", raising=False)
    site.publish()
    assert open_index(site.index).manifest.engine == "one"
    monkeypatch.setattr(Counting, "engine", "another")
    assert (site.publish().outcome, site.embedder.texts) == ("unchanged", [])
    assert open_index(site.index, site.embedder.identity).manifest.engine == "one"
    site.write("en/moon.md", MOON + " It is round.")
    report = site.publish()
    assert report.embedded == len({*site.embedder.texts}) == plan_texts(site)
    assert open_index(site.index).manifest.engine == "another"


@pytest.mark.model
def test_the_default_model_names_its_engine() -> None:
    torch = TorchEncoder(SimpleNamespace(config=SimpleNamespace(hidden_size=4)), None)
    assert E5Embedder(torch).engine == "Torch"
    assert E5Embedder(OpenVinoEncoder()).engine.startswith("OpenVino")
    assert engine_of(HashEmbedder()) == ""


def plan_texts(site: Site) -> int:
    fresh = Publication(source=site.write.folder, index_dir=site.index.parent / "nowhere", chunk_tokens=20)
    return plan(fresh, HashEmbedder()).embedded


def test_a_dry_run_says_what_would_be_and_writes_nothing(site: Site) -> None:
    said = plan(site.publication(), site.embedder)
    assert (said.outcome, said.added, site.index.exists()) == ("planned", ["en.moon", "en.tides"], False)
    site.publish()
    assert plan(site.publication(), site.embedder).outcome == "unchanged"
    site.write("en/moon.md", "The moon is round.")
    before = tree(site.index)
    said = plan(site.publication(), site.embedder)
    assert (said.outcome, said.changed, tree(site.index) == before) == ("planned", ["en.moon"], True)
    assert said.embedded == site.publish(force=True).embedded


def test_a_corpus_emptied_by_accident_replaces_nothing(site: Site) -> None:
    for name in ("a", "b", "c"):
        site.write(f"en/{name}.md", f"This is {name}.")
    first = site.publish()
    for path in site.write.folder.rglob("*.md"):
        path.rename(path.with_suffix(".off"))
    with pytest.raises(CorpusEmpty, match="5 documents answers on; --force"):
        site.publish()
    (site.write.folder / "en" / "moon.off").rename(site.write.folder / "en" / "moon.md")
    assert "emptied by accident" in plan(site.publication(), site.embedder).reason
    with pytest.raises(CorpusShrunk, match="1 documents, the live index has 5"):
        site.publish()
    assert site.live == first.version
    assert site.publish(force=True).outcome == "live"
    (site.write.folder / "en" / "moon.md").unlink()
    assert site.publish(force=True).outcome == "live"
    assert open_index(site.index).manifest.documents == 0
    with pytest.raises(CorpusMissing):
        publish(Publication(source=site.write.folder / "nowhere", index_dir=site.index, force=True), site.embedder, make_bot)


def test_a_corpus_is_read_in_one_moment(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corpus.load.QUIET_PAUSE", 0.0)
    load, count = load_corpus, 0

    def edited(folder: Path) -> corpus.Corpus:
        nonlocal count
        count += 1
        found = load(folder)
        if count < edits:
            site.write("en/moon.md", MOON + f" Edit {count}.")
        return found

    monkeypatch.setattr(corpus.load, "load_corpus", edited)
    edits = 3
    assert site.publish().outcome == "live"
    assert open_index(site.index).document("en.moon").text.endswith("Edit 2.")
    edits = 10**9
    with pytest.raises(CorpusChanging, match="being edited"):
        site.publish()


def test_the_first_version_is_asked_nothing(site: Site) -> None:
    assert site.publish().answers == {}


def test_its_answers_are_recorded_once_it_is_live(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    config = Config(corpus=site.write.folder, index=site.index, golden=site.golden)
    told: list[tuple[str, int]] = []
    report = rebuild(config, HashEmbedder(), WordReader(), lambda *news: told.append(news))
    kept = read_report(site.index, site.live)
    assert (report.answers, [event for event in told if event[0] == "questions"]) == ({}, [("questions", 1)])
    assert kept
    assert kept.answers["Who walked on the moon?"].right
    told.clear()
    assert rebuild(config, HashEmbedder(), WordReader(), lambda *news: told.append(news)).outcome == "unchanged"
    assert told == []
    walked: dict[str, object] = {"question": "Who walked on the moon?", "quote": "Twelve people"}
    site.ask(walked, {"question": "Why does the tide rise?"})  # one that the version was not asked
    rebuild(config, HashEmbedder(), WordReader())
    kept = read_report(site.index, site.live)
    assert kept
    assert list(kept.answers) == ["Who walked on the moon?", "Why does the tide rise?"]
    site.write("en/moon.md", "The moon has no air.")
    site.embedder = Counting(identity="another")
    assert site.publish().outcome == "aside"
    site.golden.write_text("{")
    site.write("en/moon.md", MOON)
    assert rebuild(config, HashEmbedder(), WordReader()).outcome == "unchanged"
    assert "golden.jsonl, line 1" in caplog.text


def test_a_server_that_built_the_first_version_records_its_answers(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.assemble.open_models", lambda config: (HashEmbedder(), WordReader()))
    live = LiveBot(open_bot(Config(corpus=site.write.folder, index=site.index, golden=site.golden)), site.index)

    def recorded() -> int:
        report = read_report(site.index, site.live)
        return len(report.answers) if report else 0

    assert recorded() == 0
    stop = live.start()
    deadline = time.monotonic() + 30
    while not recorded() and time.monotonic() < deadline:
        time.sleep(0.01)
    stop()
    assert recorded() == 1


def test_a_version_that_answers_worse_is_set_aside_with_both_answers(site: Site) -> None:
    first = site.publish()
    site.write("en/moon.md", "The moon has no air.")
    report = site.publish()
    assert (report.outcome, site.live) == ("aside", first.version)
    (change,) = report.answer_changes
    assert change.worse
    assert "Twelve people" in change.before.answer
    assert "Twelve people" not in change.after.answer
    assert "WORSE: Who walked on the moon?" in report.text()
    assert change.before.answer in report.text()
    assert change.after.answer in report.text()
    assert [path.name for path in (site.index / ASIDE).iterdir()] == [report.version]
    assert verify(site.index, report.version) == []
    forced = site.publish(force=True)
    assert (forced.outcome, forced.answer_changes[0].worse, site.live) == ("live", True, forced.version)


def test_a_question_to_refuse_that_is_answered_is_worse(site: Site) -> None:
    site.ask({"question": "Who flew to the sun?", "refused": True})
    site.publish()
    site.write("en/sun.md", "Icarus flew to the sun.")
    assert site.publish().outcome == "aside"


def test_an_answer_from_another_source_is_reported_and_no_obstacle(site: Site) -> None:
    site.ask({"question": "Who walked on the moon?"})
    site.publish()
    (site.write.folder / "en" / "moon.md").rename(site.write.folder / "en" / "walk.md")
    report = site.publish()
    assert (report.outcome, report.added, report.removed) == ("live", ["en.walk"], ["en.moon"])
    assert [(change.before.sources, change.after.sources) for change in report.answer_changes] == [(["en.moon"], ["en.walk"])]
    assert "changed: Who walked on the moon?" in report.text()


def test_a_version_of_another_model_is_compared_by_its_own_report(site: Site) -> None:
    site.publish()
    site.write("en/sun.md", "The sun is far.")
    second = site.publish()
    assert second.answers["Who walked on the moon?"].right
    site.write("en/moon.md", "The moon has no air.")
    site.embedder = Counting(identity="another")
    assert site.publish().outcome == "aside"
    assert site.live == second.version


def outdate(index: Path) -> str:
    """Let the live version be one of an older format; its name."""
    live = read_current(index).name
    manifest = index / VERSIONS / live / MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 1}))
    return live


def test_a_version_of_an_older_format_is_compared_by_its_own_report(site: Site) -> None:
    site.publish()
    site.write("en/sun.md", "The sun is far.")
    site.publish()
    old = outdate(site.index)
    site.write("en/moon.md", "The moon has no air.")
    report = site.publish()
    assert (report.outcome, report.previous, site.live) == ("aside", old, old)
    assert "format 1" not in report.reason
    assert "Twelve people" in report.answer_changes[0].before.answer
    site.write("en/moon.md", MOON)
    assert site.publish().outcome == "live"


def test_a_start_over_an_older_format_builds_anew_and_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.assemble.open_models", lambda config: (HashEmbedder(), WordReader()))
    config = Config(corpus=site.write.folder, index=site.index, golden=site.golden)
    site.publish()
    site.write("en/sun.md", "The sun is far.")
    site.publish()
    old = outdate(site.index)
    bot = open_bot(config)
    assert bot.version.manifest.version == site.live != old
    assert "Twelve people" in bot.ask("Who walked on the moon?", language="en").answer
    assert "format 1, this program writes 3" in caplog.text
    old = outdate(site.index)
    site.write("en/moon.md", "The moon has no air.")
    with pytest.raises(IndexOutdated, match="answered right and are not any more"):  # it may answer on where the old program runs
        open_bot(config)
    assert site.live == old


@pytest.mark.parametrize("spoil", [outdate, lambda index: (index / VERSIONS / read_current(index).name / "chunks.npy").write_bytes(b"")])
def test_a_corpus_emptied_by_accident_replaces_no_version_that_cannot_be_opened(site: Site, spoil: Callable[[Path], object]) -> None:
    for name in ("a", "b", "c"):
        site.write(f"en/{name}.md", f"This is {name}.")
    first = site.publish()
    spoil(site.index)
    for path in site.write.folder.rglob("*.md"):
        if path.name != "moon.md":
            path.unlink()
    assert "emptied by accident" in plan(site.publication(), site.embedder).reason
    with pytest.raises(CorpusShrunk, match="1 documents, the live index has 5"):
        site.publish()
    (site.write.folder / "en" / "moon.md").unlink()
    with pytest.raises(CorpusEmpty, match="5 documents"):
        site.publish()
    assert site.live == first.version
    site.write("en/moon.md", MOON)
    assert site.publish(force=True).outcome == "live"


def test_a_golden_question_that_is_too_long_to_be_asked_is_named(site: Site) -> None:
    site.publish()
    site.ask({"question": "Who walked on the moon? " * 100})
    site.write("en/moon.md", MOON + " It is round.")
    with pytest.raises(EvaluationInvalid, match=r"'Who walked on the moon\? .* at most 2,000 are read.*TANYA_GOLDEN"):
        site.publish()


def test_golden_questions_that_cannot_be_read_are_named_before_anything_is_built(site: Site) -> None:
    first = site.publish()
    site.write("en/moon.md", "The moon is round.")
    site.golden.write_text('{"question": "a"}\n{"quote": "b"}')
    with pytest.raises(EvaluationInvalid, match="line 2"):
        site.publish()
    site.golden.unlink()
    with pytest.raises(EvaluationInvalid, match="TANYA_GOLDEN"):
        site.publish()
    assert [path.name for path in (site.index / VERSIONS).iterdir()] == [first.version]


def test_a_candidate_that_is_not_sound_never_goes_live(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from corpus.errors import IndexDamaged

    first = site.publish()
    site.write("en/moon.md", "The moon is round.")
    monkeypatch.setattr(Counting, "embed_documents", lambda self, texts, progress=None: np.full((len(texts), 64), np.nan, np.float32))
    with pytest.raises(IndexDamaged, match="no unit vector"):
        site.publish(force=True)
    monkeypatch.undo()
    assert [path.name for path in (site.index / VERSIONS).iterdir()] == [first.version]


def test_the_shipped_questions_stand_in_their_documents() -> None:
    from bot.publish import GOLDEN

    texts = {document.doc_id: document.text for document in shipped_documents()}
    questions = read_golden(GOLDEN)
    assert 18 <= len(questions) <= 30
    assert len({golden.question for golden in questions}) == len(questions)
    assert [golden for golden in questions if not golden.refused and (golden.quote or "\0") not in texts[golden.doc_id or ""]] == []


WORDS = st.lists(st.sampled_from("moon sea tide wind salt air people walked rises falls".split()), min_size=1, max_size=9).map(" ".join)
TEXT = st.lists(WORDS.map(lambda words: f"The {words}."), min_size=1, max_size=4).map("\n\n".join)
CORPUS = st.dictionaries(st.sampled_from("abcdef"), TEXT, min_size=1)


@settings(max_examples=40, deadline=None)
@given(versions=st.lists(CORPUS, min_size=2, max_size=4), question=WORDS)
def test_a_build_upon_a_build_equals_a_build_from_nothing(
    tmp_path_factory: pytest.TempPathFactory, versions: list[dict[str, str]], question: str
) -> None:
    folder = tmp_path_factory.mktemp("edits")
    write, embedder = Writer(folder / "corpus"), Counting()
    for texts in versions:
        for path in write.folder.rglob("*.md"):
            path.unlink()
        for name, text in texts.items():
            write(f"en/{name}.md", text)
        embedder.texts = []
        documents = load_corpus(write.folder).documents
        new = plan_build(documents, folder / "grown", embedder, 20).known.missing
        build_index(documents, folder / "grown", embedder, 20)
        assert new(embedder.texts) == sorted(embedder.texts, key=lambda text: -len(text))  # each once, none that was known
    build_index(load_corpus(write.folder).documents, folder / "fresh", HashEmbedder(), 20)
    grown, fresh = open_index(folder / "grown"), open_index(folder / "fresh")
    assert verify(folder / "grown") == []
    assert (grown.documents, [*grown.chunks], [*grown.sentences]) == (fresh.documents, [*fresh.chunks], [*fresh.sentences])
    assert grown.manifest.files == fresh.manifest.files
    for one, other in ((grown.chunk_vectors, fresh.chunk_vectors), (grown.sentence_vectors, fresh.sentence_vectors)):
        assert (np.sum(np.asarray(one) * np.asarray(other), axis=1) >= 0.99999).all()
    top = [[hit.chunk.chunk_id for hit in Retriever(version, HashEmbedder()).search(question, 10)] for version in (grown, fresh)]
    assert top[0] == top[1]


QUESTIONS = (
    "Kapan RCDD 2019 digelar?",
    "What does Safe Travel do?",
    "Siapa membuka forum itu?",
    "Who leads the centre?",
    "cyber diplomacy",
)


@pytest.mark.model
def test_with_the_real_model_too_an_edited_corpus_equals_a_full_build(embedder: E5Embedder, write: Writer, tmp_path: Path) -> None:
    names = sorted(path.name for path in (DOCUMENTS / "en").glob("*.md"))
    removed, edited, added, *kept = names[:5]
    for name in (removed, edited, *kept):
        write(f"en/{name}", (DOCUMENTS / "en" / name).read_text("utf-8"))
    build_index(load_corpus(write.folder).documents, tmp_path / "grown", embedder)
    (write.folder / "en" / removed).unlink()
    write(f"en/{added}", (DOCUMENTS / "en" / added).read_text("utf-8"))
    write(f"en/{edited}", (DOCUMENTS / "en" / edited).read_text("utf-8") + "\n\nThe forum was opened by Ratna Wiyono in Kupang in 2016.\n")
    documents = load_corpus(write.folder).documents
    known = plan_build(documents, tmp_path / "grown", embedder)
    assert 0 < known.new_texts < len(known.passages) + len(known.quotes)
    for place in ("grown", "fresh"):
        build_index(documents, tmp_path / place, embedder)
    grown, fresh = open_index(tmp_path / "grown"), open_index(tmp_path / "fresh")
    assert [*grown.chunks] == [*fresh.chunks]
    for one, other in ((grown.chunk_vectors, fresh.chunk_vectors), (grown.sentence_vectors, fresh.sentence_vectors)):
        assert (np.sum(np.asarray(one) * np.asarray(other), axis=1) >= 0.99999).all()
    for query in embedder.embed_queries(QUESTIONS):
        (rows, cosines), (others, expected) = grown.nearest(query[None], 10), fresh.nearest(query[None], 10)
        assert ((rows == others) | (np.abs(cosines - expected) < 1e-5)).all()
