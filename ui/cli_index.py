"""`tanya index …`: build the index, see its versions, check them, go back, tidy up."""

import contextlib
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import click

from ui.options import Progress, as_json, places, read_settings


@click.group()
def index() -> None:
    """Build the index, see its versions, check them, go back to one."""


@index.command()
@places
@as_json
@click.option("--dry-run", is_flag=True, help="Say what would change, and write nothing.")
@click.option("--force", is_flag=True, help="Make it live though it answers worse, lost most documents, or changed nothing.")
@click.option("--wait", is_flag=True, help="Wait for another build that is under way.")
def build(corpus: Path | None, index_: Path | None, as_json: bool, dry_run: bool, force: bool, wait: bool) -> None:
    """Build what changed and make it live, unless the golden questions are answered worse (exit code 1)."""
    config = read_settings(corpus, index_)
    from bot.assemble import open_models, publication, rebuild
    from bot.publish import plan

    embedder, reader = open_models(config)
    if dry_run:
        report = plan(publication(config, force), embedder)
    else:
        with Progress() as watch:
            report = rebuild(config, embedder, reader, watch, force, wait)
    click.echo(report.model_dump_json(indent=2) if as_json else report.text())
    if report.outcome == "aside":
        sys.exit(1)


@index.command()
@places
@as_json
def status(corpus: Path | None, index_: Path | None, as_json: bool) -> None:
    """Say which version is live, since when, and from what, and which are kept; exit code 1 where the live one cannot be told."""
    from bot.assemble import index_folder
    from corpus.errors import SearchIndexError
    from index.store import list_versions, read_current, read_manifest

    place = index_folder(read_settings(corpus, index_))
    versions, fault = list_versions(place), None
    try:
        (folder, manifest), live = read_manifest(place), read_current(place)
    except SearchIndexError as error:
        if not versions:
            raise
        fault = error
    if as_json:
        kept = [dataclasses.asdict(state) | {"manifest": None} for state in versions]
        rows = [{key: value for key, value in row.items() if key != "manifest"} for row in kept]
        said = {"fault": str(fault)} if fault else manifest.model_dump(exclude={"files"}) | {"live_since": live.since}
        _print_json(said | {"versions": rows})
        sys.exit(bool(fault))
    if not fault:
        made = f"{manifest.model} on {manifest.engine}" if manifest.engine else manifest.model
        click.echo(f"{manifest.version}, live since {live.since}, built {manifest.created} with {made}")
        click.echo(f"{manifest.documents} documents, {manifest.chunks} chunks, {manifest.sentences} sentences in {folder}")
        if manifest.source:
            click.echo(f"from {manifest.source}")
    for state in versions:
        marks = [name for name, true in (("live", state.live), ("in use", state.used), ("set aside", state.place == "aside")) if true]
        counts = f"{state.manifest.documents} documents" if state.manifest else "cannot be read"
        click.echo(f"  {state.name}  {counts}, {state.bytes / 1e6:.1f} MB  {', '.join(marks)}")
    if fault:
        raise fault


@index.command()
@places
@as_json
@click.argument("version", required=False)
def report(corpus: Path | None, index_: Path | None, as_json: bool, version: str | None) -> None:
    """Say what the build of the live VERSION changed, or of another: documents, and answers to golden questions."""
    from bot.assemble import index_folder
    from bot.publish import read_report
    from corpus.errors import VersionUnknown
    from index.store import read_current

    place = index_folder(read_settings(corpus, index_))
    name = version or read_current(place).name
    found = read_report(place, name)
    if found is None:
        raise VersionUnknown(f"No report of {name} is kept in {place}. `tanya index status` lists the versions.")
    click.echo(found.model_dump_json(indent=2) if as_json else found.text())


@index.command()
@places
@as_json
@click.argument("version", required=False)
def verify(corpus: Path | None, index_: Path | None, as_json: bool, version: str | None) -> None:
    """Check every hash, offset and row of the live VERSION, or of another; exit code 1 where one is wrong."""
    from bot.assemble import index_folder, open_store
    from index.store import read_current
    from index.store import verify as check

    config = read_settings(corpus, index_)
    place = index_folder(config)
    faults = check(place, version, open_store(config))
    name = version or (read_current(place).name if not faults else "the live version")
    if as_json:
        _print_json({"version": name, "faults": faults})
    else:
        for fault in faults:
            click.echo(fault)
        click.echo(f"{name}: {len(faults)} faults" if faults else f"{name} is whole: every hash, offset and row is right")
    if faults:
        sys.exit(1)


@index.command()
@places
@as_json
@click.argument("version", required=False)
def rollback(corpus: Path | None, index_: Path | None, as_json: bool, version: str | None) -> None:
    """Go back to a kept VERSION, by default to the one before the live one."""
    from bot.assemble import index_folder, open_store
    from index.store import rollback as go_back

    config = read_settings(corpus, index_)
    manifest = go_back(index_folder(config), version, open_store(config))
    if as_json:
        click.echo(manifest.model_dump_json(indent=2, exclude={"files"}))
    else:
        click.echo(f"{manifest.version} is live: {manifest.documents} documents, built {manifest.created}")


@index.command()
@places
@as_json
@click.option("--keep", type=click.IntRange(0, 1000), help="Old versions to keep (TANYA_KEEP_VERSIONS).")
def gc(corpus: Path | None, index_: Path | None, as_json: bool, keep: int | None) -> None:
    """Remove old versions, but never the live one or one that is being read."""
    from bot.assemble import index_folder, open_store
    from index.store import tidy

    config = read_settings(corpus, index_, keep_versions=keep)
    removed = tidy(index_folder(config), config.keep_versions, open_store(config))
    if as_json:
        _print_json({"removed": removed})
    else:
        click.echo("\n".join([*(f"removed {name}" for name in removed), f"{len(removed)} versions removed"]))


@index.command()
@places
def watch(corpus: Path | None, index_: Path | None) -> None:
    """Build now, and again whenever the corpus has changed on disk; until interrupted."""
    import threading

    from bot.assemble import open_models
    from bot.watch import watch_corpus

    config = read_settings(corpus, index_)
    embedder, reader = open_models(config)
    bars = Progress()

    def tell(told: Any) -> None:
        bars.close()
        failed = isinstance(told, Exception)
        click.echo(f"Error: {told}" if failed else told.text(), err=failed)

    with bars as progress, contextlib.suppress(KeyboardInterrupt):
        watch_corpus(config, embedder, reader, tell, threading.Event(), progress)


def _print_json(content: Any) -> None:
    click.echo(json.dumps(content, ensure_ascii=False, indent=2))
