"""The bot: a question and its conversation in, an Answer out. `bot.assemble` joins its parts, once."""

import logging
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from bot.answer import COURTESY, Answer, AnswerSentence, Citation, NearPassage
from bot.choose import Choice, choose, defined_first, text_of
from bot.cite import cite, is_literal, source_url
from bot.config import Config
from bot.converse import TURNS, Turn, follow
from bot.normalise import plain, split_pasted
from bot.notices import near_reason, notices
from bot.parts import Part, take_apart
from bot.phrases import phrase
from bot.premise import unconfirmed
from bot.question import Question, question_language, read_question
from bot.read import NEAR, Candidate, Reading, read, stems
from bot.reader import Reader, whole
from bot.smalltalk import small_talk, without_greeting
from bot.suggest import EXAMPLES, Suggestion, examples, related
from corpus.language import LANGUAGES
from corpus.numbers import years
from corpus.text import normalise
from index.build import text_to_embed
from index.hit import Hit
from index.retrieve import Retriever
from index.store import IndexVersion

LOG = logging.getLogger("tanya")

MODEL = "extractive"
"""What `Answer.model` says: no language model wrote the answer, its sentences are quoted."""

NEAREST = 3
"""Passages shown on a refusal."""

FIRST = 3
"""Examples beside a greeting, or where a question is about something else."""

SIDE_WITHIN = 2 * NEAR
"""How far below the best sentence one may score that names the side of a comparison, where the best does not."""

SURE_BESIDE = 0.33
"""Of a side, where the other one is answered: who compares two things has both, and half an answer is said to be half."""

FOREIGN = 0.15
"""Below this probability nothing in the corpus is near enough to be worth showing: seven of twelve tuning questions off the topic are,
three in eight of those on it without an answer, two of 344 with one (sixth reader)."""


@dataclass(frozen=True)
class Look:
    """What was read for a question, or for a part of one, by language; `found` is the reading that answers it."""

    question: Question
    readings: list[tuple[Reading, list[Hit]]]
    part: Part | None = None

    @property
    def found(self) -> Reading | None:
        """The reading that answers, if any does."""
        return next((reading for reading, _ in self.readings if reading.answers), None)


@dataclass(frozen=True)
class Bot:
    """Answers from one index version."""

    retriever: Retriever
    reader: Reader
    config: Config
    suggestions: tuple[Suggestion, ...] = ()

    @property
    def version(self) -> IndexVersion:
        """The index that answers."""
        return self.retriever.version

    def warm(self) -> None:
        """Begin to compile the models, one after the other in a thread: what needs them waits, all else goes on; a failure shows there."""
        pool = ThreadPoolExecutor(1, "warm")
        pool.submit(self.retriever.embedder.embed_queries, ["diplomasi"])
        pool.submit(self.reader.read, "diplomasi", [whole("diplomasi")])
        pool.shutdown(wait=False)

    def search(self, question: str, k: int) -> list[Hit]:
        """The k passages nearest to `question`, in all languages. Raises QuestionInvalid."""
        return self.retriever.search(read_question(question, self.config.max_question).text, k)

    def ask(self, question: str, history: Sequence[Turn] = (), language: str | None = None, k: int | None = None) -> Answer:
        """Answer from the corpus, or refuse. Raises QuestionInvalid."""
        started = time.perf_counter()
        said = self._asked(question, history, language)
        if talk := small_talk(said.text):
            spoken = talk.language if language is None and not history else said.language
            draft = self._draft(question, replace(said, language=spoken))
            update = {"answer": talk.reply(spoken), "refused": False, "model": COURTESY, "related": self.examples(spoken, FIRST)}
            answer = draft.model_copy(update=update)
        else:
            asked = self.understood(question, history, language)
            looks = self._looks(asked, k or self.config.passages)
            draft = self._draft(question, asked)
            answer = self._answered(draft, looks) if any(look.found for look in looks) else self._refused(draft, asked, looks[0].readings)
            before = [turn.content for turn in history if turn.role == "user"]
            answer = answer.model_copy(update={"related": self._related(answer, looks, [*before, question, asked.text])})
        done = time.perf_counter()
        return answer.model_copy(update={"timings_ms": {"total": _ms(done - started)}})

    def examples(self, language: str, count: int = EXAMPLES) -> tuple[str, ...]:
        """Questions that this corpus answers, to begin with."""
        return examples(self.suggestions, language, count)

    def _related(self, answer: Answer, looks: Sequence[Look], asked: Sequence[str]) -> tuple[str, ...]:
        """What the documents that were found answer too; where the question is none of this corpus, what it is about."""
        if answer.refusal_reason == "off_topic":
            return self.examples(answer.language, FIRST)
        said = [(one.doc_id, one.start, one.end) for one in answer.citations]
        near = [hit.chunk.doc_id for look in looks for _, hits in look.readings for hit in hits]
        return related(self.suggestions, answer.language, asked, [*(doc_id for doc_id, _, _ in said), *near], said)

    def _draft(self, question: str, asked: Question) -> Answer:
        """An answer that says nothing yet."""
        return Answer(
            answer_id=uuid.uuid4().hex,
            question=question,
            standalone_question=asked.text,
            language=asked.language,
            answer="",
            refused=True,
            model=MODEL,
            index_version=self.version.manifest.version,
        )

    def _looks(self, asked: Question, k: int) -> list[Look]:
        """What is read for each part of the question; for all of it where it has no parts, or none of them is answered."""
        parts = take_apart(asked.text, asked.language)
        looks = []
        for part in parts.parts if parts else ():
            question = replace(read_question(part.question, len(part.question), asked.language), after=asked.after)
            looks.append(self._of_side(Look(question, self._read(question, k, [asked.language]), part)))
        if not any(look.found for look in looks):
            return [Look(asked, self.readings(asked, k))]
        looks = [self._beside(look) for look in looks]
        others = [language for language in LANGUAGES if language != asked.language]
        return [look if look.found else replace(look, readings=look.readings + self._read(look.question, k, others)) for look in looks]

    def _of_side(self, look: Look) -> Look:
        """Of a side of a comparison, the best sentence that names it, before one that does not and looks little better."""
        part = look.part
        if part is None or part.subject is None:
            return look
        readings = []
        for reading, hits in look.readings:
            near = (one for one in reading.found if not one.conflict and one.score >= reading.chosen[0].score - SIDE_WITHIN)
            named = next((one for one in near if self._names(one, part)), None) if reading.chosen else None
            readings.append((replace(reading, chosen=(named,)) if named else reading, hits))
        return replace(look, readings=readings)

    def _beside(self, look: Look) -> Look:
        """Where the other side is answered, one that is named may be less sure."""
        reading, hits = look.readings[0]
        if look.found or not look.part or not look.part.subject or not reading.chosen or not self._names(reading.chosen[0], look.part):
            return look
        return replace(look, readings=[(replace(reading, threshold=SURE_BESIDE), hits), *look.readings[1:]])

    def understood(self, question: str, history: Sequence[Turn] = (), language: str | None = None) -> Question:
        """The question as it would be asked without the conversation; one that was suggested stands alone. Raises QuestionInvalid."""
        if any(question.strip() == one.question for one in self.suggestions):
            history = ()
        asked = self._asked(question, history, language)
        vocabulary, acronyms = self.version.vocabulary, self.version.full_forms
        pasted, ends = split_pasted(normalise(question))
        before = [*history, Turn("user", pasted)] if pasted else history
        spoken = [
            Turn(turn.role, plain(turn.content, vocabulary, acronyms)) if turn.role == "user" else turn for turn in before[-2 * TURNS :]
        ]
        typed = plain(without_greeting(ends if pasted else asked.text), vocabulary, acronyms)
        subject = follow(typed, spoken, vocabulary, self.retriever.nearness)
        return replace(read_question(subject.said, len(subject.said), language or asked.language), after=subject.after)

    def _asked(self, question: str, history: Sequence[Turn], language: str | None) -> Question:
        """The question as it was typed."""
        said = next((turn.content for turn in reversed(history) if turn.role == "user"), None)
        return read_question(question, self.config.max_question, language, question_language(said) if said else None)

    def readings(self, asked: Question, k: int) -> list[tuple[Reading, list[Hit]]]:
        """What the k passages nearest in the asker's language say, then, if that is no answer, those in the other one."""
        return self._read(asked, k, [asked.language, *(other for other in LANGUAGES if other != asked.language)])

    def _read(self, asked: Question, k: int, languages: Sequence[str]) -> list[tuple[Reading, list[Hit]]]:
        """The readings of the k passages nearest in each language, up to the first that answers."""
        embedder = self.retriever.embedder
        vector = self.retriever.vector(asked.text)
        sure = self.config.sure_id if asked.language == "id" else self.config.sure_en
        readings: list[tuple[Reading, list[Hit]]] = []
        for language in languages:
            hits = self.retriever.search_vector(asked.text, vector, k, language, asked.after)
            reading = read(asked, vector, hits, self.version, embedder, self.reader, self.config.max_sentences, sure)
            reading = defined_first(asked, reading, self.version)
            if word := self._premise(asked, reading):
                reading = replace(reading, conflict=word)
            readings.append((reading, hits))
            if reading.answers:
                break
        return readings

    def _premise(self, asked: Question, reading: Reading) -> str | None:
        """What the question takes for granted and the best passage does not say."""
        return unconfirmed(asked.text, self._passage(reading.chosen[0])) if reading.chosen else None

    def _passage(self, candidate: Candidate) -> str:
        return text_to_embed(candidate.chunk, self.version.documents[candidate.chunk.doc_id].title)

    def _answered(self, draft: Answer, looks: Sequence[Look]) -> Answer:
        most = self.config.max_sentences
        choices = [self._choice(look, most) for look in looks]
        found = {hit.chunk.chunk_id: hit for look in looks for _, hits in look.readings for hit in hits}
        marked = frozenset(row for choice in choices for row in choice.best)
        ordered = list({one.row: one for choice in choices for one in choice.candidates}.values())[:most]
        rows = {one.row for one in ordered}
        missing = tuple(look.part.label for look in looks if look.part and not look.found and not self._is_shared(look, rows))
        cited = [
            (one.row, self._cite(number, one, found, one.place if one.row in marked else None))
            for number, one in enumerate(ordered, start=1)
        ]
        kept = [(row, citation) for row, citation in cited if is_literal(citation, self.version, found)]
        citations = tuple(citation for _, citation in kept)
        differ = {row for choice in choices for row in choice.differ}
        sentences = tuple(AnswerSentence(text=citation.quote, verdict="verbatim", citations=(citation.number,)) for citation in citations)
        told = notices(
            draft.language, self.version, citations, missing, [one for row, one in kept if row in differ], sum(one.more for one in choices)
        )
        said = {
            "answer": " ".join(f"{sentence.text} [{sentence.citations[0]}]" for sentence in sentences),
            "refused": False,
            "sentences": sentences,
            "citations": citations,
            "notices": tuple(told),
            "missing": missing,
            "dropped_sentences": len(cited) - len(kept),
        }
        return draft.model_copy(update=said)

    def _choice(self, look: Look, most: int) -> Choice:
        if look.found is None:
            return Choice((), frozenset())
        if look.part is None:
            return choose(look.question, look.found, self.version, most)
        said = look.found.chosen[: look.part.sentences]
        return Choice(tuple(sorted(said, key=lambda one: one.row)), frozenset({look.found.chosen[0].row}))

    def _is_shared(self, look: Look, rows: set[int]) -> bool:
        """Whether a part without an answer of its own has it in a sentence that is said: it is its best one too, and names it."""
        if look.part is None or not look.part.shares:
            return False
        best = [reading.chosen[0] for reading, _ in look.readings if reading.chosen]
        return any(one.row in rows and self._names(one, look.part) for one in best)

    def _names(self, candidate: Candidate, part: Part) -> bool:
        if part.subject is None:
            return True
        language, text = self.version.language_of(candidate.chunk), text_of(candidate, self.version)
        return stems(part.subject, language) <= stems(text, language) and years(part.subject) <= years(text)

    def _cite(self, number: int, candidate: Candidate, found: dict[str, Hit], answer: tuple[int, int] | None) -> Citation:
        hit = found[candidate.chunk.chunk_id]
        return cite(number, self.version.sentences[candidate.row], hit, answer, self.version)

    def _refused(self, draft: Answer, asked: Question, readings: Sequence[tuple[Reading, list[Hit]]]) -> Answer:
        best = readings[0][0]  # the asker's language, as long as it has anything
        if best.probability < FOREIGN:
            best = max((reading for reading, _ in readings), key=lambda reading: reading.probability)
        foreign = best.probability < FOREIGN
        near = () if foreign else tuple(self._near(asked, best, candidate) for candidate in best.nearest[:NEAREST])
        premise = None if foreign else self._premise(asked, best)
        told = [phrase(asked.language, "premise", word=premise) if premise else phrase(asked.language, "refusal")]
        told += [phrase(asked.language, "refusal_near")] if near else []
        reason = "off_topic" if foreign else "premise" if premise else "conflict" if best.conflict else "unmatched"
        return draft.model_copy(update={"answer": " ".join(told), "refusal_reason": reason, "nearest": near})

    def _near(self, asked: Question, reading: Reading, candidate: Candidate) -> NearPassage:
        sentence = self.version.sentences[candidate.row]
        document = self.version.documents[sentence.doc_id]
        reason = near_reason(asked, self._passage(candidate), candidate.conflict)
        return NearPassage(
            doc_id=document.doc_id,
            title=document.title,
            quote=document.text[sentence.start : sentence.end],
            start=sentence.start,
            end=sentence.end,
            reason=reason,
            source_url=source_url(document, sentence.start, sentence.end),
        )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
