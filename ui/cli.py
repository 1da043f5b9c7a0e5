"""The command line: `tanya serve|ask|search|index|corpus|embed|eval`.

Exit codes: 0 done; 1 the task failed, with one message on stderr; 2 wrong usage. With `--json` stdout holds one
JSON document and nothing else.
"""

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ui.embed_cli import embed


class TanyaGroup(click.Group):
    """Turns our own errors into one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; our errors are imported only once there is one, which keeps `--help` instant."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            from corpus.errors import TanyaError

            if isinstance(error, TanyaError):
                raise click.ClickException(str(error)) from error
            raise


def places(command: Callable[..., None]) -> Callable[..., None]:
    """The options that all commands share."""
    path = click.Path(path_type=Path, file_okay=False)
    command = click.option("--index", "index_", type=path, help="Folder of the built index.")(command)
    return click.option("--corpus", type=path, help="Folder of source texts.")(command)


as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group(cls=TanyaGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tanya-diplomasi")
def main() -> None:
    """Answers about Indonesia's digital diplomacy, only from the corpus, each sentence with its source."""


@main.command()
@places
@click.option("--host", help="Address to listen on (127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (7860).")
def serve(corpus: Path | None, index_: Path | None, host: str | None, port: int | None) -> None:
    """Start the chat and the HTTP interface."""
    config = _config(corpus, index_, host=host, port=port)
    bot = _open_bot(config)
    from ui.serve import run

    click.echo(f"http://{config.host}:{config.port}", err=True)
    run(bot, config.host, config.port)


@main.command()
@places
@as_json
@click.option("--lang", type=click.Choice(["id", "en"]), help="Language of the answer; by default the question's.")
@click.argument("question")
def ask(corpus: Path | None, index_: Path | None, as_json: bool, lang: str | None, question: str) -> None:
    """Answer one QUESTION."""
    answer = _open_bot(_config(corpus, index_)).ask(question, language=lang)
    if as_json:
        click.echo(answer.model_dump_json(indent=2))
        return
    for notice in answer.notices:
        click.echo(notice.text, err=True)
    click.echo(answer.answer)
    for citation in answer.citations:
        click.echo(f"[{citation.number}] {citation.title} ({citation.doc_id}, {citation.start}–{citation.end})")
        for source in citation.sources:
            click.echo(
                "    " + ", ".join(part for part in (source.author, source.title, source.publisher, source.date, source.url) if part)
            )
    for near in answer.nearest:
        click.echo(f"  ~ {near.title}: “{near.quote}” ({near.reason})")


@main.command()
@places
@as_json
@click.option("-k", type=click.IntRange(1, 50), default=8, show_default=True, help="Number of passages.")
@click.argument("question")
def search(corpus: Path | None, index_: Path | None, as_json: bool, k: int, question: str) -> None:
    """Show the passages nearest to QUESTION."""
    bot = _open_bot(_config(corpus, index_))
    from ui.api import hits_json

    found = hits_json(bot.search(question, k), bot.version)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for hit in found["hits"]:
        click.echo(f"{hit['score']:.3f}  {hit['doc_id']} {hit['start']}–{hit['end']}\n       {hit['text'][:200]}")


@main.group()
def index() -> None:
    """Build the index and see what is live."""


@index.command()
@places
@as_json
def build(corpus: Path | None, index_: Path | None, as_json: bool) -> None:
    """Build the index anew and make it current."""
    config = _config(corpus, index_)
    from bot.bot import open_embedder, rebuild

    with _Progress() as watch:
        manifest = rebuild(config, open_embedder(config), watch)
    if as_json:
        click.echo(manifest.model_dump_json(indent=2, exclude={"files"}))
    else:
        click.echo(f"{manifest.version}: {manifest.documents} documents, {manifest.chunks} chunks, {manifest.sentences} sentences")


@index.command()
@places
@as_json
def status(corpus: Path | None, index_: Path | None, as_json: bool) -> None:
    """Say which version is live, since when, and from what."""
    from bot.bot import index_folder
    from index.store import read_manifest

    folder, manifest = read_manifest(index_folder(_config(corpus, index_)))
    if as_json:
        click.echo(manifest.model_dump_json(indent=2, exclude={"files"}))
    else:
        click.echo(f"{manifest.version}, built {manifest.created} with {manifest.model}")
        click.echo(f"{manifest.documents} documents, {manifest.chunks} chunks, {manifest.sentences} sentences in {folder}")


@main.group()
def corpus() -> None:
    """Look at the source texts and check them."""


@corpus.command("list")
@places
@as_json
def list_(corpus: Path | None, index_: Path | None, as_json: bool) -> None:
    """List the documents."""
    from bot.bot import corpus_folder
    from corpus.load import load_corpus

    read = load_corpus(corpus_folder(_config(corpus, index_)))
    _report_failures(read.failures)
    rows = [{"id": d.doc_id, "language": d.language, "title": d.title, "path": d.path, "characters": len(d.text)} for d in read.documents]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(f"{row['id']}  [{row['language']}] {row['title']}")


@corpus.command()
@places
@as_json
@click.option("--against", type=click.Path(path_type=Path, exists=True), help="Texts that no document may share a run of words with.")
def check(corpus: Path | None, index_: Path | None, as_json: bool, against: Path | None) -> None:
    """Validate the documents; exit code 1 where something is to be mended."""
    from bot.bot import corpus_folder
    from corpus.check import check_corpus
    from corpus.load import load_corpus

    folder = corpus_folder(_config(corpus, index_))
    read = load_corpus(folder)
    findings = check_corpus(read, folder, against)
    if as_json:
        click.echo(
            json.dumps(
                {"documents": len(read.documents), "findings": [dataclasses.asdict(f) for f in findings]}, ensure_ascii=False, indent=2
            )
        )
    else:
        for finding in findings:
            click.echo(f"{finding.code:13} {finding.where}  {finding.message}")
        click.echo(f"{len(read.documents)} documents, {len(findings)} findings")
    if findings:
        sys.exit(1)


main.add_command(embed)


@main.group("eval")
def eval_() -> None:
    """Measure against files of questions."""


@eval_.command()
@as_json
@click.argument("file", type=click.Path(path_type=Path))
def squad(as_json: bool, file: Path) -> None:
    """Exact match and F1 of the reader on FILE, of IDK-MRC's or SQuAD's shape."""
    from bot.bot import open_embedder, open_reader
    from bot.evaluate import read_paragraphs, score_squad

    paragraphs = read_paragraphs(file)
    config = _config(None, None)
    scores = score_squad(paragraphs, open_reader(config, open_embedder(config)))
    if as_json:
        click.echo(json.dumps(scores, indent=2))
        return
    for name, part in (("all", scores), ("answerable", scores["answerable"]), ("unanswerable", scores["unanswerable"])):
        click.echo(f"{name:13} exact {part['exact']:.3f}  F1 {part['f1']:.3f}")


def _config(corpus: Path | None, index_: Path | None, **more: Any) -> Any:
    from bot.config import read_config

    return read_config(corpus=corpus, index=index_, **more)


def _open_bot(config: Any) -> Any:
    from bot.bot import open_bot

    with _Progress() as watch:
        return open_bot(config, watch)


def _report_failures(failures: tuple[Exception, ...]) -> None:
    for failure in failures:
        click.echo(f"Left out: {failure}", err=True)


class _Progress:
    """A progress bar on stderr that appears only if something is built."""

    def __enter__(self) -> Callable[[str, int], None]:
        self._bar: Any = None
        return self._watch

    def _watch(self, event: str, count: int) -> None:
        from tqdm import tqdm

        if event == "start":
            self._bar = tqdm(total=count, desc="Building the index", unit="text", file=sys.stderr)
        else:
            self._bar.update(count)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()


if __name__ == "__main__":
    main()
