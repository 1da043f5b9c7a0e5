"""Trains the reader: the encoder's layers themselves, and two weights per token for the start and end of an answer.

    python -m bot.train --squad train.json FILE[:SHARE] … --own tests/eval/reading*.jsonl --out DIR [--steps N]

A question is `query: …`, paired with `passage: …`; the first token stands for "no answer". What it learns from is in
`bot/examples.py`. Seeded; a run that was stopped goes on from its last checkpoint.
"""

import argparse
import random
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from bot.evaluate import exact_and_f1
from bot.examples import Example, Group, batches, read_own, read_squad
from bot.reader import best_span, read_weights
from bot.weights import packed_all
from index.unpack import unpack_model

WARMUP, BATCH, LENGTH = 200, 16, 384

# No dropout: drawing its masks took more than half of a step's forward pass on a CPU.
# Attention is the eager one: the fused backward pass took a third of a step, with heads of only 32 numbers.
CHECKPOINT, LOOKED_AT = 1000, 480
"""Steps between checkpoints, and held-out questions of each kind that are then asked."""

LONGEST_PARAGRAPH = 800
"""Characters; longer ones of SQuAD's shape are left out: a step of 224 tokens takes 2.5 times one of 128."""

_MULTIPLE = 32
"""Lengths are padded to it, so that matrix shapes repeat."""


class SpanModel(nn.Module):
    """The encoder, of which the matrices of its layers are trained, and logits (batch, length, 2) for start and end."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        encoder.requires_grad_(False)
        self.matrices = {
            f"encoder.{name}.weight": module.weight for name, module in encoder.encoder.named_modules() if isinstance(module, nn.Linear)
        }
        for matrix in self.matrices.values():
            matrix.requires_grad_(True)
        self.before = {name: matrix.detach().clone() for name, matrix in self.matrices.items()}
        self.spans = nn.Linear(encoder.config.hidden_size, 2)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Logits, those of padding at -inf."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        logits: torch.Tensor = self.spans(hidden).float()
        return logits.masked_fill(attention_mask[..., None] == 0, float("-inf"))

    @torch.no_grad()
    def start(self, weights: Path) -> None:
        """Go on from an earlier reader's weights."""
        changes, head, bias = read_weights(weights)
        for name, change in changes.items():
            self.matrices[name] += torch.from_numpy(change)
        self.spans.weight.copy_(torch.from_numpy(head))
        self.spans.bias.copy_(torch.from_numpy(bias))

    def trained(self) -> dict[str, torch.Tensor]:
        """The weights that training changes."""
        return {**self.matrices, "spans.weight": self.spans.weight, "spans.bias": self.spans.bias}

    def packed(self) -> dict[str, Any]:
        """What ships: the changes in four bits, and the head."""
        changes = packed_all({name: (matrix.detach() - self.before[name]).numpy() for name, matrix in self.matrices.items()})
        head = {"spans.weight": self.spans.weight, "spans.bias": self.spans.bias}
        return changes | {name: value.detach().half().numpy() for name, value in head.items()}


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
    squad: list[tuple[Path, float]],
    own: list[tuple[Path, float]],
    start: Path | None,
    out: Path,
    cache: Path,
    steps: int,
    rate: float,
    seed: int,
) -> None:
    """Train for `steps`, a checkpoint every so often; ends with `reader.safetensors` in `out`."""
    from safetensors.numpy import save_file
    from transformers import AutoModel, AutoTokenizer

    torch.manual_seed(seed)
    folder = unpack_model(cache)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    plain = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "attn_implementation": "eager"}
    model = SpanModel(AutoModel.from_pretrained(folder, **plain)).train()
    if start:
        model.start(start)
    torch._dynamo.config.recompile_limit = len(model.encoder.encoder.layer) * LENGTH // _MULTIPLE
    for layer in model.encoder.encoder.layer:  # the whole with shapes left open was several times slower
        layer.compile(dynamic=False)
    optimizer = torch.optim.AdamW(model.trained().values(), lr=rate, weight_decay=0.0, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min((step + 1) / WARMUP, max(0.0, 1 - step / steps)))
    groups, held = _groups(squad, own)
    questions = batches(groups, BATCH, random.Random(seed))
    done = _resume(out, model, optimizer, schedule)
    for _ in range(done):
        next(questions)
    started, losses = time.time(), []
    for step in range(done, steps):
        loss = _question_loss(model, next(questions), tokenizer)
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.trained().values(), 1.0)
        optimizer.step()
        schedule.step()
        if (step + 1) % 100 == 0:
            print(f"step {step + 1} {(step + 1 - done) * BATCH / (time.time() - started):.1f} examples/s", file=sys.stderr, flush=True)
        if (step + 1) % CHECKPOINT == 0 or step + 1 == steps:
            print(f"step {step + 1} loss {sum(losses) / len(losses):.3f}", file=sys.stderr, flush=True)
            for name, examples in held.items():
                print(f"    {name}: {held_out(model, examples[:LOOKED_AT], tokenizer)}", file=sys.stderr, flush=True)
            losses = []
            state = {"model": model.trained(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(), "step": step + 1}
            torch.save(state, out / "checkpoint.new")
            (out / "checkpoint.new").replace(out / "checkpoint.pt")
            save_file(model.packed(), out / "reader.safetensors")


def _groups(squad: list[tuple[Path, float]], own: list[tuple[Path, float]]) -> tuple[list[Group], dict[str, list[Example]]]:
    groups, held = [], {}
    for path, share in squad:
        paragraphs, held_paragraphs = read_squad(path)
        groups.append(Group([one for one in paragraphs if one and len(one[0].context) <= LONGEST_PARAGRAPH], share))
        held[path.stem] = [one for paragraph in held_paragraphs for one in paragraph]
    for path, share in own:
        dossiers, held_dossiers = read_own(path)
        groups += [Group(dossier, share) for dossier in dossiers]
        held[path.stem] = [one for dossier in held_dossiers for paragraph in dossier for one in paragraph]
    return groups, held


def _shared(text: str) -> tuple[Path, float]:
    path, _, share = text.partition(":")
    return Path(path), float(share or 1)


def _question_loss(model: SpanModel, examples: list[Example], tokenizer: Any) -> torch.Tensor:
    batch = encode([one.question for one in examples], [one.context for one in examples], tokenizer)
    with torch.autocast("cpu", torch.bfloat16):
        return span_loss(model(**tensors(batch)), targets(batch, examples))


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
        with torch.autocast("cpu", torch.bfloat16), torch.compiler.set_stance("force_eager"):
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
    with torch.no_grad():
        for name, value in model.trained().items():
            value.copy_(state["model"][name])
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    return int(state["step"])


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    share: dict[str, Any] = {"type": _shared, "nargs": "+", "default": [], "metavar": "FILE[:SHARE]"}
    parser.add_argument("--squad", **share, help="files of SQuAD's shape or IDK-MRC's, and the share of their questions that an epoch has")
    parser.add_argument("--own", **share, help="the same of passages of the shape of tests/eval/reading.jsonl")
    parser.add_argument("--start", type=Path, help="weights of an earlier reader to go on from")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint and weights")
    parser.add_argument("--cache", type=Path, default=Path(".cache"), help="folder of the unpacked encoder")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--rate", type=float, default=1e-4, help="learning rate at its highest")
    parser.add_argument("--seed", type=int, default=1)
    train(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
