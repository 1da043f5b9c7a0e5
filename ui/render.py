"""An Answer as HTML for the chat. Every text from corpus, question or model goes through `escape` here.

The chat hands our HTML to a Markdown renderer: it leaves a block-level element without line breaks alone, so each
message is one `div` on one line.
"""

import re
from collections.abc import Iterable
from html import escape

from bot.answer import Answer, Citation, CitedSource, NearPassage
from ui.texts import EMBED_TEXTS, TEXTS, date_in_words


def question_html(question: str, alone: bool = False) -> str:
    """The asker's own words, as text; `alone` marks one that begins the conversation anew."""
    return f'<div class="td-question{" td-alone" if alone else ""}">{_text(question)}</div>'


def searching_html(language: str) -> str:
    """What stands there until the first sentence."""
    return f'<div class="td-searching">{_text(TEXTS[language]["searching"])}</div>'


def message_html(text: str) -> str:
    """A plain message of the interface itself."""
    return f'<div class="td-answer"><p>{_text(text)}</p></div>'


def votes_html(answer_id: str, language: str) -> str:
    """What asks for a vote on that answer. The chat takes attributes like `data-` off, so the id is one; chat.js does the rest."""
    words = TEXTS[language]
    buttons = "".join(f'<button type="button" class="td-vote td-{rating}">{_text(words[rating])}</button>' for rating in ("up", "down"))
    said = '<span class="td-said" role="status"></span>'
    return f'<div class="td-votes" id="td-votes-{_text(answer_id)}"><span>{_text(words["rate"])}</span>{buttons}{said}</div>'


def answer_html(answer: Answer, root: str = "", follows: bool = False) -> str:
    """The whole answer: notices, sentences with their chips, and a card for each source."""
    return list(answer_steps(answer, root, follows))[-1]


def answer_steps(answer: Answer, root: str = "", follows: bool = False) -> Iterable[str]:
    """The answer as it grows: the cards first, then one more sentence at each step.

    `follows`: a conversation came with the question. Where it changed what was asked, a button asks without it; chat.js does the rest.
    """
    words = TEXTS[answer.language]
    notices = "".join(f'<p class="td-notice">{_text(notice.text)}</p>' for notice in answer.notices)
    if answer.standalone_question != " ".join(answer.question.split()) and not answer.is_courtesy:
        drop = f' <button type="button" class="td-drop">{_text(words["as_typed"])}</button>' if follows else ""
        notices += f'<p class="td-notice td-standalone">{_text(words["understood"])} {_text(answer.standalone_question)}{drop}</p>'
    if answer.refused:
        near = "".join(_near_card(passage, words, root) for passage in answer.nearest)
        heading = f'<p class="td-heading">{_text(words["nearest"])}</p>' if near else ""
        yield f'<div class="td-answer td-refused">{notices}<p>{_text(answer.answer)}</p>{heading}{_list(near)}{_related(answer)}</div>'
        return
    if not answer.sentences:
        yield f'<div class="td-answer">{notices}<p>{_text(answer.answer)}</p>{_related(answer)}</div>'
        return
    cards = _list("".join(_card(citation, answer.language, root) for citation in answer.citations))
    by_number = {citation.number: citation for citation in answer.citations}
    said = ""
    related = _related(answer)
    for sentence in answer.sentences:
        chips = "".join(_chip(by_number[number], words, root) for number in sentence.citations)
        said += f"{_with_answer(by_number[sentence.citations[0]])}{chips} "
        yield f'<div class="td-answer">{notices}<p>{said}</p><p class="td-heading">{_text(words["sources"])}</p>{cards}{related}</div>'


def _related(answer: Answer) -> str:
    """Questions to go on with, each a button; chat.js asks them."""
    buttons = "".join(f'<li><button type="button" class="td-next">{_text(question)}</button></li>' for question in answer.related)
    heading = _text(EMBED_TEXTS[answer.language]["related"])
    return f'<p class="td-heading">{heading}</p><ul class="td-related">{buttons}</ul>' if buttons else ""


def _with_answer(citation: Citation) -> str:
    """The quoted sentence, the words that answer exactly in bold."""
    if citation.answer_start is None or citation.answer_end is None:
        return _text(citation.quote)
    start, end = citation.answer_start - citation.start, citation.answer_end - citation.start
    before, answer, after = citation.quote[:start], citation.quote[start:end], citation.quote[end:]
    return f"{_text(before)}<strong>{_text(answer)}</strong>{_text(after)}"


def _chip(citation: Citation, words: dict[str, str], root: str) -> str:
    label = words["open_source"].format(number=citation.number, title=citation.title)
    return f'<a class="td-chip" href="{_text(root + citation.source_url)}" title="{_text(label)}">{citation.number}</a>'


def _card(citation: Citation, language: str, root: str) -> str:
    words = TEXTS[language]
    facts = [citation.author or "", citation.publisher or "", date_in_words(citation.date, language), words[citation.language]]
    facts = list(dict.fromkeys(fact for fact in facts if fact))
    sources = "; ".join(_rests_on(source, language) for source in citation.sources)
    rests = f'<span class="td-rests">{_text(words["rests_on"])}: {sources}</span>' if sources else ""
    return (
        f'<li class="td-card"><a href="{_text(root + citation.source_url)}"><span class="td-number">{citation.number}</span>'
        f'<span class="td-title">{_text(citation.title)}</span></a><span class="td-facts">{_text(" · ".join(facts))}</span>'
        f'<span class="td-quote">“{_text(citation.quote)}”</span>{rests}</li>'
    )


def _rests_on(source: CitedSource, language: str) -> str:
    """A published work, its title linked to the publisher's own page where that is known."""
    title = _text(source.title)
    if source.url and source.url.startswith(("https://", "http://")):
        title = f'<a class="td-original" href="{_text(source.url)}">{title}</a>'
    parts = (_text(source.author or ""), title, _text(source.publisher or ""), _text(date_in_words(source.date, language)))
    return ", ".join(part for part in parts if part)


def _near_card(passage: NearPassage, words: dict[str, str], root: str) -> str:
    return (
        f'<li class="td-card"><a href="{_text(root + passage.source_url)}"><span class="td-title">{_text(passage.title)}</span></a>'
        f'<span class="td-facts">{_text(passage.reason)}</span><span class="td-quote">“{_text(passage.quote)}”</span></li>'
    )


def _list(cards: str) -> str:
    return f'<ul class="td-cards">{cards}</ul>' if cards else ""


def _text(text: str) -> str:
    """Escaped, on one line."""
    return escape(re.sub(r"\s+", " ", text))
