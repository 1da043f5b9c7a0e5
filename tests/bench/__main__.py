"""Measures speed, memory and ranking on this machine, beside its peers in the same run: `python -m tests.bench [--squad valid.json]`.

Peers run on the same weights and texts, each in a process of its own, in turns: sentence-transformers in 32 bits, always;
txtai, where it is installed (`pip install txtai`). Figures of one run are comparable as ratios; across runs a busy
machine moves them by a third.
"""

import argparse
import functools
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bot.evaluate import read_paragraphs
from corpus import load_corpus, split_chunks
from index import E5Embedder, Embedder, OpenVinoEncoder, SentenceTransformerEmbedder, build_index, unpack_model
from tests.conftest import DOCUMENTS

PASSAGES, QUERIES, ANSWERS, ROUNDS = 400, 60, 1000, 2
OURS, PLAIN, TXTAI = "ours", "sentence-transformers", "txtai"
PORT = 7999


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--squad", type=Path, help="a file of IDK-MRC's shape: its paragraphs are ranked for its questions")
    parser.add_argument("--answers", type=int, default=ANSWERS, help="questions asked before the server's memory is read")
    parser.add_argument("--only", choices=["embed", "rank", "serve"], help="one part")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        print(json.dumps(measured(options.peer, options.folder)))
        return
    if options.only == "rank" and not options.squad:
        parser.error("--only rank needs --squad")
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        if options.only in (None, "embed"):
            figures["embed"] = embedding(Path(folder))
        if options.only in (None, "rank") and options.squad:
            figures["rank"] = ranking(Path(folder), options.squad)
        if options.only in (None, "serve"):
            figures["serve"] = serving(Path(folder), options.answers)
    for part, found in figures.items():
        print(part)
        for name, value in found.items():
            print(f"    {name:44} {value}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


def texts_and_questions(embedder: E5Embedder) -> tuple[list[str], list[str]]:
    """Passages of the shipped articles of about 150 tokens, and the articles' titles as questions."""
    documents = load_corpus(DOCUMENTS).documents
    chunks = [chunk for document in documents for chunk in split_chunks(document, embedder.count_tokens, 150)]
    texts = [chunk.text for chunk in chunks if embedder.count_tokens(chunk.text) > 60]
    return texts[:PASSAGES], [document.title for document in documents][:QUERIES]


def embedding(folder: Path) -> dict[str, Any]:
    """Passages a second, and milliseconds a query with its search, of ours and of each peer, and our whole build.

    Each runs in a process of its own, for the threads of one engine wait busily and slow another; they take turns, and of
    each the best round counts.
    """
    unpack_model(folder)
    peers = [OURS, PLAIN, *([TXTAI] if importlib.util.find_spec(TXTAI) else [])]
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in peers}
    for _ in range(ROUNDS):
        for name in peers:
            command = [sys.executable, "-m", "tests.bench", "--peer", name, "--folder", str(folder)]
            rounds[name].append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
    best = {name: {"rate": max(one["rate"] for one in found), "ms": min(one["ms"] for one in found)} for name, found in rounds.items()}
    others = [best[name] for name in peers if name != OURS]
    figures: dict[str, Any] = {}
    for name in peers:
        figures |= {f"{name}: passages a second": best[name]["rate"], f"{name}: query, median ms": best[name]["ms"]}
    figures["ours, times the best peer: passages a second"] = round(best[OURS]["rate"] / max(one["rate"] for one in others), 2)
    figures["ours, times the best peer: query"] = round(min(one["ms"] for one in others) / best[OURS]["ms"], 2)
    figures["ours with every sentence, BM25 and files: passages a second"] = max(one["whole"] for one in rounds[OURS])
    if TXTAI not in peers:
        figures["missing"] = "txtai (pip install txtai)"
    return figures


def measured(name: str, folder: Path) -> dict[str, float]:
    """One peer, in this process: passages a second, median milliseconds a query; of ours also passages a second of a whole build."""
    embedder = E5Embedder(OpenVinoEncoder())
    texts, questions = texts_and_questions(embedder)
    model = str(unpack_model(folder))
    peer = (
        Txtai(model, texts)
        if name == TXTAI
        else Peer(embedder if name == OURS else SentenceTransformerEmbedder(model, bfloat16=False), texts)
    )
    peer.build()
    found = {"rate": round(len(texts) / _seconds(peer.build), 1)}
    peer.query(questions[0])
    found["ms"] = round(1000 * statistics.median(_seconds(functools.partial(peer.query, one)) for one in questions), 1)
    if name == OURS:
        with tempfile.TemporaryDirectory() as build:
            found["whole"] = round(len(texts) / _seconds(lambda: _build(Path(build), texts, embedder)), 1)
    return found


class Peer:
    """An embedder with an exact FAISS index."""

    def __init__(self, embedder: Embedder, texts: Sequence[str]) -> None:
        import faiss

        self._embedder, self._texts = embedder, texts
        self._index = faiss.IndexFlatIP(embedder.dimension)

    def build(self) -> None:
        self._index.reset()
        self._index.add(self._embedder.embed_documents(self._texts))

    def query(self, question: str) -> None:
        self._index.search(self._embedder.embed_queries([question]), 8)


class Txtai:
    """The same weights in txtai."""

    def __init__(self, model: str, texts: Sequence[str]) -> None:
        from txtai import Embeddings  # type: ignore[import-not-found,unused-ignore]

        self._index, self._texts = Embeddings(path=model, instructions={"query": "query: ", "data": "passage: "}, content=False), texts

    def build(self) -> None:
        self._index.index(list(self._texts))

    def query(self, question: str) -> None:
        self._index.search(question, 8)


def _build(folder: Path, texts: Sequence[str], embedder: Embedder) -> None:
    (folder / "texts").mkdir()
    for i, text in enumerate(texts):
        (folder / "texts" / f"{i}.txt").write_text(text, "utf-8")
    build_index(load_corpus(folder / "texts").documents, folder / "index", embedder)


def ranking(folder: Path, squad: Path) -> dict[str, Any]:
    """R@5 and MRR@10 of a question's own paragraph among all, by cosine, ours and in 32 bits."""
    paragraphs = read_paragraphs(squad)
    texts = [paragraph.context for paragraph in paragraphs]
    asked = [(question.question, i) for i, paragraph in enumerate(paragraphs) for question in paragraph.qas if question.answers]
    found: dict[str, Any] = {"paragraphs": len(texts), "questions": len(asked)}
    plain = SentenceTransformerEmbedder(str(unpack_model(folder)), bfloat16=False)
    for name, embedder in (("ours", E5Embedder(OpenVinoEncoder())), ("32 bits", plain)):
        scores = embedder.embed_queries([question for question, _ in asked]) @ embedder.embed_documents(texts).T
        own = scores[np.arange(len(asked)), [i for _, i in asked]]
        ranks = (scores > own[:, None]).sum(axis=1) + 1
        found[f"{name}: R@5"] = round(float((ranks <= 5).mean()), 4)
        found[f"{name}: MRR@10"] = round(float(np.where(ranks <= 10, 1 / ranks, 0).mean()), 4)
    return found


def serving(folder: Path, answers: int) -> dict[str, Any]:
    """Start, memory and speed of the server, its index present."""
    tanya = [sys.executable, "-m", "ui.cli"]
    environment = {**os.environ, "TANYA_INDEX": str(folder / "served")}
    found: dict[str, Any] = {
        "tanya --help, s": round(_seconds(lambda: subprocess.run([*tanya, "--help"], check=True, capture_output=True)), 2)
    }
    subprocess.run([*tanya, "index", "build"], check=True, capture_output=True, env=environment)
    found["tanya index build, nothing changed, s"] = round(
        _seconds(lambda: subprocess.run([*tanya, "index", "build"], check=True, capture_output=True, env=environment)), 2
    )
    questions = [
        json.loads(line)["question"] for line in (Path(__file__).parent.parent / "eval" / "articles.jsonl").read_text("utf-8").splitlines()
    ]
    started = time.perf_counter()
    server = subprocess.Popen([*tanya, "serve", "--port", str(PORT)], env=environment, stderr=subprocess.DEVNULL)
    try:
        _until_page(server)
        found["tanya serve: page, s"] = round(time.perf_counter() - started, 2)
        _ask(questions[0])
        found["tanya serve: first answer, s"] = round(time.perf_counter() - started, 2)
        times = []
        for i in range(answers):
            times.append(_seconds(lambda i=i: _ask(questions[i % len(questions)])))  # type: ignore[misc]
            if i + 1 in (10, answers // 2, answers):
                found[f"memory after {i + 1} answers, MB"] = _resident(server.pid)
        found["answer, median ms"] = round(1000 * statistics.median(times))
    finally:
        server.terminate()
        server.wait(20)
    return found


def _until_page(server: "subprocess.Popen[bytes]") -> None:
    for _ in range(1200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=5).read()
        except OSError:
            if server.poll() is not None:
                raise SystemExit("tanya serve ended before it served a page.") from None
            time.sleep(0.05)
        else:
            return
    raise SystemExit("tanya serve showed no page.")


def _ask(question: str) -> None:
    body = json.dumps({"question": question}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}/api/ask", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=60).read()


def _resident(pid: int) -> int:
    """Megabytes, mapped files included."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) // 1024


def _seconds(action: Callable[[], Any]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
