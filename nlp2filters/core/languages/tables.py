"""The tables of a language file: the meaning of each, and the check that a file has them all and no others.

Phrases are written as the tokenizer folds them: in lower case, without accents and apostrophes.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, ConfigDict, GetPydanticSchema, TypeAdapter, ValidationError
from pydantic_core.core_schema import no_info_after_validator_function

from nlp2filters.core.filters import Unit
from nlp2filters.core.languages import phrases
from nlp2filters.core.languages.phrases import PhraseTable


def _read_as(source: Any, build: Callable[[Any], Any]) -> GetPydanticSchema:
    """Check a table as `source`, then index it."""
    return GetPydanticSchema(lambda _, handler: no_info_after_validator_function(build, handler(source)))


# Words are looked up one at a time, phrases are lists in an order, and indexed phrases are found in a text.
Words = frozenset[str]
Phrases = tuple[str, ...]
IndexedPhrases = Annotated[PhraseTable[str], _read_as(Phrases, phrases.plain)]

Which = Literal["this", "last", "past", "next", "before last", "after next"]
Edge = Literal["start", "end"]
Third = Literal["early", "mid", "late"]
DateOrder = Literal["day first", "month first"]
Role = Literal[
    "comparator", "bound", "range", "junction", "negation", "excluded", "talk", "having", "unknown", "extreme",
    "end", "universal", "degree", "than", "sort", "ranking", "direction", "first", "limit", "results", "contains",
    "copula", "filler",
]  # fmt: skip
SIDES = ("from", "to")

# The meanings that a phrase may have in each role.
MEANINGS: Mapping[Role, frozenset[str]] = {
    # Before a value: "over 200".
    "comparator": frozenset({"<", "<=", ">", ">=", "=", "<>", "within", "~", "after", "before", "since", "until"}),
    # After a value: "200 or more".
    "bound": frozenset({"<=", ">=", "until", "since", "older", "newer", "worse"}),
    # "between 5 and 10", "5 to 10".
    "range": frozenset({"between", "to"}),
    "junction": frozenset({"and", "but", "or", ",", "nor", "(", ")"}),
    "negation": frozenset({"not", "outside", "without", "free"}),
    # After what is not wanted: "peanuts excluded".
    "excluded": frozenset({"out"}),
    # After an opening "no" that answers a question, and is no condition: "no, I want red ones".
    "talk": frozenset({"after"}),
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
    "limit": frozenset({"top", "bottom", "first"}),
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


def _has(keys: Any) -> AfterValidator:
    """Require exactly these keys of a table."""

    def check(table: Mapping[Any, object]) -> Mapping[Any, object]:
        _check_keys(table, keys)
        return table

    return AfterValidator(check)


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
    # Words that are part of a number only in a compound: German "ein" and "und" in "einundzwanzig". Without any,
    # numbers are not written in one word.
    parts: Mapping[str, int | float]
    # Words that multiply the number before them: "two thousand".
    scales: Mapping[str, int]
    # Letters right after the digits: "100k".
    suffixes: Mapping[str, int]
    # The scales that only count money: "a grand".
    money: Words
    # Before a scale or a unit: "half a million", "a couple of dollars".
    quantifiers: Annotated[PhraseTable[float], _read_as(Mapping[str, float], PhraseTable.of_values)]
    ordinals: Mapping[str, int]
    # "a", before a scale or a unit.
    one: Words
    # After a number, a scale or a unit: "and a half".
    and_part: Annotated[PhraseTable[float], _read_as(Mapping[str, float], PhraseTable.of_values)]
    # After the hundreds: "two hundred and fifty".
    joining: IndexedPhrases
    # Before the decimals: "three point five".
    point: IndexedPhrases
    # The last word of a quantifier that counts anything: "a couple of saws".
    of: Words
    # Between a mark and the best one: "4 out of 5".
    out_of: IndexedPhrases
    # The hundredths of each currency: "cents".
    hundredths: Annotated[PhraseTable[str], _read_as(Mapping[str, Phrases], PhraseTable.of_lists)]
    # Between tens and units: "cuarenta y dos".
    tens_joining: IndexedPhrases
    # Before a count: "no stops" are zero stops, "neither stops nor delays" are none of both.
    none: Words
    neither: Words
    # Articles that say that one record is meant: "el más barato".
    singular: Phrases
    # Between a unit and the period of a rate: "40 hours a week".
    per: IndexedPhrases
    # Articles that change nothing before a field or a period.
    determiners: Words
    # Units that are also other words, and count as units only right after the digits or at the end: "5 in".
    ambiguous_units: Words
    # The unit of bare digits behind a unit: "1h30".
    below: Mapping[str, str]


@dataclass(frozen=True)
class Singulars(_Table):
    """Plurals that the stemmer does not know, such as "women"."""

    # The singular of words that follow no pattern.
    words: Mapping[str, str]
    # Endings of plurals, each with its replacement: the first pattern that fits.
    endings: tuple[tuple[Annotated[re.Pattern[str], _read_as(str, re.compile)], str], ...]


@dataclass(frozen=True)
class ValueNames(_Table):
    """Other words for the values of any catalog. They count where they mean nothing else in it."""

    # Words with the same meaning, in groups: people who are "female" are "women".
    groups: tuple[Phrases, ...]
    # Short forms of words in names, and the long ones: "Union Sq".
    abbreviations: Mapping[str, str]
    # Marks in names, and the word that people say for each: "Food & Drink".
    marks: Mapping[str, str]


@dataclass(frozen=True)
class Ends(_Table):
    """Adjectives for the low and the high end of a field."""

    low: Phrases
    high: Phrases


@dataclass(frozen=True)
class Measure(_Table):
    """A thing that numbers measure: `fields` are words in the names of fields that do.

    One that has no unit may be in one of `units`, or in another of its dimension; "money" is any currency. `low` and
    `high` are adjectives for the ends.
    """

    fields: Phrases
    units: Phrases
    low: Phrases
    high: Phrases


@dataclass(frozen=True)
class Degrees(_Table):
    """The forms of adjectives. Those with "more" and "most" are in the grammar."""

    # The endings of the degrees, none if there are only forms with "more"; and those that may follow in all degrees.
    comparative: Phrases
    superlative: Phrases
    inflections: Phrases
    # Before an adjective: "most popular", "least popular".
    most: Phrases
    least: Phrases
    # How a word changes before an ending: the first pattern that it fits, and the replacement.
    spelling: tuple[tuple[Annotated[re.Pattern[str], _read_as(str, re.compile)], str], ...]
    # The comparative and the superlatives of adjectives that do not follow the rules.
    irregular: Mapping[str, Phrases]


@dataclass(frozen=True)
class Dates(_Table):
    """Days, months and longer periods."""

    months: Mapping[str, int]
    # Months that are also other words, and those before which they are months: "in may".
    ambiguous_months: Words
    before_months: Words
    # From Monday, which is 0.
    weekdays: Mapping[str, int]
    # First and last month.
    seasons: Mapping[str, tuple[int, int]]
    # The words for "the 80s".
    decades: Mapping[str, int]
    periods: Annotated[Mapping[Unit, Words], _has(get_args(Unit))]
    # Words before a period. `past` and `last` before a number reach back from today.
    relative: Annotated[
        PhraseTable[Which],
        _read_as(Annotated[Mapping[Which, Phrases], _has(get_args(Which))], PhraseTable.of_lists),
    ]
    # Words for the same that come after the period: "semana pasada".
    relative_behind: Annotated[PhraseTable[Which], _read_as(Mapping[Which, Phrases], PhraseTable.of_lists)]
    # After a number of periods: "3 days ago".
    ago: Words
    # Words for spans of several units: "decade".
    multiples: Mapping[str, tuple[int, Unit]]
    # Numbers that are not exact, before a unit: "a couple of".
    counts: Annotated[PhraseTable[int], _read_as(Mapping[str, int], PhraseTable.of_values)]
    # After a number of periods: "3 days from now".
    from_now: IndexedPhrases
    # Beside a period, for the part of it that is over: "year to date".
    to_date: IndexedPhrases
    # Before a period, for the part of it that is to come: "the rest of the year".
    rest_of: IndexedPhrases
    # Before the number of a week in a year.
    week_number: IndexedPhrases
    # Days from today.
    days: Mapping[str, int]
    # The letter before the number of a quarter: "Q3".
    quarter: Words
    # The letter before the number of a half of a year, "H1"; and the words for a half of any period.
    half: Words
    halves: Words
    # "Fiscal year", before its number.
    fiscal: IndexedPhrases
    # The marks between the numbers of a date, and which of the day and the month comes first.
    numeric: Mapping[str, DateOrder]
    # The same for all marks in regions (ISO 3166) that have another order.
    order_by_region: Mapping[str, DateOrder]
    # Words between the parts of a date.
    of: Words
    ordinal_suffix: Words
    # After the digits of a decade: "80s".
    decade_suffix: Words
    # Before the number of a decade: "años 90".
    decade_prefix: Words
    # The word for "ago", where it comes before the number.
    ago_before: Words
    # Before a period, for its first or last day.
    edges: Annotated[
        PhraseTable[Edge],
        _read_as(Annotated[Mapping[Edge, Phrases], _has(get_args(Edge))], PhraseTable.of_lists),
    ]
    # Before a period, for a third of it: "early 2018".
    thirds: Annotated[
        PhraseTable[Third],
        _read_as(Annotated[Mapping[Third, Phrases], _has(get_args(Third))], PhraseTable.of_lists),
    ]
    # Before a date that is the last allowed one: "by Friday".
    by: Words
    # Before the first end of a range: "from May to July".
    range_openers: Words
    weekend: IndexedPhrases
    # Instead of a day: "available now".
    now: Words
    # After a duration that is an age: "two years old".
    old: Words
    # In the names of fields whose dates lie mostly in the future.
    ahead: Words
    # Words that say that something has happened, in a text and in the names of fields.
    past: Words
    # In the names of dates that say when a record was created.
    fresh: Words


@dataclass(frozen=True)
class Clock(_Table):
    """Times of day."""

    # The hours that have a name: "noon".
    hours: Mapping[str, int]
    # After an hour.
    am: IndexedPhrases
    pm: IndexedPhrases
    # After an hour, with minutes behind it or none: "17 Uhr 30".
    hour: IndexedPhrases
    # Between a day and an hour, and between an hour and a day.
    at: IndexedPhrases
    on: IndexedPhrases
    # Parts of a day: their first hour, and the hour after them; beyond 24 it is on the next day.
    parts: Annotated[PhraseTable[tuple[int, int]], _read_as(Mapping[str, tuple[int, int]], PhraseTable.of_values)]
    # Before an hour: the minutes after it, or before it if they are negative.
    minutes: Annotated[PhraseTable[int], _read_as(Mapping[str, int], PhraseTable.of_values)]


@dataclass(frozen=True)
class Counted(_Table):
    """Other words for what the number in one of the `fields` counts."""

    fields: Phrases
    words: Phrases


@dataclass(frozen=True)
class States(_Table):
    """Phrases that say whether one of the `fields` has a value, or a count above zero."""

    fields: Phrases
    present: Phrases
    absent: Phrases


@dataclass(frozen=True)
class FieldNames(_Table):
    """Words around those that people use for a field: "number of beds", "is unisex", "rating value"."""

    # Before the name of a boolean field, in one word: "unfurnished".
    negating: Phrases
    # In a name, before or after what is missing: "no smoking", "sugar-free". The names say the opposite of the rest.
    privative_before: Words
    privative_after: Words
    # The same at the end of a word: German "zuckerfrei".
    privative_endings: Phrases
    # The endings of people that something is done to, which become that of a participle: "assignee", "assigned".
    patients: Phrases
    # Further endings of nouns for what is done, and who does it, the longest first: "rating", "reviewer", so "unrated".
    actions: Phrases
    # The endings of participles: a field called "resolved at" is known of resolved records.
    participles: Phrases
    # Participles without these endings: a field called "sold on" is known of sold records.
    irregular_participles: Words
    # Values that mean yes and no, also after a field's name: "wireless: yes".
    affirmative: Words
    negative: Words
    # What some fields say by other words: "sold out".
    states: Mapping[str, States]
    # Before and after the short name.
    before: Phrases
    after: Phrases
    # The last word of the name of a field that counts: "review count".
    count_word: str
    # The last word in the names of numbers that identify a record.
    identifiers: Words
    # Words that name no field by themselves.
    vague: Words
    # In the names of numbers that are codes: "status".
    codes: Words
    # Words that people use for the same records, in groups: "jobs" for openings.
    records: tuple[Phrases, ...]
    # What numbers count, by any name.
    counts: Mapping[str, Counted]


@dataclass(frozen=True)
class Placement(_Table):
    """Words for the place of records in an order; those for the first place are in the grammar."""

    # After a superlative: the other end comes first.
    last: Words
    # Before a count: the newest so many.
    latest: Words
    # Verbs that an order follows: "rank them by price". Those of the second kind put the most first.
    ascending: Words
    descending: Words


@dataclass(frozen=True)
class SideWords(_Table):
    """Words for one of two fields of a kind: `before` the value, `nouns` in the field's name."""

    before: Phrases
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
    question_links: Words
    languages: Words
    pronouns: Words
    indefinite: Words
    weak: Words
    articles: Words
    links: Words
    equals: Words
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
    anew: IndexedPhrases
    # Anywhere, at the beginning, or at the end of a part of the text: "also", "or", "too".
    add: IndexedPhrases
    add_first: IndexedPhrases
    add_last: IndexedPhrases
    # "instead".
    instead: IndexedPhrases
    # Before a field's name: "any brand", "remove the price limit".
    lift: IndexedPhrases
    drop: IndexedPhrases
    # Before a field's name and a word for `limit`.
    without: IndexedPhrases
    # After a field's name: "does not matter".
    indifferent: IndexedPhrases
    limit: IndexedPhrases
    order: IndexedPhrases


@dataclass(frozen=True)
class Compounds(_Table):
    """Rules for compounds that are written as one word, and for their spelling."""

    # What may join the first part to the next, also nothing (""). Without any, words are not split.
    linking: Phrases
    # Two letters that stand for one with an accent, where that is not on the keyboard: "ae" for "ä", folded "a".
    digraphs: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Tables(_Table):
    """All tables of a language."""

    # All words that occur in the tables; filled when the file is read.
    vocabulary: frozenset[str]
    # Those of them with which a date or a time may begin, and a few more; filled when the file is read.
    temporal: frozenset[str]
    # The Snowball algorithm that stems the words.
    stemmer: str
    # The endings of plurals. The first is added to a name that needs one.
    plural_endings: Phrases
    singulars: Singulars
    value_names: ValueNames
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
    measures: Mapping[str, Measure]
    # Values that people put in an order, from the least to the most, in groups of equals.
    scales: Mapping[str, tuple[Phrases, ...]]
    # The scales in which what is worse comes later: "critical or worse".
    scales_of_harm: Words
    degrees: Degrees
    dates: Dates
    clock: Clock
    fields: FieldNames
    placement: Placement
    # Words that tell two fields of a kind apart, such as origin and destination.
    sides: Annotated[Mapping[str, SideWords], _has(SIDES)]
    names: Names
    followup: Followup
    compounds: Compounds
    # Two words around a part of a sentence that mean one thing, and a word that stands for both: "fangt an".
    brackets: Mapping[str, str]


def _strings(data: object) -> Iterator[str]:
    """Yield all strings in a decoded file, and all keys."""
    match data:
        case str():
            yield data
        case dict():
            yield from data
            for value in data.values():
                yield from _strings(value)
        case list():
            for value in data:
                yield from _strings(value)


def _phrases(*data: object) -> list[list[str]]:
    """Return all strings in the decoded tables as lists of words."""
    return [phrase for text in _strings(list(data)) if (phrase := text.split())]


_adapter = TypeAdapter(Tables)
_TEMPORAL_TABLES, _TEMPORAL_ROLES = ("dates", "clock", "numbers"), ("range", "comparator")


def load(path: Path) -> Tables:
    """Read a language file.

    Raises:
        ValueError: a table or key is missing, unknown or of the wrong type; the message names each.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        # The words for measures and scales are those of catalogs, not of the language's grammar.
        own = {key: table for key, table in data.items() if key not in ("measures", "scales")}
        grammar = dict(data.get("grammar", ()))
        temporal = _phrases(*map(data.get, _TEMPORAL_TABLES), *map(grammar.get, _TEMPORAL_ROLES))
        words = frozenset(word for phrase in _phrases(own) for word in phrase)
        first_words = frozenset(phrase[0] for phrase in temporal)
        return _adapter.validate_python({**data, "vocabulary": words, "temporal": first_words})
    except ValidationError as exc:
        faults = (f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in exc.errors())
        raise ValueError(f"{path.name}: {'; '.join(faults)}") from exc
