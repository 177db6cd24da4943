"""Train the tagger and write its weights.

    python -m training --wikisql wikisql.json.bz2 --dialogues dstc8/train --schema2qa schema2qa [--out FILE]

docs/tagger.md says where the data come from. Needs what is in requirements-training.txt.
"""

import argparse
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from rich.progress import track

from nlp2filters.core.parser import tagger
from training import dialogues, schema2qa, wikisql
from training.encoding import Encoded, Fields, encode, load_model
from training.network import VECTOR, Batch, Network

PACKAGED = Path(tagger.__file__).with_name("tagger.npz")
BATCH = 64
RATE = 1.5e-3
MAX_FIELDS = 12  # An example from a larger catalog has the fields asked for, and others by chance.
MOST_DIALOGUES = 24_000
SEED = 0


def main() -> None:
    """Read the command line, train, write."""
    about, _, rest = (__doc__ or "").partition("\n\n")
    options = argparse.ArgumentParser(description=about, epilog=rest, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--wikisql", type=Path, required=True)
    options.add_argument("--dialogues", type=Path, required=True)
    options.add_argument("--schema2qa", type=Path, required=True)
    options.add_argument("--without", type=Path, help="file with the ids of dialogues to leave out, one a line")
    options.add_argument("--epochs", type=float, default=2)
    options.add_argument("--out", type=Path, default=PACKAGED)
    given = options.parse_args()
    without = frozenset(given.without.read_text(encoding="utf-8").split()) if given.without else frozenset()

    questions = list(wikisql.read(given.wikisql))
    turns = list(dialogues.read(given.dialogues, without=without))
    paraphrases = list(schema2qa.read(given.schema2qa, schema2qa.Filler([*questions, *turns])))
    chance = random.Random(SEED)  # noqa: S311
    examples = [*questions, *paraphrases, *chance.sample(turns, min(MOST_DIALOGUES, len(turns)))]
    print(f"{len(questions)} questions, {len(paraphrases)} paraphrases, {len(turns)} turns; {len(examples)} are used")
    encoded, fields = encode(load_model(), examples)
    write(train(encoded, fields, given.epochs), given.out)


def train(examples: Sequence[Encoded], fields: Mapping[str, Fields], epochs: float) -> Network:
    """A network that has seen the examples so many times, in random batches of like length."""
    torch.manual_seed(SEED)
    chance = np.random.default_rng(SEED)
    network = Network()
    steps = int(epochs * len(examples) / BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    batches = _batches(examples, fields, chance)
    network.train()
    for step in track(range(steps), "Training"):
        loss = network.loss(next(batches))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 200 == 0:
            print(f"step {step} of {steps}, loss {loss.item():.3f}", flush=True)
    return network.eval()


def write(network: Network, file: Path) -> None:
    """The weights as half-precision floats."""
    with file.open("wb") as opened:
        np.savez_compressed(opened, **{name: value.numpy().astype(np.float16) for name, value in
                                       network.state_dict().items()})  # fmt: skip
    print(f"{file}: {file.stat().st_size} bytes")


def _batches(examples: Sequence[Encoded], fields: Mapping[str, Fields], chance: np.random.Generator) -> Iterator[Batch]:
    lengths = np.array([len(example.words) for example in examples])
    while True:
        order = np.argsort(lengths + chance.random(len(examples)) * 4)
        starts = np.arange(0, len(order), BATCH)
        chance.shuffle(starts)
        for start in starts:
            yield collate([examples[at] for at in order[start : start + BATCH]], fields, chance)


def collate(examples: Sequence[Encoded], fields: Mapping[str, Fields], chance: np.random.Generator) -> Batch:
    """The examples as one batch, each with its fields in another order, some left out, some without description."""
    chosen = [_chosen(example, len(fields[example.catalog].kinds), chance) for example in examples]
    b, t, n = len(examples), max(len(example.words) for example in examples), max(map(len, chosen))
    words, flags = np.zeros((b, t, VECTOR), np.float32), np.zeros((b, t, tagger.FLAGS), np.float32)
    links, kinds = np.zeros((b, t, n, tagger.LINKS), np.float32), np.zeros((b, n, tagger.TYPES), np.float32)
    vectors = np.zeros((b, n, 2, VECTOR), np.float32)
    is_token, is_field = np.zeros((b, t), bool), np.zeros((b, n), bool)
    labels, begins = np.full((b, t), -100, np.int64), np.zeros((b, t), np.float32)
    asked = np.zeros((b, n), np.float32)
    for at, (example, kept) in enumerate(zip(examples, chosen, strict=True)):
        length, count, known = len(example.words), len(kept), fields[example.catalog]
        place = {field: new for new, field in enumerate(kept)}
        words[at, :length], flags[at, :length] = example.words, example.flags
        links[at, :length, :count] = example.links[:, kept]
        vectors[at, :count], kinds[at, :count] = known.vectors[kept], known.kinds[kept]
        if chance.random() < 0.35:
            vectors[at, :count, 1] = vectors[at, :count, 0]
        if chance.random() < 0.15:  # Pretend that no value is known.
            links[at, ..., tagger.VALUE_LINK] = 0
        if chance.random() < 0.1:
            links[at, ..., tagger.STEM_LINKS] = 0
        is_token[at, :length], is_field[at, :count] = True, True
        labels[at, :length] = [place.get(int(label), n) for label in example.labels]
        begins[at, :length] = example.begins
        asked[at, [place[field] for field in example.asked]] = 1
    arrays = (words, flags, links, vectors, kinds, is_token, is_field, labels, begins, asked)
    return Batch(*map(torch.from_numpy, arrays))


def _chosen(example: Encoded, count: int, chance: np.random.Generator) -> list[int]:
    """The fields to show, in random order: those that matter, and most of the others."""
    needed = example.asked | {int(label) for label in example.labels if label >= 0}
    others = [at for at in range(count) if at not in needed]
    chance.shuffle(others)
    kept = others[: max(0, MAX_FIELDS - len(needed))]
    if chance.random() < 0.3:
        kept = [at for at in kept if chance.random() < 0.7]
    shown = [*needed, *kept] or [0]
    chance.shuffle(shown)
    return [int(at) for at in shown]


if __name__ == "__main__":
    main()
