"""The Schema-Guided Dialogue data set (CC BY-SA 4.0): what users say to services with described slots.

The folder is a split of https://github.com/google-research-datasets/dstc8-schema-guided-dialogue, such as `train`.
"""

import json
import random
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.examples import NUMBER, Example, FieldSketch, find

MOST_VALUES = 110
EMPTY_TURN_SHARE = 0.05  # Most turns without content, such as thanks, are left out.

_TYPES = {
    "date": re.compile(r"date$|_day$"),
    "time": re.compile(r"time$"),
    "money": re.compile(r"price|fare|cost|rent$|amount|balance|fee"),
}


@dataclass(frozen=True, slots=True)
class _Turn:
    text: str
    frame: Mapping[str, Any]


def read(folder: Path, *, without: Collection[str] = ()) -> Iterator[Example]:
    """The user's turns about one service, except those of the dialogues named in `without`."""
    chance = random.Random(7)  # noqa: S311
    schema = {service["service_name"]: service for service in json.loads((folder / "schema.json").read_bytes())}
    turns: list[_Turn] = []
    seen: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for file in sorted(folder.glob("dialogues_*.json")):
        for dialogue in json.loads(file.read_bytes()):
            turns += _turns(dialogue, seen, kept=dialogue["dialogue_id"] not in without)
    fields = {
        name: tuple(_field(slot, list(seen[name, slot["name"]])) for slot in service["slots"])
        for name, service in schema.items()
    }
    for turn in turns:
        acts = {action["act"] for action in turn.frame["actions"]}
        if acts & {"INFORM", "INFORM_INTENT"} or chance.random() < EMPTY_TURN_SHARE:
            yield _example(turn, fields[turn.frame["service"]])


def _turns(dialogue: Mapping[str, Any], seen: Mapping[tuple[str, str], dict[str, None]], *, kept: bool) -> list[_Turn]:
    turns = []
    for turn in dialogue["turns"]:
        for frame in turn["frames"]:
            for action in frame["actions"]:
                seen[frame["service"], action["slot"]].update(dict.fromkeys(action["canonical_values"]))
        if kept and turn["speaker"] == "USER" and len(turn["frames"]) == 1:
            turns.append(_Turn(turn["utterance"], turn["frames"][0]))
    return turns


def _field(slot: Mapping[str, Any], seen: list[str]) -> FieldSketch:
    name, possible = slot["name"], slot["possible_values"]
    kind, values = "text", tuple[str, ...]()
    by_name = next((kind for kind, pattern in _TYPES.items() if pattern.search(name)), None)
    if possible and set(possible) <= {"True", "False"}:
        kind = "boolean"
    elif possible and all(value.isdigit() for value in possible):
        kind = "integer"
    elif possible:
        kind, values = "keyword", tuple(possible)
    elif by_name:
        kind = by_name
    elif seen and sum(bool(NUMBER.fullmatch(value)) for value in seen) > 0.9 * len(seen):
        kind = "number"
    elif 0 < len(seen) <= MOST_VALUES:
        kind, values = "keyword", tuple(sorted(seen))
    return FieldSketch(name, kind, slot["description"], values)


def _example(turn: _Turn, fields: tuple[FieldSketch, ...]) -> Example:
    places = {field.name: at for at, field in enumerate(fields)}
    spans = [
        (slot["start"], slot["exclusive_end"], places[slot["slot"]])
        for slot in turn.frame["slots"]
        if slot["slot"] in places
    ]
    asked = set()
    for action in turn.frame["actions"]:
        at = places.get(action["slot"])
        if action["act"] != "INFORM" or at is None or action["values"] == ["dontcare"]:
            continue
        asked.add(at)
        if all(field != at for *_, field in spans) and fields[at].type != "boolean":
            taken = [(start, end) for start, end, _ in spans]
            found = (find(turn.text, value, taken) for value in (*action["values"], *action["canonical_values"]))
            if place := next(filter(None, found), None):
                spans.append((*place, at))
    catalog = f"sgd/{turn.frame['service']}"
    return Example(catalog, turn.text, fields, tuple(spans), frozenset(asked))
