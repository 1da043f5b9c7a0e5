"""Readers who ask without pause: `python -m tests.bench.load ADDRESS PID [--readers 50] [--seconds 60] [--questions FILE]`.

Prints one JSON object: answers a second, statuses, half-way and 95 % of the seconds an answer took, and the server's memory
at the start, half-way and at the end. A 503 counts as honest only with Retry-After, and its reader comes back after that.
"""

import asyncio
import json
import random
import statistics
import time
from collections import Counter
from pathlib import Path

import click
import httpx

QUESTIONS = Path(__file__).parent.parent / "eval" / "articles.jsonl"


@click.command()
@click.argument("address")
@click.argument("pid", type=int)
@click.option("--readers", default=50, show_default=True)
@click.option("--seconds", default=60.0, show_default=True)
@click.option("--questions", type=click.Path(path_type=Path, exists=True), default=QUESTIONS, show_default=False)
def main(address: str, pid: int, readers: int, seconds: float, questions: Path) -> None:
    """Load a running server."""
    asked = [json.loads(line)["question"] for line in questions.read_text("utf-8").splitlines()]
    click.echo(json.dumps(asyncio.run(load(address, pid, readers, seconds, asked)), indent=2))


async def load(address: str, pid: int, readers: int, seconds: float, questions: list[str]) -> dict[str, object]:
    """Let `readers` ask for `seconds`."""
    statuses: Counter[str] = Counter()
    took: list[float] = []
    memory = [resident(pid)]
    end = time.monotonic() + seconds

    async def read(client: httpx.AsyncClient) -> None:
        while time.monotonic() < end:
            began = time.monotonic()
            try:
                response = await client.post(address + "/api/ask", json={"question": random.choice(questions)})
            except httpx.TransportError as error:
                statuses[type(error).__name__] += 1
                continue
            told = "Retry-After" in response.headers
            statuses[f"{response.status_code}{'' if response.status_code != 503 or told else ' without Retry-After'}"] += 1
            if response.status_code == 200:
                took.append(time.monotonic() - began)
            elif told:
                await asyncio.sleep(min(float(response.headers["Retry-After"]), max(end - time.monotonic(), 0)))

    async def weigh() -> None:
        await asyncio.sleep(seconds / 2)
        memory.append(resident(pid))

    async with httpx.AsyncClient(timeout=120, limits=httpx.Limits(max_connections=readers)) as client:
        await asyncio.gather(weigh(), *(read(client) for _ in range(readers)))
    memory.append(resident(pid))
    slices = statistics.quantiles(took, n=20) if len(took) > 1 else [0.0] * 19
    return {
        "answers_a_second": round(len(took) / seconds, 2),
        "statuses": dict(statuses),
        "seconds_half": round(slices[9], 2),
        "seconds_95": round(slices[18], 2),
        "memory_mb": memory,
    }


def resident(pid: int) -> int:
    """Megabytes of memory that the process holds."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    main()
