"""What the commands share: options, settings, and the progress bar."""

import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click


def places(command: Callable[..., None]) -> Callable[..., None]:
    """The options that all commands share."""
    path = click.Path(path_type=Path, file_okay=False)
    command = click.option("--index", "index_", type=path, help="Folder of the built index.")(command)
    return click.option("--corpus", type=path, help="Folder of source texts.")(command)


as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def read_settings(corpus: Path | None, index_: Path | None, **more: Any) -> Any:
    """The settings, with the options of the command line over them."""
    from bot.config import read_config

    return read_config(corpus=corpus, index=index_, **more)


_BARS = {
    "start": ("Building the index", "text"),
    "questions": ("Asking the golden questions", "question"),
    "documents": ("Looking for questions to suggest", "document"),
}


class Progress:
    """A progress bar on stderr that appears only if something is built."""

    def __enter__(self) -> Callable[[str, int], None]:
        self._bar: Any = None
        return self._watch

    def _watch(self, event: str, count: int) -> None:
        from tqdm import tqdm

        if event in _BARS:
            self.close()
            label, unit = _BARS[event]
            self._bar = tqdm(total=count, desc=label, unit=unit, file=sys.stderr) if count else None
        elif self._bar is not None:
            self._bar.update(count)

    def close(self) -> None:
        """End the bar's line; the next stage begins one of its own."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __exit__(self, *_: object) -> None:
        self.close()


def report(findings: Sequence[Any], as_json: bool) -> None:
    """Print what a doctor found, with what to do; exit code 1 where something is to be mended."""
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            click.echo(f"{'FIX' if finding.fix else 'ok':4} {finding.topic:14} {finding.found}")
            if finding.fix:
                click.echo("".join(f"\n     {line}" for line in finding.fix.splitlines()) + "\n")
    if any(finding.fix for finding in findings):
        sys.exit(1)
