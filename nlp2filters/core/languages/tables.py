"""The tables of a language file: the meaning of each, and the check that a file has them all and no others.

Phrases are written as the tokenizer folds them: in lower case, without accents and apostrophes.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError

from nlp2filters.core.filters import Unit

# Words are looked up one at a time; phrases may have several words and are tried in their order.
Words = frozenset[str]
Phrases = tuple[str, ...]

Role = Literal[
    "comparator", "bound", "range", "junction", "negation", "having", "unknown", "extreme", "end", "universal",
    "degree", "than", "sort", "ranking", "direction", "first", "limit", "results", "contains", "copula", "filler",
]  # fmt: skip
SIDES = ("from", "to")

# The meanings that a phrase may have in each role.
MEANINGS: Mapping[Role, frozenset[str]] = {
    # Before a value: "over 200".
    "comparator": frozenset({"<", "<=", ">", ">=", "=", "<>", "within", "~", "after", "before", "since", "until"}),
    # After a value: "200 or more".
    "bound": frozenset({"<=", ">="}),
    # "between 5 and 10", "5 to 10".
    "range": frozenset({"between", "to"}),
    "junction": frozenset({"and", "but", "or", ",", "nor", "(", ")"}),
    "negation": frozenset({"not", "outside", "without"}),
    "having": frozenset({"with"}),
    # "price unknown".
    "unknown": frozenset({"is"}),
    # Before a field or an adjective: "the highest rating".
    "extreme": frozenset({"asc", "desc"}),
    # Before a field: "high mileage".
    "end": frozenset({"asc", "desc"}),
    # "any car but american".
    "universal": frozenset({"all"}),
    # Before an adjective: "more economical than", "very cheap".
    "degree": frozenset({"more", "less", "as"}),
    "than": frozenset({"than"}),
    "sort": frozenset({"asc", "desc"}),
    # Before the key, after "top 10": "by rating".
    "ranking": frozenset({"by", "in"}),
    "direction": frozenset({"asc", "desc"}),
    # "cheapest first".
    "first": frozenset({"first"}),
    "limit": frozenset({"top", "first"}),
    "results": frozenset({"results"}),
    "contains": frozenset({"contains"}),
    "copula": frozenset({"is"}),
    # Words that change nothing.
    "filler": frozenset({"filler"}),
}


def _check_grammar(grammar: Mapping[Role, Mapping[str, Phrases]]) -> Mapping[Role, Mapping[str, Phrases]]:
    _check_keys(grammar, MEANINGS.keys())
    for role, meanings in grammar.items():
        try:
            _check_keys(meanings, MEANINGS[role])
        except ValueError as exc:
            raise ValueError(f"{role}: {exc}") from None
    return grammar


def _check_keys(table: Mapping[Any, object], keys: Any) -> None:
    if missing := sorted(set(keys) - set(table)):
        raise ValueError(f"missing: {', '.join(missing)}")
    if unknown := sorted(set(table) - set(keys)):
        raise ValueError(f"unknown: {', '.join(unknown)}")


def _check_units(periods: Mapping[Unit, Words]) -> Mapping[Unit, Words]:
    _check_keys(periods, get_args(Unit))
    return periods


def _check_sides(sides: "Mapping[str, SideWords]") -> "Mapping[str, SideWords]":
    _check_keys(sides, SIDES)
    return sides


class _Table:
    """The base of the tables: a key that none of them has is an error."""

    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class DecimalMark(_Table):
    """The mark before the fraction of a number, and that of regions (ISO 3166) that write another."""

    mark: Literal[".", ","]
    by_region: Mapping[str, Literal[".", ","]]


@dataclass(frozen=True)
class Numbers(_Table):
    """Numbers in words."""

    # Numbers below one hundred, and greater ones that are a single word.
    words: Mapping[str, int]
    # Words that multiply the number before them: "two thousand".
    scales: Mapping[str, int]
    # Letters right after the digits: "100k".
    suffixes: Mapping[str, int]
    # Before a scale or a unit: "half a million".
    fractions: Mapping[str, float]
    ordinals: Mapping[str, int]
    # "a", before a scale or a unit.
    one: Words
    # After a number or a unit: "and a half".
    and_half: Phrases
    # After the hundreds: "two hundred and fifty".
    joining: Phrases
    # Between tens and units: "cuarenta y dos".
    tens_joining: Phrases
    # Before a count: "no stops" are zero stops.
    none: Words
    # Articles that say that one record is meant: "el más barato".
    singular: Phrases
    # Between a unit and the period of a rate: "40 hours a week".
    per: Phrases
    # Articles that change nothing before a field or a period.
    determiners: Words
    # The unit of bare digits behind a unit: "1h30".
    below: Mapping[str, str]


@dataclass(frozen=True)
class Ends(_Table):
    """Adjectives for the low and the high end of a field."""

    low: Phrases
    high: Phrases


@dataclass(frozen=True)
class Relative(_Table):
    """Words beside a period. `past` and `last` before a number reach back from today."""

    this: Phrases
    last: Phrases
    past: Phrases
    next: Phrases
    ago: Phrases


@dataclass(frozen=True)
class RelativeBehind(_Table):
    """Words for "last" and "next" that come after the period: "semana pasada"."""

    this: Phrases
    last: Phrases
    next: Phrases


@dataclass(frozen=True)
class Dates(_Table):
    """Days, months and longer periods."""

    months: Mapping[str, int]
    # From Monday, which is 0.
    weekdays: Mapping[str, int]
    # First and last month.
    seasons: Mapping[str, tuple[int, int]]
    # The words for "the 80s".
    decades: Mapping[str, int]
    periods: Annotated[Mapping[Unit, Words], AfterValidator(_check_units)]
    relative: Relative
    relative_behind: RelativeBehind
    # Days from today.
    days: Mapping[str, int]
    # The letter before the number of a quarter: "Q3".
    quarter: Words
    # Words between the parts of a date.
    of: Words
    ordinal_suffix: Words
    # After the digits of a decade: "80s".
    decade_suffix: Words
    # Before the number of a decade: "años 90".
    decade_prefix: Words
    # The word for "ago", where it comes before the number.
    ago_before: Words
    # Before a period, for its last or first day.
    end: Phrases
    start: Phrases
    weekend: Phrases
    # Instead of a day: "available now".
    now: Words
    # After a duration that is an age: "two years old".
    old: Words
    # In the names of fields whose dates lie mostly in the future.
    ahead: Words
    # In the names of dates that say when a record was created.
    fresh: Words


@dataclass(frozen=True)
class ClockMinutes(_Table):
    """Minutes before or after the hour that follows: "quarter past"."""

    past: Mapping[str, int]
    to: Mapping[str, int]


@dataclass(frozen=True)
class Clock(_Table):
    """Times of day."""

    named: Mapping[str, int]
    # After an hour.
    am: Phrases
    pm: Phrases
    minutes: ClockMinutes


@dataclass(frozen=True)
class Counted(_Table):
    """Other words, `said`, for what the number in one of the `fields` counts."""

    fields: Phrases
    said: Phrases


@dataclass(frozen=True)
class FieldNames(_Table):
    """Words around those that people use for a field: "number of beds", "is unisex", "rating value"."""

    # Before the name of a boolean field, in one word: "unfurnished".
    negating: Phrases
    # Before and after the short name.
    before: Phrases
    after: Phrases
    # The last word of the name of a field that counts: "review count".
    counted: str
    # Words that name no field by themselves.
    vague: Words
    # What numbers count, by any name.
    counts: Mapping[str, Counted]


@dataclass(frozen=True)
class SideWords(_Table):
    """Words for one of two fields of a kind: `said` before the value, `nouns` in the field's name."""

    said: Phrases
    nouns: Phrases


@dataclass(frozen=True)
class NameRoles(_Table):
    """Nouns that name the field of titles, of kinds ("genre") and of languages."""

    title: Phrases
    kind: Phrases
    language: Phrases


@dataclass(frozen=True)
class Cue(_Table):
    """Phrases before (or `behind`) a value of the field that one of the nouns in `fields` describes."""

    phrases: Phrases
    fields: Phrases
    behind: Phrases = ()


@dataclass(frozen=True)
class Names(_Table):
    """Names: values that no list holds."""

    # Before a name: "called".
    introducers: Words
    # Inside a name ("the lord of the rings"); any other word without content ends it.
    inner: Words
    # Words that ask only where a sentence begins.
    subordinators: Words
    verbs: Words
    wanted: Words
    languages: Words
    pronouns: Words
    indefinite: Words
    weak: Words
    articles: Words
    links: Words
    equals: Words
    of: Words
    # Before the kind of a thing: "Dune as a film".
    as_kind: Words
    openers: Words
    breaks: Words
    questions: Words
    between: Words
    loose: Words
    roles: NameRoles
    # The words that introduce a value of a field.
    cues: tuple[Cue, ...]


@dataclass(frozen=True)
class Followup(_Table):
    """The effects that a text says it has on an earlier filter; see `core/parser/followup.py`."""

    # "start over".
    anew: Phrases
    # Anywhere, at the beginning, or at the end of a part of the text: "also", "or", "too".
    add: Phrases
    add_first: Phrases
    add_last: Phrases
    # "instead".
    instead: Phrases
    # Before a field's name: "any brand", "remove the price limit".
    lift: Phrases
    drop: Phrases
    # Before a field's name and a word for `limit`.
    without: Phrases
    # After a field's name: "does not matter".
    indifferent: Phrases
    limit: Phrases
    order: Phrases


@dataclass(frozen=True)
class Tables(_Table):
    """All tables of a language."""

    # The Snowball algorithm that stems the words.
    stemmer: str
    # True if the embedding model and the tagger know the language.
    embedded: bool
    decimal: DecimalMark
    # The phrases that carry structure, by role and meaning; the longest phrase of the text wins.
    grammar: Annotated[Mapping[Role, Mapping[str, Phrases]], AfterValidator(_check_grammar)]
    numbers: Numbers
    # The spellings of units. A unit has its name in the pint library, or is an ISO 4217 code.
    units: Mapping[str, Phrases]
    # Adjectives that a type or a dimension has in general.
    adjectives: Mapping[str, Ends]
    # The comparative and the superlatives of irregular adjectives.
    degrees: Mapping[str, Phrases]
    # The endings of the comparative and the superlative of the others; none if they have "more" and "most".
    degree_endings: Phrases
    dates: Dates
    clock: Clock
    fields: FieldNames
    # Words that tell two fields of a kind apart, such as origin and destination.
    sides: Annotated[Mapping[str, SideWords], AfterValidator(_check_sides)]
    names: Names
    followup: Followup


_adapter = TypeAdapter(Tables)


def load(path: Path) -> Tables:
    """Read a language file.

    Raises:
        ValueError: a table or key is missing, unknown or of the wrong type; the message names each.
    """
    try:
        return _adapter.validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as exc:
        faults = (f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in exc.errors())
        raise ValueError(f"{path.name}: {'; '.join(faults)}") from exc
