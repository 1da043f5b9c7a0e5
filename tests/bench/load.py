"""Readers who ask without pause, at a server of its own: `python -m tests.bench.load [--readers 50] [--seconds 60] [--index DIR]`.

Builds an index, starts `tanya serve` on it, on a free port with a file of what is kept of its own, asks some questions to warm it,
then loads it. Prints one JSON object on stdout; exit code 1 where less than `WANTED` answers a second came, where anything but an answer or
an honest 503 (one that says in Retry-After when to come back, which its reader then does) came, or where memory grew.
Of a server that runs already: `--address http://127.0.0.1:7860 --pid PID`.
"""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
import httpx

from tests.doors import ROOT, free_port

QUESTIONS = ROOT / "tests" / "eval" / "articles.jsonl"

WANTED = 6
"""Answers a second, on two cores."""

FLAT = 0.05
"""Share by which memory may grow from half-way to the end: what is remembered and compiled is there by then."""

WARM = 10
"""Questions before anything is measured: models are compiled at the first ones."""

START = 600
"""Seconds that a first start may take, the index being built."""

PATIENCE = 120
"""Seconds until a reader gives up: more than the server lets any answer take."""

OVERLOADED = "503 with Retry-After"


@dataclass
class Load:
    """What the readers met."""

    statuses: Counter[str] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)


@click.command()
@click.option("--readers", type=click.IntRange(1), default=50, show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=60.0, show_default=True)
@click.option("--questions", type=click.Path(path_type=Path, exists=True), default=QUESTIONS, show_default=False)
@click.option("--index", type=click.Path(path_type=Path, file_okay=False), help="Folder of a built index; by default one is built.")
@click.option("--address", help="A server that runs already, instead of one of its own.")
@click.option("--pid", type=int, help="Its process.")
def main(readers: int, seconds: float, questions: Path, index: Path | None, address: str | None, pid: int | None) -> None:
    """Load a server."""
    asked = [json.loads(line)["question"] for line in questions.read_text("utf-8").splitlines()]
    if (address is None) != (pid is None):
        raise click.UsageError("--address and --pid belong together.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server ends too
    with contextlib.ExitStack() as stack:
        if address is None or pid is None:
            address, pid = stack.enter_context(server(index))
        for question in asked[:WARM]:
            httpx.post(address + "/api/ask", json={"question": question}, timeout=PATIENCE).raise_for_status()
        found = asyncio.run(load(address, pid, readers, seconds, asked))
    figures, faults = report(found, seconds)
    click.echo(json.dumps({"readers": readers, "seconds": seconds, **figures, "faults": faults}, indent=2))
    sys.exit(1 if faults else 0)


@contextlib.contextmanager
def server(index: Path | None) -> Iterator[tuple[str, int]]:
    """A server with the defaults on a free port, its address and its process; its log is shown where it does not start."""
    with tempfile.TemporaryDirectory() as made:
        folder, port = Path(made), free_port()
        own = {
            "TANYA_PORT": str(port),
            "TANYA_INDEX": str((index or folder / "index").absolute()),
            "TANYA_KEPT": str(folder / "kept.sqlite"),
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TANYA_") or name == "TANYA_CACHE"}
        environment = inherited | {"PYTHONPATH": str(ROOT)} | own
        command, corpus = [sys.executable, "-m", "ui.cli"], ["--corpus", str(ROOT / "corpus" / "documents")]
        with (folder / "log").open("w") as log:
            subprocess.run([*command, "index", "build", *corpus], cwd=folder, env=environment, stdout=log, stderr=log, check=False)
            process = subprocess.Popen([*command, "serve", *corpus], cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            if not _answers(process, address):
                raise click.ClickException(f"tanya serve did not start:\n{(folder / 'log').read_text()[-2000:]}")
            yield address, process.pid
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(process: "subprocess.Popen[bytes]", address: str) -> bool:
    """Wait until it can answer; whether it can."""
    end = time.monotonic() + START
    with httpx.Client(timeout=PATIENCE) as client:
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if client.get(address + "/api/health").status_code == 200:
                    return True
            time.sleep(0.5)
    return False


async def load(address: str, pid: int, readers: int, seconds: float, questions: list[str]) -> Load:
    """Let `readers` ask for `seconds`; an answer that comes after the end counts in no figure but the statuses."""
    found = Load(memory=[resident(pid)])
    end = time.monotonic() + seconds
    turns = itertools.cycle(questions)

    async def read(client: httpx.AsyncClient) -> None:
        while time.monotonic() < end:
            began = time.monotonic()
            try:
                response = await client.post(address + "/api/ask", json={"question": next(turns)})
            except httpx.TransportError as error:
                found.statuses[type(error).__name__] += 1
                await asyncio.sleep(0.1)
                continue
            wait = response.headers.get("retry-after", "")
            found.statuses[OVERLOADED if response.status_code == 503 and wait.isdecimal() else str(response.status_code)] += 1
            now = time.monotonic()
            if response.status_code == 200 and now <= end:
                found.took.append(now - began)
            elif response.status_code != 200:
                await asyncio.sleep(min(float(wait) if wait.isdecimal() else 1, max(end - now, 0)))

    async def weigh() -> None:
        await asyncio.sleep(seconds / 2)
        found.memory.append(resident(pid))

    async with httpx.AsyncClient(timeout=PATIENCE, limits=httpx.Limits(max_connections=readers)) as client:
        await asyncio.gather(weigh(), *(read(client) for _ in range(readers)))
    found.memory.append(resident(pid))
    return found


def report(found: Load, seconds: float) -> tuple[dict[str, object], list[str]]:
    """The figures, and what is not as it should be."""
    rate = len(found.took) / seconds
    cuts = statistics.quantiles(found.took, n=20) if len(found.took) > 1 else [0.0] * 19
    before, half, after = found.memory
    figures: dict[str, object] = {
        "answers_a_second": round(rate, 2),
        "statuses": dict(found.statuses),
        "p50_seconds": round(cuts[9], 2),
        "p95_seconds": round(cuts[18], 2),
        "memory_mb": {"before": before, "half": half, "after": after},
    }
    strange = sorted(set(found.statuses) - {"200", OVERLOADED})
    faults = [f"{found.statuses[status]} × {status}" for status in strange]
    faults += [f"{rate:.2f} answers a second, {WANTED} are wanted"] if rate < WANTED else []
    faults += [f"memory grew from {half} to {after} MB in the second half"] if after > half * (1 + FLAT) else []
    return figures, faults


def resident(pid: int) -> int:
    """Megabytes of memory that the process holds; 0 once it is gone."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) // 1024
    return 0


if __name__ == "__main__":
    main()
