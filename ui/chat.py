"""The chat page: Gradio, one Blocks an interface language.

The conversation lives in the browser: each question brings it along, and nothing of it is kept here (see `ui.sessions`).
"""

import html
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from bot.answer import Answer
from bot.config import Config
from bot.converse import TURNS, Turn
from corpus.errors import QuestionInvalid, QuestionTooLong, QueueFull, TanyaError
from ui.desk import LONGEST_TURN
from ui.render import answer_steps, message_html, question_html, searching_html, votes_html
from ui.texts import TEXTS

LOG = logging.getLogger("tanya")

CONCURRENCY = 36
"""Questions that Gradio hands on at once, four fewer than its threads: the desk has the queue that counts."""

QUEUE = 64
"""Waiting questions; the next one is told to come back instead of waiting for minutes."""

_ASKED = re.compile(r'<div class="td-question( td-alone)?">(.*?)</div>', re.DOTALL)
_TAG = re.compile(r"<[^<>]+>")

Message = dict[str, Any]


class Asked(Protocol):
    """What answers: the desk, or in tests a bot."""

    @property
    def config(self) -> Config:
        """The settings that hold now."""

    def examples(self, language: str, /) -> tuple[str, ...]:
        """Questions to begin with."""

    def ask(self, question: str, history: Sequence[Turn] = (), /) -> Answer:
        """Answer, or raise a TanyaError."""


def build_chat(desk: Asked, language: str) -> Any:
    """The Gradio app of one interface language."""
    import gradio as gr

    words = TEXTS[language]

    def respond(question: str, messages: list[Message] | None) -> Iterator[tuple[list[Message], str]]:
        for shown in talk(desk, question, messages or [], language):
            yield shown, ""

    def respond_alone(question: str, messages: list[Message] | None) -> Iterator[tuple[list[Message], str]]:
        for shown in talk(desk, question, messages or [], language, alone=True):
            yield shown, ""

    with gr.Blocks(title=words["title"], analytics_enabled=False, fill_height=True) as blocks:
        gr.Markdown(_header(words), sanitize_html=False, elem_id="td-header")
        chat = gr.Chatbot(
            elem_id="td-chat", show_label=False, container=False, layout="panel", buttons=[], feedback_options=None,
            placeholder=f"<h2>{words['hello']}</h2><p>{words['hello_more']}</p>", latex_delimiters=[], height="auto",
            scale=1, group_consecutive_messages=False,
        )  # fmt: skip
        box = gr.Textbox(
            elem_id="td-box", show_label=False, label=words["placeholder"], placeholder=words["placeholder"], container=False,
            submit_btn=words["ask"], autofocus=True, max_length=desk.config.max_question,
        )  # fmt: skip
        alone = gr.Textbox(elem_id="td-ask-alone", visible="hidden", max_length=desk.config.max_question)
        more = gr.Textbox(elem_id="td-ask-next", visible="hidden", max_length=desk.config.max_question)
        with gr.Row(elem_id="td-foot"):
            clear = gr.Button(words["clear"], size="sm", variant="secondary", elem_id="td-clear")
            gr.Markdown(_footer(words, language), sanitize_html=False)
        options: dict[str, Any] = {"concurrency_id": "ask", "concurrency_limit": CONCURRENCY, "api_visibility": "private"}
        box.submit(respond, [box, chat], [chat, box], **options)
        more.submit(respond, [more, chat], [chat, more], **options)
        alone.submit(respond_alone, [alone, chat], [chat, alone], **options)
        blocks.load(
            lambda: gr.Chatbot(examples=[{"text": text} for text in desk.examples(language)]), None, [chat], api_visibility="private"
        )
        chat.example_select(_chosen(respond), [chat], [chat, box], **options)
        clear.click(lambda: ([], ""), None, [chat, box], api_visibility="private")
    blocks.queue(max_size=QUEUE, default_concurrency_limit=CONCURRENCY)
    return blocks


def talk(desk: Asked, question: str, messages: list[Message], language: str, alone: bool = False) -> Iterator[list[Message]]:
    """The conversation as it grows while `question` is answered; `alone` asks it without what was said before."""
    words = TEXTS[language]
    shown: list[Message] = [*messages, {"role": "user", "content": question_html(question[: desk.config.max_question], alone)}]
    history = [] if alone else turns(messages)

    def with_reply(content: str) -> list[Message]:
        return [*shown, {"role": "assistant", "content": content}]

    yield with_reply(searching_html(language))
    try:
        answer = desk.ask(question, history)
        *growing, whole = answer_steps(answer, urlsplit(desk.config.public_url or "").path, follows=bool(history))
    except QuestionTooLong:
        yield with_reply(message_html(words["too_long"].format(limit=desk.config.max_question)))
    except QuestionInvalid:
        yield with_reply(message_html(words["empty"]))
    except QueueFull:
        yield with_reply(message_html(words["busy"]))
    except TanyaError:
        yield with_reply(message_html(words["failed"]))
    except Exception:
        # Else the page would say for ever that it searches.
        LOG.exception("An answer failed in a way that was not foreseen.")
        yield with_reply(message_html(words["failed"]))
    else:
        for content in growing:
            yield with_reply(content)
        votes = desk.config.keep_days and (answer.sentences or answer.refused)
        yield with_reply(whole + (votes_html(answer.answer_id, language) if votes else ""))


def turns(messages: list[Message]) -> list[Turn]:
    """The conversation as the bot wants it, from the messages that the browser holds; it begins at the last question asked alone."""
    found: list[Turn] = []
    for message in messages[-2 * TURNS :]:
        content = _plain(message.get("content"))[:LONGEST_TURN]
        role = message.get("role")
        if role == "user" or role == "assistant":
            asked = _ASKED.search(content)
            if asked and asked[1]:
                found.clear()
            found.append(Turn(role, html.unescape(_TAG.sub("", asked[2] if asked else content)).strip()))
    return found


def _plain(content: Any) -> str:
    """Gradio gives a text, or a list of parts with one."""
    if isinstance(content, list):
        return " ".join(_plain(part) for part in content)
    if isinstance(content, dict):
        return str(content.get("text", ""))
    return content if isinstance(content, str) else ""


def _chosen(respond: Callable[[str, list[Message] | None], Iterator[tuple[list[Message], str]]]) -> Any:
    import gradio as gr

    def chosen(messages: list[Message] | None, event: gr.SelectData) -> Iterator[tuple[list[Message], str]]:
        yield from respond(str(event.value["text"]), messages)

    return chosen


def _header(words: dict[str, str]) -> str:
    return (
        f'<header class="td-header"><div><h1>{words["title"]}</h1><p>{words["tagline"]}</p></div>'
        f'<a class="td-language" href="{words["other_path"]}">{words["other"]}</a></header>'
    )


def _footer(words: dict[str, str], language: str) -> str:
    page = f"{'../' if words['path'] else ''}privacy?lang={language}"
    return f'<p>{words["independent"]} {words["local"]} <a href="{page}">{words["privacy"]}</a></p>'
