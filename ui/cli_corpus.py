"""`tanya corpus …`: list the source texts, check them, add files and remove documents."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import click

from ui.options import as_json, places, read_settings


@click.group()
def corpus() -> None:
    """Look at the source texts, check them, add and remove some."""


@corpus.command("list")
@places
@as_json
def list_(corpus: Path | None, index_: Path | None, as_json: bool) -> None:
    """List the documents."""
    from bot.assemble import corpus_folder
    from corpus.load import load_corpus

    read = load_corpus(corpus_folder(read_settings(corpus, index_)))
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
    from bot.assemble import corpus_folder
    from corpus.check import check_corpus
    from corpus.load import load_corpus

    folder = corpus_folder(read_settings(corpus, index_))
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


@corpus.command()
@places
@as_json
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def add(corpus: Path | None, index_: Path | None, as_json: bool, files: tuple[Path, ...]) -> None:
    """Copy text or Markdown FILES to the corpus, each to the folder of its language; nothing that is there is replaced."""
    from corpus.edit import add_document
    from corpus.load import load_document

    folder = _own_folder(read_settings(corpus, index_))
    for file in files:  # one that cannot be read stops all
        load_document(file, file.parent)
    added = [add_document(file, folder) for file in files]
    if as_json:
        click.echo(
            json.dumps([{"id": one.doc_id, "language": one.language, "path": one.path} for one in added], ensure_ascii=False, indent=2)
        )
        return
    for one in added:
        click.echo(f"added {one.doc_id}  [{one.language}] {one.title}")
    click.echo(_THEN)


@corpus.command()
@places
@as_json
@click.argument("ids", nargs=-1, required=True)
def remove(corpus: Path | None, index_: Path | None, as_json: bool, ids: tuple[str, ...]) -> None:
    """Delete the files of the documents IDS, as `tanya corpus list` names them."""
    from corpus.edit import remove_document

    folder = _own_folder(read_settings(corpus, index_))
    removed = {doc_id: str(remove_document(doc_id, folder)) for doc_id in ids}
    if as_json:
        click.echo(json.dumps(removed, ensure_ascii=False, indent=2))
        return
    for doc_id, path in removed.items():
        click.echo(f"removed {doc_id}  {path}")
    click.echo(_THEN)


_THEN = "`tanya index build` puts it to use."


def _own_folder(config: Any) -> Path:
    """The corpus folder, if it is not the one that came with the package, which an upgrade replaces."""
    from bot.assemble import corpus_folder, is_packaged
    from corpus.errors import CorpusUnwritable

    if is_packaged(folder := corpus_folder(config)):
        raise CorpusUnwritable(f"{folder} came with the package and is replaced with it. Name a folder of your own with --corpus DIR.")
    return folder


def _report_failures(failures: tuple[Exception, ...]) -> None:
    for failure in failures:
        click.echo(f"Left out: {failure}", err=True)
