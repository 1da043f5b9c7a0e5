"""Trains the reader: low-rank adapters on the e5 encoder, and two weights per token for the start and end of an answer.

    python -m bot.train --data train.json --out DIR [--steps N]

A question is `query: …`, paired with `passage: …`; the first token stands for "no answer". A tenth of the paragraphs
is held back, for the loss that is printed and for every later choice. Beside the data's own unanswerable questions,
true ones are altered: another year, number or name, taken from another paragraph, in the place of the question's own.
Seeded; a run that was stopped goes on from its last checkpoint.
"""

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from index.unpack import unpack_model

RANK = 32
RATE, WARMUP, BATCH, LENGTH = 8e-4, 60, 16, 256
HELD_OUT = 10
"""One paragraph in so many is never trained on."""

ALTERED = 0.35
"""Share of answerable questions that also come altered in one epoch."""

# No dropout: drawing its masks took more than half of a step's forward pass on a CPU, and adapters are small.
CHECKPOINT = 100
_TARGETS = ("query", "key", "value", "dense")
_YEAR, _NUMBER = re.compile(r"\b(?:1[5-9]|20)\d\d\b"), re.compile(r"\b\d+\b")
_NAME = re.compile(r"(?<=\s)[A-Z][a-zA-Z]{2,}(?:\s[A-Z][a-zA-Z]{2,})*")


@dataclass(frozen=True, slots=True)
class Example:
    """A question, a paragraph, and the characters that answer it; `start == end` where none do."""

    question: str
    context: str
    start: int
    end: int


class Adapted(nn.Module):
    """A frozen linear layer plus a low-rank change to it."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.down = nn.Parameter(torch.randn(RANK, layer.in_features) / layer.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(layer.out_features, RANK))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer's output with the change added."""
        changed: torch.Tensor = self.layer(x) + x @ self.down.T @ self.up.T
        return changed


class SpanModel(nn.Module):
    """The encoder with adapters, and logits (batch, length, 2) for start and end."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        encoder.requires_grad_(False)
        for module in list(encoder.encoder.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, nn.Linear) and name in _TARGETS:
                    setattr(module, name, Adapted(child))
        self.spans = nn.Linear(encoder.config.hidden_size, 2)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Logits, those of padding at -inf."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        logits: torch.Tensor = self.spans(hidden).float()
        return logits.masked_fill(attention_mask[..., None] == 0, float("-inf"))

    def trained(self) -> dict[str, torch.Tensor]:
        """The weights that training changes."""
        return {name: value for name, value in self.state_dict().items() if name.startswith("spans.") or name.endswith((".down", ".up"))}


def read_squad(path: Path) -> tuple[list[list[Example]], list[list[Example]]]:
    """(train, held out), each a list of paragraphs with their questions."""
    train: list[list[Example]] = []
    held: list[list[Example]] = []
    for i, paragraph in enumerate(json.loads(path.read_text("utf-8"))):
        examples = []
        for question in paragraph["qas"]:
            answer = None if question["is_impossible"] else question["answers"][0]
            start = answer["answer_start"] if answer else 0
            examples.append(Example(question["question"], paragraph["context"], start, start + len(answer["text"]) if answer else 0))
        (held if i % HELD_OUT == 0 else train).append(examples)
    return train, held


def altered(example: Example, others: list[str], dice: random.Random) -> Example | None:
    """The question with another year, number or name in it, so that its paragraph no longer answers."""
    for pattern in dice.sample((_YEAR, _NUMBER, _NAME, _NAME), 4):
        if not (found := list(pattern.finditer(example.question))):
            continue
        target = dice.choice(found)
        for text in dice.sample(others, 8):
            choices = [match[0] for match in pattern.finditer(text) if match[0].lower() not in (example.context + example.question).lower()]
            if choices:
                question = example.question[: target.start()] + dice.choice(choices) + example.question[target.end() :]
                return Example(question, example.context, 0, 0)
    return None


def epochs(paragraphs: list[list[Example]], dice: random.Random) -> Iterator[Example]:
    """Examples without end, each epoch in a new order and with new alterations."""
    contexts = [paragraph[0].context for paragraph in paragraphs if paragraph]
    true = [example for paragraph in paragraphs for example in paragraph]
    while True:
        answerable = [example for example in true if example.end > example.start]
        extra = [altered(example, contexts, dice) for example in dice.sample(answerable, int(len(answerable) * ALTERED))]
        epoch = true + [example for example in extra if example]
        dice.shuffle(epoch)
        yield from epoch


def encode(examples: list[Example], tokenizer: Any) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Token ids, and (batch, 2) first and last token of the answer; 0, 0 where there is none or it was cut off."""
    lead = "passage: "
    batch = tokenizer(
        ["query: " + example.question for example in examples],
        [lead + example.context for example in examples],
        truncation="only_second", max_length=LENGTH, padding="max_length", return_offsets_mapping=True, return_tensors="pt",
    )  # fmt: skip
    targets = torch.zeros(len(examples), 2, dtype=torch.long)
    for row, example in enumerate(examples):
        if example.end == example.start:
            continue
        first, last = example.start + len(lead), example.end + len(lead)
        inside = [
            i
            for i, (sequence, (start, end)) in enumerate(zip(batch.sequence_ids(row), batch["offset_mapping"][row].tolist(), strict=True))
            if sequence == 1 and start < last and end > first and end > start
        ]
        if inside and batch["offset_mapping"][row][inside[-1]][1] >= last:
            targets[row] = torch.tensor([inside[0], inside[-1]])
    return {key: batch[key] for key in ("input_ids", "attention_mask")}, targets


def span_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of start and end."""
    loss = nn.functional.cross_entropy
    return (loss(logits[..., 0], targets[:, 0]) + loss(logits[..., 1], targets[:, 1])) / 2


def train(data: Path, out: Path, cache: Path, steps: int, seed: int) -> None:
    """Train for `steps`, a checkpoint every so often; ends with `reader.safetensors` in `out`."""
    from safetensors.torch import save_file
    from transformers import AutoModel, AutoTokenizer

    torch.manual_seed(seed)
    folder = unpack_model(cache)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = SpanModel(AutoModel.from_pretrained(folder, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)).train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min((step + 1) / WARMUP, max(0.0, 1 - step / steps)))
    paragraphs, held = read_squad(data)
    stream = epochs(paragraphs, random.Random(seed))
    done = _resume(out, model, optimizer, schedule)
    for _ in range(done * BATCH):
        next(stream)
    held_out = [example for paragraph in held for example in paragraph][:160]
    started, losses = time.time(), []
    for step in range(done, steps):
        inputs, targets = encode([next(stream) for _ in range(BATCH)], tokenizer)
        with torch.autocast("cpu", torch.bfloat16):
            loss = span_loss(model(**inputs), targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if (step + 1) % CHECKPOINT == 0 or step + 1 == steps:
            held_loss, mean = _held_out_loss(model, held_out, tokenizer), sum(losses) / len(losses)
            speed = (step + 1 - done) * BATCH / (time.time() - started)
            print(f"step {step + 1} loss {mean:.3f}, held out {held_loss:.3f}, {speed:.1f} examples/s", file=sys.stderr, flush=True)
            losses = []
            state = {"model": model.trained(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(), "step": step + 1}
            torch.save(state, out / "checkpoint.new")
            (out / "checkpoint.new").replace(out / "checkpoint.pt")
    save_file({name: value.contiguous().half() for name, value in model.trained().items()}, out / "reader.safetensors")


def _resume(out: Path, model: SpanModel, optimizer: torch.optim.Optimizer, schedule: Any) -> int:
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "checkpoint.pt").is_file():
        return 0
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    model.load_state_dict(state["model"], strict=False)
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    return int(state["step"])


@torch.inference_mode()
def _held_out_loss(model: SpanModel, examples: list[Example], tokenizer: Any) -> float:
    model.eval()
    losses = []
    for start in range(0, len(examples), BATCH):
        inputs, targets = encode(examples[start : start + BATCH], tokenizer)
        with torch.autocast("cpu", torch.bfloat16):
            losses.append(float(span_loss(model(**inputs), targets)))
    model.train()
    return sum(losses) / len(losses)


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a file of IDK-MRC's shape")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint and weights")
    parser.add_argument("--cache", type=Path, default=Path(".cache"), help="folder of the unpacked encoder")
    parser.add_argument("--steps", type=int, default=1400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    train(options.data, options.out, options.cache, options.steps, options.seed)


if __name__ == "__main__":
    main()
