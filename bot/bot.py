"""The bot: a question and its conversation in, an Answer out. `open_bot` joins the parts, once."""

import hashlib
import logging
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import platformdirs

import corpus as packaged_corpus
from bot.answer import Answer, AnswerSentence, Citation, NearPassage, Notice
from bot.cite import cite, is_literal, source_url
from bot.config import Config
from bot.converse import TURNS, Turn, standalone
from bot.normalise import plain, split_pasted
from bot.phrases import phrase
from bot.publish import GOLDEN, Ask, Publication, Report, Watch, publish
from bot.question import Question, question_language, read_question
from bot.read import Candidate, Reading, mentions, read
from bot.reader import Reader, SpanReader, whole
from corpus.errors import IndexMissing, IndexOutdated
from corpus.language import LANGUAGES
from corpus.text import normalise
from index.build import text_to_embed
from index.embed import DEFAULT_MODEL, E5Embedder, Embedder, SentenceTransformerEmbedder
from index.encoder import OpenVinoEncoder, open_torch_encoder
from index.hit import Hit
from index.retrieve import Retriever
from index.store import IndexVersion, open_index

LOG = logging.getLogger("tanya")

MODEL = "extractive"
"""What `Answer.model` says: no language model wrote the answer, its sentences are quoted."""

NEAREST = 3
"""Passages shown on a refusal."""

FOREIGN = 0.1
"""Below this probability nothing in the corpus is near enough to be worth showing: nine of twelve tuning questions off the topic are,
one in five of those on it without an answer, none with one."""


@dataclass(frozen=True)
class Bot:
    """Answers from one index version."""

    retriever: Retriever
    reader: Reader
    config: Config

    @property
    def version(self) -> IndexVersion:
        """The index that answers."""
        return self.retriever.version

    def warm(self) -> None:
        """Begin to compile the models, in threads of their own: what needs them waits, all else goes on; a failure shows there."""
        pool = ThreadPoolExecutor(2, "warm")
        pool.submit(self.retriever.embedder.embed_queries, ["diplomasi"])
        pool.submit(self.reader.read, "diplomasi", [whole("diplomasi")])
        pool.shutdown(wait=False)

    def search(self, question: str, k: int) -> list[Hit]:
        """The k passages nearest to `question`, in all languages. Raises QuestionInvalid."""
        return self.retriever.search(read_question(question, self.config.max_question).text, k)

    def ask(self, question: str, history: Sequence[Turn] = (), language: str | None = None, k: int | None = None) -> Answer:
        """Answer from the corpus, or refuse. Raises QuestionInvalid."""
        started = time.perf_counter()
        asked = self.understood(question, history, language)
        readings = self.readings(asked, k or self.config.passages)
        found = next((reading for reading, _ in readings if reading.answers), None)
        hits = [hit for _, passages in readings for hit in passages]
        draft = Answer(
            answer_id=uuid.uuid4().hex,
            question=question,
            standalone_question=asked.text,
            language=asked.language,
            answer="",
            refused=True,
            model=MODEL,
            index_version=self.version.manifest.version,
        )
        answer = self._answered(draft, asked, found, hits) if found else self._refused(draft, asked, readings)
        done = time.perf_counter()
        return answer.model_copy(update={"timings_ms": {"total": _ms(done - started)}})

    def understood(self, question: str, history: Sequence[Turn] = (), language: str | None = None) -> Question:
        """The question as it would be asked without the conversation. Raises QuestionInvalid."""
        said = next((turn.content for turn in reversed(history) if turn.role == "user"), None)
        conversation = question_language(said) if said else None
        asked = read_question(question, self.config.max_question, language, conversation)
        vocabulary = self.version.vocabulary
        pasted, ends = split_pasted(normalise(question))
        before = [*history, Turn("user", pasted)] if pasted else history
        spoken = [Turn(turn.role, plain(turn.content, vocabulary)) if turn.role == "user" else turn for turn in before[-2 * TURNS :]]
        whole = standalone(plain(ends if pasted else asked.text, vocabulary), spoken, vocabulary)
        return read_question(whole, len(whole), language or asked.language)

    def readings(self, asked: Question, k: int) -> list[tuple[Reading, list[Hit]]]:
        """What the k passages nearest in the asker's language say, then, if that is no answer, those in the other one."""
        vector = self.retriever.embedder.embed_queries([asked.text])
        readings: list[tuple[Reading, list[Hit]]] = []
        for language in (asked.language, *(other for other in LANGUAGES if other != asked.language)):
            hits = self.retriever.search_vector(asked.text, vector, k, language)
            reading = read(asked, vector, hits, self.version, self.retriever.embedder, self.reader, self.config.max_sentences)
            readings.append((reading, hits))
            if reading.answers:
                break
        return readings

    def _answered(self, draft: Answer, asked: Question, reading: Reading, hits: Sequence[Hit]) -> Answer:
        found = {hit.chunk.chunk_id: hit for hit in hits}
        first = reading.chosen[0].chunk.doc_id
        ordered = sorted(reading.chosen, key=lambda candidate: (candidate.chunk.doc_id != first, candidate.row))
        best = reading.chosen[0]
        citations = [
            self._cite(number, candidate, found, candidate.place if candidate == best else None)
            for number, candidate in enumerate(ordered, start=1)
        ]
        kept = [citation for citation in citations if is_literal(citation, self.version, found)]
        sentences = tuple(AnswerSentence(text=citation.quote, verdict="verbatim", citations=(citation.number,)) for citation in kept)
        said = {
            "answer": " ".join(f"{sentence.text} [{sentence.citations[0]}]" for sentence in sentences),
            "refused": False,
            "sentences": sentences,
            "citations": tuple(kept),
            "notices": tuple(_notices(asked, kept)),
            "dropped_sentences": len(citations) - len(kept),
        }
        return draft.model_copy(update=said)

    def _cite(self, number: int, candidate: Candidate, found: dict[str, Hit], answer: tuple[int, int] | None) -> Citation:
        hit = found[candidate.chunk.chunk_id]
        return cite(number, self.version.sentences[candidate.row], hit, answer, self.version)

    def _refused(self, draft: Answer, asked: Question, readings: Sequence[tuple[Reading, list[Hit]]]) -> Answer:
        best = max((reading for reading, _ in readings), key=lambda reading: reading.probability)
        foreign = best.probability < FOREIGN
        near = () if foreign else tuple(self._near(asked, best, candidate) for candidate in best.nearest[:NEAREST])
        text = phrase(asked.language, "refusal") + (" " + phrase(asked.language, "refusal_near") if near else "")
        reason = "off_topic" if foreign else "conflict" if best.conflict else "unmatched"
        return draft.model_copy(update={"answer": text, "refusal_reason": reason, "nearest": near})

    def _near(self, asked: Question, reading: Reading, candidate: Candidate) -> NearPassage:
        sentence = self.version.sentences[candidate.row]
        document = self.version.documents[sentence.doc_id]
        passage = text_to_embed(candidate.chunk, document.title)
        wanted = [*sorted(asked.years), *sorted(asked.names)]
        lacking = next((word for word in wanted if not mentions(passage, word, self.version.full_forms)), None)
        if lacking:
            reason = phrase(asked.language, "unmatched", word=lacking)
        elif candidate.conflict:
            reason = phrase(asked.language, "conflict", other=candidate.conflict)
        else:
            reason = phrase(asked.language, "near")
        return NearPassage(
            doc_id=document.doc_id,
            title=document.title,
            quote=document.text[sentence.start : sentence.end],
            start=sentence.start,
            end=sentence.end,
            reason=reason,
            source_url=source_url(document, sentence.start, sentence.end),
        )


def open_bot(config: Config, watch: Watch | None = None) -> Bot:
    """A bot on the index of `config`; where there is none yet, or one of an older format, it is built first, `watch` being told.

    Raises what loading the model, reading the corpus and opening the index raise.
    """
    embedder, reader = open_models(config)
    try:
        version = open_index(index_folder(config), embedder.identity)
    except (IndexMissing, IndexOutdated) as error:
        if isinstance(error, IndexOutdated):
            LOG.warning("%s That is done now.", error)
        rebuild(config, embedder, reader, watch, wait=True)
        version = open_index(index_folder(config), embedder.identity)
    bot = Bot(Retriever(version, embedder), reader, config)
    bot.warm()
    return bot


def open_models(config: Config) -> tuple[Embedder, Reader]:
    """The embedding model that `config` names, and the reader; they share an encoder where the former is the default one."""
    encoder = OpenVinoEncoder(config.threads) if config.engine == "openvino" else open_torch_encoder(config.cache, config.threads)
    own = config.embedding_model == DEFAULT_MODEL
    embedder = E5Embedder(encoder) if own else SentenceTransformerEmbedder(config.embedding_model, config.threads)
    return embedder, SpanReader(encoder)


def rebuild(
    config: Config, embedder: Embedder, reader: Reader, watch: Watch | None = None, force: bool = False, wait: bool = False
) -> Report:
    """Build a version from the corpus and make it live, unless it answers worse (see `bot.publish`).

    A file that cannot be read is left out, with a warning.
    """

    def make_bot(version: IndexVersion) -> Ask:
        bot = Bot(Retriever(version, embedder), reader, config)
        return lambda question, language: bot.ask(question, language=language)

    report = publish(publication(config, force, wait), embedder, make_bot, watch)
    for failure in report.left_out:
        LOG.warning("Left out: %s", failure)
    return report


def publication(config: Config, force: bool = False, wait: bool = False) -> Publication:
    """What `config` says of a build. The shipped questions are asked of the shipped corpus alone."""
    shipped = corpus_folder(config).resolve() in (Path("corpus/documents").resolve(), _packaged().resolve())
    return Publication(
        source=corpus_folder(config),
        index_dir=index_folder(config),
        golden=config.golden or (GOLDEN if shipped else None),
        chunk_tokens=config.chunk_tokens,
        keep=config.keep_versions,
        force=force,
        wait=wait,
    )


def corpus_folder(config: Config) -> Path:
    """The folder of source texts: as set, else ./corpus/documents, else the one that came with the package."""
    here = Path("corpus/documents")
    return config.corpus or (here if here.is_dir() else _packaged())


def index_folder(config: Config) -> Path:
    """The folder of the built index: as set, else one of the user's, named after the corpus folder."""
    name = hashlib.sha256(str(corpus_folder(config).resolve()).encode()).hexdigest()[:16]
    return config.index or Path(platformdirs.user_data_dir("tanya-diplomasi")) / "indexes" / name


def _packaged() -> Path:
    return Path(packaged_corpus.__file__ or "").parent / "documents"


def _notices(asked: Question, citations: Sequence[Citation]) -> list[Notice]:
    if any(citation.language != asked.language for citation in citations):
        return [Notice(code="other_language", text=phrase(asked.language, "other_language"))]
    return []


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
