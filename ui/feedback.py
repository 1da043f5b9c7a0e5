"""Votes on answers, questions without one, and the page that says what is kept of them and of questions."""

import logging
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Body
from fastapi.openapi.models import Example
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, Template
from pydantic import BaseModel, ConfigDict, Field

from bot.answer import Answer
from bot.config import Config
from bot.kept import LONGEST_QUESTION, Kept, Rating
from corpus.errors import KeptUnwritable
from ui import examples
from ui.desk import REMEMBERED_FOR, Desk
from ui.errors import responses
from ui.examples import shows
from ui.source import CONTENT_POLICY
from ui.texts import PRIVACY, TEXTS

LOG = logging.getLogger("tanya")


class Feedback(BaseModel):
    """A vote on a recent answer."""

    model_config = ConfigDict(extra="forbid")
    answer_id: str = Field(max_length=100)
    rating: Rating
    reason: str | None = Field(default=None, max_length=1000)


class FeedbackTaken(BaseModel):
    """Whether the vote was kept; it is not where keeping is turned off."""

    kept: bool


EXAMPLES = {"down": Example(value={"answer_id": "6f0c1d…", "rating": "down", "reason": "Tahunnya salah."})}


def feedback_routes(desk: Desk, kept: Kept) -> APIRouter:
    """The route of the contract."""
    router = APIRouter()

    @router.post("/api/feedback", responses=responses(400, 403, 404, 413, 422, 429, 503) | shows(examples.KEPT))
    def feedback(given: Annotated[Feedback, Body(openapi_examples=EXAMPLES)]) -> FeedbackTaken:
        """Say whether a recent answer was good; a second vote on it takes the first one's place."""
        answer = desk.remembered(given.answer_id)
        reason = given.reason.encode("utf-8", "replace").decode() if given.reason else None
        return FeedbackTaken(kept=kept.add_vote(answer, given.rating, reason, desk.config.keep_days))

    return router


def privacy_routes(settings: Callable[[], Config]) -> APIRouter:
    """The privacy notice."""
    router = APIRouter()

    @router.get("/privacy", response_class=Response, responses=responses(422, 429) | shows(None, html=examples.PAGE))
    def privacy(lang: str | None = None) -> Response:
        """What is kept, for how long, and what is not."""
        language = lang if lang in TEXTS else "id"
        page = _template().render(
            language=language, words=TEXTS[language], title=PRIVACY[language]["title"], notice=notice(settings(), language)
        )
        return HTMLResponse(page, headers={"Content-Security-Policy": CONTENT_POLICY})

    return router


def gap_keeper(kept: Kept, settings: Callable[[], Config]) -> Callable[[Answer], None]:
    """What keeps questions without an answer; a disk that refuses must not cost their asker the answer."""

    def keep(answer: Answer) -> None:
        try:
            kept.add_gap(answer, settings().keep_days)
        except KeptUnwritable as error:
            LOG.warning("%s", error)

    return keep


def notice(config: Config, language: str) -> list[str]:
    """The paragraphs of the notice, as the settings make them true."""
    words = PRIVACY[language]
    bounds = {"days": config.keep_days, "characters": LONGEST_QUESTION}
    kept = [words[name].format(**bounds) for name in (("kept", "votes") if config.keep_days else ("nothing",))]
    logged = words["log_questions"] if config.log_questions else words["log"]
    memory = words["memory"].format(minutes=round(REMEMBERED_FOR / 60))
    return [words["conversation"], *kept, memory, logged, words["address"], words["elsewhere"]]


@lru_cache(maxsize=1)
def _template() -> Template:
    return Environment(loader=FileSystemLoader(Path(__file__).parent / "static"), autoescape=True).get_template("privacy.html")
