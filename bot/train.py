"""Trains the reader: low-rank adapters on the e5 encoder, and two weights per token for the start and end of an answer.

    python -m bot.train --squad train.json --own tests/eval/reading*.jsonl --pairs indonli/train.jsonl --out DIR [--steps N]

A question is `query: …`, paired with `passage: …`; the first token stands for "no answer". What it learns from is in
`bot/examples.py`. Every so many steps a batch of statements and texts asks the first token, through a layer that is
thrown away afterwards, whether the text supports the statement, contradicts it, or neither.
Seeded; a run that was stopped goes on from its last checkpoint.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from bot.evaluate import exact_and_f1
from bot.examples import LABELS, Example, Group, Pair, batches, read_own, read_pairs, read_squad
from bot.reader import best_span
from index.unpack import unpack_model

RANK = 32
WARMUP, BATCH, LENGTH = 100, 16, 384
PAIR_EVERY = 5
"""One step in so many is of pairs."""

NEW_SHARE = 0.7
"""Of the weights shipped where training went on from earlier ones, which have the rest: the mean beats both (tests/eval/LOG.md)."""

# No dropout: drawing its masks took more than half of a step's forward pass on a CPU, and adapters are small.
# Attention is the eager one: the fused backward pass took a third of a step, with heads of only 32 numbers.
CHECKPOINT, LOOKED_AT = 500, 480
"""Steps between checkpoints, and held-out questions of each kind that are then asked."""

_TARGETS = ("query", "key", "value", "dense")
_MULTIPLE = 32
"""Lengths are padded to it, so that matrix shapes repeat."""


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
        self.pairs = nn.Linear(encoder.config.hidden_size, len(LABELS))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Logits, those of padding at -inf."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        logits: torch.Tensor = self.spans(hidden).float()
        return logits.masked_fill(attention_mask[..., None] == 0, float("-inf"))

    def judge(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Logits (batch, LABELS) of pairs."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state[:, 0]
        logits: torch.Tensor = self.pairs(hidden).float()
        return logits

    def trained(self) -> dict[str, torch.Tensor]:
        """The weights that training changes."""
        return {
            name: value
            for name, value in self.state_dict().items()
            if name.startswith(("spans.", "pairs.")) or name.endswith((".down", ".up"))
        }


def encode(questions: list[str], texts: list[str], tokenizer: Any) -> Any:
    """The tokenizer's batch, padded to a multiple of 32 tokens."""
    how = {"truncation": "only_second", "max_length": LENGTH, "padding": True, "pad_to_multiple_of": _MULTIPLE}
    leads = ["query: " + question for question in questions], ["passage: " + text for text in texts]
    return tokenizer(*leads, **how, return_offsets_mapping=True, return_tensors="pt")


def tensors(batch: Any) -> dict[str, torch.Tensor]:
    """What the encoder takes of a batch."""
    return {key: batch[key] for key in ("input_ids", "attention_mask")}


def targets(batch: Any, examples: list[Example]) -> torch.Tensor:
    """(batch, 2) first and last token of the answer; 0, 0 where there is none or it was cut off."""
    found = torch.zeros(len(examples), 2, dtype=torch.long)
    for row, example in enumerate(examples):
        if example.end == example.start:
            continue
        first, last = example.start + len("passage: "), example.end + len("passage: ")
        places = batch["offset_mapping"][row].tolist()
        inside = [
            i
            for i, (sequence, (start, end)) in enumerate(zip(batch.sequence_ids(row), places, strict=True))
            if sequence == 1 and start < last and end > first and end > start
        ]
        if inside and places[inside[-1]][1] >= last:
            found[row] = torch.tensor([inside[0], inside[-1]])
    return found


def span_loss(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of start and end."""
    loss = nn.functional.cross_entropy
    return (loss(logits[..., 0], wanted[:, 0]) + loss(logits[..., 1], wanted[:, 1])) / 2


def train(
    squad: Path,
    own: list[tuple[Path, float]],
    pairs: Path | None,
    start: Path | None,
    out: Path,
    cache: Path,
    steps: int,
    rate: float,
    seed: int,
) -> None:
    """Train for `steps`, a checkpoint every so often; ends with `reader.safetensors` in `out`."""
    from safetensors.torch import load_file, save_file
    from transformers import AutoModel, AutoTokenizer

    torch.manual_seed(seed)
    folder = unpack_model(cache)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    plain = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "attn_implementation": "eager"}
    model = SpanModel(AutoModel.from_pretrained(folder, **plain)).train()
    if start:
        model.load_state_dict(load_file(start), strict=False)
    model.encoder.encoder.compile(dynamic=True)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min((step + 1) / WARMUP, max(0.0, 1 - step / steps)))
    groups, held = _groups(squad, own)
    questions = batches(groups, BATCH, random.Random(seed))
    statements = _pair_batches(read_pairs(pairs), random.Random(seed)) if pairs else None
    done = _resume(out, model, optimizer, schedule)
    for step in range(done):
        next(questions)
        if statements and step % PAIR_EVERY == 0:
            next(statements)
    started, losses = time.time(), []
    for step in range(done, steps):
        loss = _question_loss(model, next(questions), tokenizer)
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if statements and step % PAIR_EVERY == 0:
            _pair_loss(model, next(statements), tokenizer).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if (step + 1) % CHECKPOINT == 0 or step + 1 == steps:
            speed, mean = (step + 1 - done) * BATCH / (time.time() - started), sum(losses) / len(losses)
            print(f"step {step + 1} loss {mean:.3f}, {speed:.1f} examples/s", file=sys.stderr, flush=True)
            for name, examples in held.items():
                print(f"    {name}: {held_out(model, examples[:LOOKED_AT], tokenizer)}", file=sys.stderr, flush=True)
            losses = []
            state = {"model": model.trained(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(), "step": step + 1}
            torch.save(state, out / "checkpoint.new")
            (out / "checkpoint.new").replace(out / "checkpoint.pt")
    shipped = {name: value for name, value in model.trained().items() if not name.startswith("pairs.")}
    if start:
        earlier = load_file(start)
        shipped = {name: NEW_SHARE * value + (1 - NEW_SHARE) * earlier[name].float() for name, value in shipped.items()}
    save_file({name: value.contiguous().half() for name, value in shipped.items()}, out / "reader.safetensors")


def _groups(squad: Path, own: list[tuple[Path, float]]) -> tuple[list[Group], dict[str, list[Example]]]:
    first, held_first = read_squad(squad)
    groups, held = [Group(first)], {"squad": [one for paragraph in held_first for one in paragraph]}
    for path, share in own:
        dossiers, held_dossiers = read_own(path)
        groups += [Group(dossier, share) for dossier in dossiers]
        held[path.stem] = [one for dossier in held_dossiers for paragraph in dossier for one in paragraph]
    return groups, held


def _shared(text: str) -> tuple[Path, float]:
    path, _, share = text.partition(":")
    return Path(path), float(share or 1)


def _pair_batches(pairs: list[Pair], dice: random.Random) -> Iterator[list[Pair]]:
    while True:
        yield dice.sample(pairs, BATCH)


def _question_loss(model: SpanModel, examples: list[Example], tokenizer: Any) -> torch.Tensor:
    batch = encode([one.question for one in examples], [one.context for one in examples], tokenizer)
    with torch.autocast("cpu", torch.bfloat16):
        return span_loss(model(**tensors(batch)), targets(batch, examples))


def _pair_loss(model: SpanModel, pairs: list[Pair], tokenizer: Any) -> torch.Tensor:
    batch = encode([one.statement for one in pairs], [one.text for one in pairs], tokenizer)
    with torch.autocast("cpu", torch.bfloat16):
        return nn.functional.cross_entropy(model.judge(**tensors(batch)), torch.tensor([one.label for one in pairs]))


@torch.inference_mode()
def held_out(model: SpanModel, examples: list[Example], tokenizer: Any) -> dict[str, float]:
    """Loss, F1 of answered and unanswered questions at margin 0, and F1 of the best spans were every question answerable."""
    model.eval()
    losses: list[float] = []
    found: dict[str, list[float]] = {"answered": [], "unanswered": [], "forced": []}
    ordered = sorted(examples, key=lambda one: len(one.context))
    for start in range(0, len(ordered), BATCH):
        part = ordered[start : start + BATCH]
        batch = encode([one.question for one in part], [one.context for one in part], tokenizer)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(**tensors(batch))
        losses.append(float(span_loss(logits, targets(batch, part))))
        for row, one in enumerate(part):
            places = batch["offset_mapping"][row].numpy() - len("passage: ")
            read = np.array([sequence == 1 for sequence in batch.sequence_ids(row)]) & (places[:, 1] > 0)
            scores = logits[row].numpy()
            span = best_span(scores[0], scores[read], places[read])
            said, wanted = one.context[max(span.start, 0) : span.end], one.context[one.start : one.end]
            found["answered" if wanted else "unanswered"].append(exact_and_f1(said if span.margin > 0 else "", [wanted])[1])
            if wanted:
                found["forced"].append(exact_and_f1(said, [wanted])[1])
    model.train()
    return {"loss": round(sum(losses) / len(losses), 3), **{name: round(sum(f1) / max(1, len(f1)), 3) for name, f1 in found.items()}}


def _resume(out: Path, model: SpanModel, optimizer: torch.optim.Optimizer, schedule: Any) -> int:
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "checkpoint.pt").is_file():
        return 0
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    model.load_state_dict(state["model"], strict=False)
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    return int(state["step"])


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--squad", type=Path, required=True, help="a file of IDK-MRC's shape")
    parser.add_argument(
        "--own",
        type=_shared,
        nargs="+",
        default=[],
        metavar="FILE[:SHARE]",
        help="passages of the shape of tests/eval/reading.jsonl, and the share of their questions that comes in an epoch",
    )
    parser.add_argument("--pairs", type=Path, help="statements and texts, of IndoNLI's shape")
    parser.add_argument("--start", type=Path, help="weights of an earlier reader to go on from")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint and weights")
    parser.add_argument("--cache", type=Path, default=Path(".cache"), help="folder of the unpacked encoder")
    parser.add_argument("--steps", type=int, default=1900)
    parser.add_argument("--rate", type=float, default=8e-4, help="learning rate at its highest")
    parser.add_argument("--seed", type=int, default=1)
    train(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
