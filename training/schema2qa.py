"""Schema2QA 2.0 (CC BY 4.0): paraphrased questions over schema.org types, with programs in ThingTalk.

The folder is a checkout of https://github.com/stanford-oval/schema2qa. Its paraphrases have placeholders such as
QUOTED_STRING_0 for values; `Filler` puts some in that fit the property.
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from training.examples import Example, FieldSketch, Span, find

FILLINGS = 2  # Each paraphrase is filled with values this often.
DOMAINS = ("restaurants", "movies", "books", "hotels", "music", "people")

_TEST = re.compile(
    r"(?:contains~?|in_array~?) \( (?P<list>(?:\w+ \. )*\w+) , (?P<member>.*?) \)(?= [&|;)\]])"
    r"|(?P<field>(?:\w+ \. )*\w+) (?:==|=~|~=|>=|<=) (?P<value>.*?)(?= &&| \|\|| ;| \)|$)"
)
_QUOTED = re.compile(r'" (.*?) "')
_WANTED = re.compile(r"\[ (.*?) \] of")
_NESTED = ("||", "any (", "! (", "join")
_PLACEHOLDER = re.compile(
    r"(?P<kind>QUOTED_STRING|GENERIC_ENTITY_[\w.:]+?|LOCATION|DATE|TIME|NUMBER|PHONE_NUMBER)_\d+(?!\w)"
)
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october")

# What the values of a property are, and of which columns and slots of other data sets they are taken.
_KINDS = {
    "person": (r"author|director|actor|creator|artist|person|name$", r"player|driver|director|artist|author|actor"),
    "cuisine": (r"cuisine", r"cuisine"),
    "genre": (r"genre", r"genre"),
    "award": (r"award", r"award"),
    "language": (r"language", r"language"),
    "place": (r"address|geo|country|region|locality", r"city|location|country|hometown|county|area|destination"),
    "organization": (r"alumni|worksfor|org|publisher", r"school|college|company|club|organization|university"),
    "restaurant": (r"^restaurants id$", r"restaurant_name"),
    "hotel": (r"^hotels id$", r"hotel_name|place_name"),
    "member": (r"^people id$", r"player|driver|director|artist|author|actor"),
    "title": (r"", r"title|film|song|album|episode|book|movie"),
}


@dataclass(frozen=True, slots=True)
class _Test:
    field: str
    value: str
    type: str


def read(folder: Path, filler: "Filler") -> Iterator[Example]:
    """The paraphrases of every domain, with values put in."""
    for domain in DOMAINS:
        lines = (folder / domain / "human-paraphrase.tsv").read_text(encoding="utf-8").splitlines()
        rows = [(row[1], row[2]) for line in lines if len(row := line.split("\t")) > 2]
        for example in _examples(domain, rows):
            for _ in range(FILLINGS):
                yield filler.fill(example)


def _examples(domain: str, rows: Sequence[tuple[str, str]]) -> Iterator[Example]:
    tests = [list(_tests(program)) for _, program in rows]
    types: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (_, program), found in zip(rows, tests, strict=True):
        for test in found:
            types[test.field][test.type] += 1
        for wanted in _WANTED.findall(program):
            for name in wanted.replace(" . ", ".").split(" , "):
                if re.fullmatch(r"[\w.]+", name):
                    types[name][""] += 0
    names = sorted(types)
    fields = tuple(FieldSketch(name, types[name].most_common(1)[0][0] or "text", _spoken(name)) for name in names)
    for (text, program), found in zip(rows, tests, strict=True):
        if any(mark in program for mark in _NESTED):
            continue
        spans: list[tuple[int, int, int]] = []
        for test in found:
            taken: list[Span] = [(start, end) for start, end, _ in spans]
            if place := find(text, test.value, taken):
                spans.append((*place, names.index(test.field)))
            elif _PLACEHOLDER.fullmatch(test.value):
                break
        else:
            asked = frozenset(names.index(test.field) for test in found)
            yield Example(f"s2qa/{domain}", text, fields, tuple(spans), asked)


def _tests(program: str) -> Iterator[_Test]:
    for match in _TEST.finditer(program.partition(" filter ")[2]):
        said = (match["member"] or match["value"]).strip()
        if not said:
            continue
        quoted = _QUOTED.search(said)
        value = quoted[1] if quoted else said.split()[-1 if said.startswith("enum ") else 0]
        yield _Test((match["list"] or match["field"]).replace(" . ", "."), _written(value, said), _type(value, said))


def _written(value: str, said: str) -> str:
    """An enum as people write it: "PG13" as "pg-13"."""
    if not said.startswith("enum "):
        return value
    return re.sub(r"(?<=[A-Z])(?=\d)", "-", value).lower().replace("_", " ")


def _type(value: str, said: str) -> str:
    kinds = {"DATE": "date", "TIME": "time", "true": "boolean", "false": "boolean"}
    if found := next((kind for start, kind in kinds.items() if value.startswith(start)), None):
        return found
    if said.startswith("enum "):
        return "keyword"
    return "number" if re.match(r"NUMBER|\d", value) and '"' not in said else "text"


def _spoken(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace(".", ": ").lower()


class Filler:
    """Values for placeholders, by what the property is called; taken from the examples of other data sets."""

    def __init__(self, examples: Iterable[Example], seed: int = 3) -> None:
        self._chance = random.Random(seed)  # noqa: S311
        found: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for example in examples:
            for start, end, at in example.spans:
                value = example.text[start:end].lower().strip(" \"'")
                for kind, (_, source) in _KINDS.items():
                    if re.search(rf"\b(?:{source})\b|{source}" if "_" in source else source, example.fields[at].name):
                        found[kind][value] = None
        self._values: Mapping[str, Sequence[str]] = {kind: sorted(values) for kind, values in found.items()}

    def fill(self, example: Example) -> Example:
        """The example with every placeholder replaced."""
        text, spans = example.text, list(example.spans)
        for match in reversed(list(_PLACEHOLDER.finditer(text))):
            at = next((index for index, span in enumerate(spans) if span[:2] == match.span()), None)
            name = example.fields[spans[at][2]].name if at is not None else ""
            value = self._value(match["kind"], name, example.catalog.removeprefix("s2qa/"))
            moved = len(value) - len(match[0])
            spans = [
                (start + moved * (start > match.start()), end + moved * (end >= match.end()), field)
                for start, end, field in spans
            ]
            text = text[: match.start()] + value + text[match.end() :]
        return replace(example, text=text, spans=tuple(spans))

    def _value(self, kind: str, name: str, domain: str) -> str:
        chance = self._chance
        match kind:
            case "NUMBER":
                return str(chance.choice([chance.randint(1, 5), chance.randint(1, 20), chance.randint(1, 1000)]))
            case "DATE":
                day, year = f"{chance.choice(_MONTHS)} {chance.randint(1, 28)}", chance.randint(1950, 2021)
                return chance.choice([f"{day} {year}", str(year), f"{chance.choice(_MONTHS)} {year}", "last month"])
            case "TIME":
                return chance.choice([f"{chance.randint(1, 12)} pm", f"{chance.randint(1, 12)}:30 am", "noon"])
            case "PHONE_NUMBER":
                return f"555-{chance.randint(1000, 9999)}"
        if re.search(r"postal|isbn", name, re.IGNORECASE):
            return str(chance.randint(10_000, 99_999))
        said = f"{domain} {name}".lower() if name == "id" else name.lower()
        chosen = next(kind for kind, (pattern, _) in _KINDS.items() if re.search(pattern, said))
        return chance.choice(self._values.get(chosen) or self._values["title"])
