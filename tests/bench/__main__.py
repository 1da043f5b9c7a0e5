"""Measures speed, memory and ranking on this machine, beside its peers in the same run: `python -m tests.bench [--squad valid.json]`.

Peers run on the same weights and texts: sentence-transformers in 32 bits, always; txtai, where it is installed
(`pip install txtai`). Figures of one run are comparable as ratios; across runs a busy machine moves them by a third.
"""

import argparse
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
from index import E5Embedder, OpenVinoEncoder, Retriever, SentenceTransformerEmbedder, build_index, open_index, unpack_model
from tests.conftest import DOCUMENTS

PASSAGES, QUERIES, ANSWERS = 400, 60, 1000
PORT = 7999
Embed = Callable[[Sequence[str]], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--squad", type=Path, help="a file of IDK-MRC's shape: its paragraphs are ranked for its questions")
    parser.add_argument("--answers", type=int, default=ANSWERS, help="questions asked before the server's memory is read")
    parser.add_argument("--only", choices=["embed", "rank", "serve"], help="one part")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
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
    """Passages of the shipped articles of about 150 tokens, and their headings' questions."""
    documents = load_corpus(DOCUMENTS).documents
    chunks = [chunk for document in documents for chunk in split_chunks(document, embedder.count_tokens, 150)]
    texts = [chunk.text for chunk in chunks if embedder.count_tokens(chunk.text) > 60]
    return texts[:PASSAGES], [document.title for document in documents][:QUERIES]


def embedding(folder: Path) -> dict[str, Any]:
    """Passages a second, and milliseconds a query with its search, ours and the peers', in turns."""
    embedder = E5Embedder(OpenVinoEncoder())
    texts, questions = texts_and_questions(embedder)
    (folder / "texts").mkdir()
    for i, text in enumerate(texts):
        (folder / "texts" / f"{i}.txt").write_text(text, "utf-8")
    documents = load_corpus(folder / "texts").documents
    plain = SentenceTransformerEmbedder(str(unpack_model(folder)), bfloat16=False)
    peers: dict[str, tuple[Callable[[], Any], Callable[[str], Any]]] = {
        "ours": _ours(folder, embedder, documents),
        "sentence-transformers": _plain(plain, texts),
    }
    if importlib.util.find_spec("txtai"):
        peers["txtai"] = _txtai(str(unpack_model(folder)), texts)
    found: dict[str, Any] = {"passages": len(texts)}
    for name, (build, _) in peers.items():
        found[f"{name}: passages a second"] = round(len(texts) / _seconds(build), 1)
    for name, (_, query) in peers.items():
        query(questions[0])
        found[f"{name}: query, median ms"] = round(1000 * statistics.median(_seconds(lambda q=q, ask=query: ask(q)) for q in questions), 1)  # type: ignore[misc]
    for unit, better in (("passages a second", max), ("query, median ms", min)):
        others = better(found[f"{name}: {unit}"] for name in peers if name != "ours")
        ours = found[f"ours: {unit}"]
        found[f"ours, times the best peer: {unit}"] = round(ours / others if better is max else others / ours, 2)
    if "txtai" not in peers:
        found["missing"] = "txtai (pip install txtai)"
    return found


def _ours(folder: Path, embedder: E5Embedder, documents: Any) -> tuple[Callable[[], Any], Callable[[str], Any]]:
    def build() -> None:
        build_index(documents, folder / "index", embedder)

    retriever: list[Retriever] = []

    def query(question: str) -> None:
        if not retriever:
            retriever.append(Retriever(open_index(folder / "index"), embedder))
        retriever[0].search(question, 8)

    return build, query


def _plain(embedder: SentenceTransformerEmbedder, texts: Sequence[str]) -> tuple[Callable[[], Any], Callable[[str], Any]]:
    import faiss

    index = faiss.IndexFlatIP(embedder.dimension)

    def build() -> None:
        index.reset()
        index.add(embedder.embed_documents(texts))

    return build, lambda question: index.search(embedder.embed_queries([question]), 8)


def _txtai(model: str, texts: Sequence[str]) -> tuple[Callable[[], Any], Callable[[str], Any]]:
    from txtai import Embeddings  # type: ignore[import-not-found,unused-ignore]

    index = Embeddings(path=model, instructions={"query": "query: ", "data": "passage: "}, content=False)
    return lambda: index.index(list(texts)), lambda question: index.search(question, 8)


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
