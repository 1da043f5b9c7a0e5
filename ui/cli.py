"""The command line: `tanya serve|ask|search|mcp|gaps|forget|doctor|index|corpus|embed|eval`.

Exit codes: 0 done; 1 the task failed, with one message on stderr; 2 wrong usage. With `--json` stdout holds one
JSON document and nothing else.
"""

import dataclasses
import gc
import json
import signal
from pathlib import Path
from typing import Any

import click

from ui.cli_corpus import corpus
from ui.cli_index import index
from ui.embed_cli import embed
from ui.options import Progress, as_json, places, read_settings, report


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
    # Until the server listens for it, a reload would end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    config = read_settings(corpus, index_, host=host, port=port)
    from bot.assemble import index_folder
    from bot.live import LiveBot

    bot = LiveBot(_open_bot(config), index_folder(config))
    gc.disable()  # what is loaded now stays: looking for garbage in it costs a fifth of that time; `run` takes it up again
    from ui.serve import address, run

    click.echo(config.public_url or f"http://{address(config.host, config.port)}", err=True)
    run(bot, lambda: read_settings(corpus, index_, host=host, port=port))


@main.command()
@places
@as_json
@click.option("--lang", type=click.Choice(["id", "en"]), help="Language of the answer; by default the question's.")
@click.argument("question")
def ask(corpus: Path | None, index_: Path | None, as_json: bool, lang: str | None, question: str) -> None:
    """Answer one QUESTION."""
    answer = _open_bot(read_settings(corpus, index_)).ask(question, language=lang)
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
    bot = _open_bot(read_settings(corpus, index_))
    from ui.api import hits_json

    found = hits_json(bot.search(question, k), bot.version)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for hit in found["hits"]:
        click.echo(f"{hit['score']:.3f}  {hit['doc_id']} {hit['start']}–{hit['end']}\n       {hit['text'][:200]}")


main.add_command(index)


@main.command("mcp")
@places
def mcp_(corpus: Path | None, index_: Path | None) -> None:
    """Serve an assistant over stdin and stdout by MCP: ask, search, get_passage."""
    config = read_settings(corpus, index_)
    bot = _open_bot(config)
    from bot.kept import Kept
    from ui.desk import Desk
    from ui.feedback import gap_keeper
    from ui.log import answer_line, configure_logging
    from ui.tools import run_stdio

    configure_logging(config.log_format)
    desk = Desk(lambda: bot, [answer_line(lambda: config), gap_keeper(Kept(config.kept), lambda: config)])
    run_stdio(desk)
    desk.close()


@main.command()
@as_json
def gaps(as_json: bool) -> None:
    """List what people asked and the corpus could not answer, grouped."""
    config = read_settings(None, None)
    from bot.kept import Kept, group_gaps
    from ui.log import one_line

    kept = Kept(config.kept)
    groups, votes = group_gaps(kept.gaps(config.keep_days)), kept.votes(config.keep_days)
    if as_json:
        found = {"gaps": [dataclasses.asdict(group) for group in groups], "votes": [dataclasses.asdict(vote) for vote in votes]}
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for group in groups:
        click.echo(f"{group.times:4}× [{group.language}] {one_line(group.questions[0])}  ({', '.join(group.reasons)}; {group.latest})")
        for question in group.questions[1:]:
            click.echo(f"           {one_line(question)}")
    for vote in votes:
        if vote.rating == "down":
            click.echo(f"  down [{vote.language}] {one_line(vote.question)}  {one_line(vote.reason or '')} ({vote.day})".rstrip())
    click.echo(f"{sum(group.times for group in groups)} questions without an answer, {len(votes)} votes", err=True)


@main.command()
@click.option("--yes", is_flag=True, help="Do not ask first.")
def forget(yes: bool) -> None:
    """Delete all feedback and unanswered questions that are kept."""
    config = read_settings(None, None)
    from bot.kept import Kept

    if not yes:
        click.confirm(f"Delete all that is kept in {config.kept}?", abort=True, err=True)
    click.echo(f"{Kept(config.kept).forget()} rows deleted")


@main.command()
@places
@as_json
def doctor(corpus: Path | None, index_: Path | None, as_json: bool) -> None:
    """Say whether model, texts, index, disk and address are as they should be, and how to mend what is not (exit code 1)."""
    config = read_settings(corpus, index_)
    from ui.doctor import examine

    report(list(examine(config)), as_json)


main.add_command(corpus)
main.add_command(embed)


@main.group("eval")
def eval_() -> None:
    """Measure against files of questions."""


@eval_.command()
@as_json
@click.argument("file", type=click.Path(path_type=Path))
def squad(as_json: bool, file: Path) -> None:
    """Exact match and F1 of the reader on FILE, of IDK-MRC's or SQuAD's shape."""
    from bot.assemble import open_models
    from bot.evaluate import read_paragraphs, score_squad

    paragraphs = read_paragraphs(file)
    scores = score_squad(paragraphs, open_models(read_settings(None, None))[1])
    if as_json:
        click.echo(json.dumps(scores, indent=2))
        return
    for name, part in (("all", scores), ("answerable", scores["answerable"]), ("unanswerable", scores["unanswerable"])):
        click.echo(f"{name:13} exact {part['exact']:.3f}  F1 {part['f1']:.3f}")


@eval_.command()
@places
@as_json
@click.option("--lang", type=click.Choice(["id", "en"]), help="Search the texts of this language alone; by default all.")
@click.argument("file", type=click.Path(path_type=Path))
def retrieval(corpus: Path | None, index_: Path | None, as_json: bool, lang: str | None, file: Path) -> None:
    """Recall and mean reciprocal rank of the documents and passages that FILE expects."""
    from bot.measure import as_lines, read_rows, score_retrieval

    rows = read_rows(file)
    found = score_retrieval(_open_bot(read_settings(corpus, index_)), rows, lang)
    click.echo(json.dumps(found, indent=2) if as_json else "\n".join(as_lines(found)))


@eval_.command()
@places
@as_json
@click.option("--wrong", is_flag=True, help="Print what went wrong to stderr, with what was wanted.")
@click.option("--kind", multiple=True, help="Ask the questions of this kind alone; may be given again.")
@click.argument("file", type=click.Path(path_type=Path))
def questions(corpus: Path | None, index_: Path | None, as_json: bool, wrong: bool, kind: tuple[str, ...], file: Path) -> None:
    """Answers right, citations expected, and refusals due, on FILE; by kind and language, with intervals of 95 %."""
    from bot.measure import as_lines, ask_all, read_rows, summary

    rows = [row for row in read_rows(file) if not kind or row.kind in kind]
    scored = []
    for one, answer in ask_all(_open_bot(read_settings(corpus, index_)), rows):
        scored.append(one)
        if wrong and not one.right:
            said = answer.refusal_reason or [citation.quote for citation in answer.citations]
            click.echo(f"- {one.asked.kind} | {one.asked.question} | {said}", err=True)
            for point in one.asked.points:
                click.echo(f"    wanted: {point[0].quote}", err=True)
    found = summary(scored)
    click.echo(json.dumps(found, indent=2) if as_json else "\n".join(as_lines(found)))


def _open_bot(config: Any) -> Any:
    from bot.assemble import open_bot

    with Progress() as watch:
        return open_bot(config, watch)


if __name__ == "__main__":
    main()
