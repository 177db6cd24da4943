"""Field resolution: the field of a value, if none was named before it."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice

from nlp2filters.core import field_words, measures
from nlp2filters.core.catalog import NUMERIC, Field
from nlp2filters.core.interpretation import Source
from nlp2filters.core.languages import is_currency
from nlp2filters.core.linking import MAX_FIELDS, Lexicon
from nlp2filters.core.parser import confidence, disambiguation, values
from nlp2filters.core.parser.chunker import Chunk
from nlp2filters.core.parser.sentence import Sentence
from nlp2filters.core.parser.tagger import LEXICONS, likelihood
from nlp2filters.core.parser.values import OF_TIME, Relation
from nlp2filters.core.words import fold

MIN_TAGGER_PROBABILITY = 0.5
# An amount is asked about if at most this many fields hold money; of more, none is likely.
MAX_RIVALS = 3
_NUMBERS = tuple(sorted(NUMERIC))
_AMOUNTS: frozenset[Relation | None] = frozenset({"<", "<=", ">", ">=", "within"})


@dataclass(frozen=True, slots=True)
class FieldMatch:
    """The field that a value belongs to, the place after its words, and how it was found.

    `others` are fields that may be meant as well, with the confidence `rivals`, or that of the field itself.
    """

    field: Field
    end: int
    confidence: float
    source: Source
    others: tuple[Field, ...] = ()
    rivals: float | None = None

    @property
    def others_confidence(self) -> float:
        """The confidence that one of the others is meant."""
        return self.confidence if self.rivals is None else self.rivals


def resolve(
    sentence: Sentence,
    at: int,
    chunks: Sequence[Chunk],
    *,
    last: Field | None,
    joined: bool,
    relation: Relation | None = None,
) -> FieldMatch | None:
    """Find the field of the values `chunks`, the last of which is at `at`.

    `last` is the field of the previous test; `joined`: only a word such as "and" comes between. `relation` is that of
    a comparison before the values, which makes any number a value.
    """
    if match := named_after(sentence, at, chunks) or _by_adjective_after(sentence, at, chunks):
        return match
    repeated = _as_before(sentence, at, chunks, last, relation) if joined else None
    likely = repeated if repeated and _reaches(sentence, chunks, repeated.field) is not False else None
    if likely and all(_is_bare_number(chunk) for chunk in chunks):
        return likely
    ruled = _by_form(sentence, at, chunks, last, relation) or likely
    if not ruled:
        ruled = _by_money(sentence, at, chunks, relation) or (_by_range(sentence, at, chunks) if relation else None)
    return _by_tagger(sentence, at, chunks, ruled, relation) or ruled or repeated


def named_after(sentence: Sentence, at: int, chunks: Sequence[Chunk]) -> FieldMatch | None:
    """Return a field named right after the value: "200 horsepower", "$80 in price", "8 or more votes"."""
    for place in _places_of_name(sentence, at):
        for field, candidate in sentence.fields(place):
            if not sentence.all_fit(chunks, field) or belongs_elsewhere(sentence, at, field):
                continue
            if not _begins_another_test(sentence, at, chunks, place):
                return FieldMatch(field, place + 1, candidate.confidence, candidate.source)
    return None


def _places_of_name(sentence: Sentence, at: int) -> Sequence[int]:
    """Return where the name of a value's field may be."""
    place = sentence.skip_stopwords(at + 2, 1) if sentence.role(at + 1, "bound") else sentence.skip_stopwords(at + 1, 2)
    if any(sentence.role(between, "ranking") == "by" for between in range(at + 1, place)):
        # In "since 2001 by score", the field is a key of an order.
        return ()
    chunk = sentence.chunk(place)
    # A noun or an unknown word may come between: "3 hotel rooms".
    between = place == at + 1 and chunk is not None and (chunk.is_unknown or sentence.is_noun(place))
    return (place, place + 1) if between else (place,)


def _begins_another_test(sentence: Sentence, at: int, chunks: Sequence[Chunk], place: int) -> bool:
    """Return whether the field at `place` has a value after it, so that the value before it may be a date."""
    return sentence.has_own_value(place) and _by_year(sentence, at, chunks, None) is not None


def _is_bare_number(chunk: Chunk) -> bool:
    return not chunk.period and not _units(chunk)


def _units(chunk: Chunk) -> tuple[str, ...]:
    """Return the units that a quantity may be in."""
    return chunk.quantity.units if chunk.quantity else ()


def _by_form(
    sentence: Sentence, at: int, chunks: Sequence[Chunk], last: Field | None, relation: Relation | None
) -> FieldMatch | None:
    """Return the field that holds such values: times of day, amounts in a unit, dates and years."""
    return (
        _by_clock(sentence, at, chunks)
        or _by_unit(sentence, at, chunks, last)
        or _by_code(sentence, at, chunks)
        or _by_year(sentence, at, chunks, last, relation)
    )


def _by_tagger(
    sentence: Sentence, at: int, chunks: Sequence[Chunk], ruled: FieldMatch | None, relation: Relation | None
) -> FieldMatch | None:
    """Return the field that the tagger finds for the values; the rules' fields are the others that may be meant.

    If both agree, the higher confidence counts. Of fields that are all the same to the rules, the tagger's comes first,
    but it cannot tell for sure which one is meant where no other words are.
    """
    field, share = sentence.likeliest_field(chunks)
    if not field or share < MIN_TAGGER_PROBABILITY or (ruled and _is_refuted(sentence, chunks, field, ruled, relation)):
        return None
    if ruled and ruled.field is field and (ruled.confidence >= likelihood(share) or _is_even(ruled, sentence)):
        return ruled
    others = _without((ruled.field, *ruled.others), field) if ruled else ()
    if ruled and field in ruled.others and _is_even(ruled, sentence):
        return replace(ruled, field=field, others=others)
    return FieldMatch(field, at + 1, likelihood(share), "embedding", others, rivals=1 - share)


def _is_even(ruled: FieldMatch, sentence: Sentence) -> bool:
    """Return whether nothing tells which of several fields is meant: neither the rules nor other words."""
    return bool(ruled.others) and ruled.confidence <= confidence.FIRST_DATE and not sentence.has_context


def _is_refuted(
    sentence: Sentence, chunks: Sequence[Chunk], field: Field, ruled: FieldMatch, relation: Relation | None
) -> bool:
    """Return whether the data say that the values are not of the tagger's field, but may be of the rules' one."""
    if _reaches(sentence, chunks, ruled.field) is False:
        return False
    if _reaches(sentence, chunks, field) is False:
        return True
    # What follows no word for an amount and looks like a year is one.
    holds_years = values.holds_years(ruled.field, sentence.language) and not values.holds_years(
        field, sentence.language
    )
    return holds_years and _are_years(chunks) and (relation is None or relation in OF_TIME)


def _are_years(chunks: Sequence[Chunk]) -> bool:
    return all(chunk.period or values.looks_like_year(chunk) for chunk in chunks)


def _by_clock(sentence: Sentence, at: int, chunks: Sequence[Chunk]) -> FieldMatch | None:
    """Return the field that holds times of day, if the values are times of day."""
    lexicon = sentence.lexicon
    fields = (lexicon.typed("time") or lexicon.typed("datetime")) if all(chunk.clock for chunk in chunks) else ()
    if not fields:
        return None
    near = _spoken_of(sentence, at, fields)
    sure = near is not None or len(fields) == 1
    share = confidence.ONLY_TIME_OF_DAY if sure else confidence.FIRST_TIME_OF_DAY
    return FieldMatch(near or fields[0], at + 1, share, "type", _without(fields, near or fields[0]))


def _by_unit(sentence: Sentence, at: int, chunks: Sequence[Chunk], last: Field | None) -> FieldMatch | None:
    """Return the fields with such a unit or currency, those first whose data reach that far."""
    units = next((units for chunk in chunks if (units := _units(chunk))), None)
    if not units:
        return None
    if _says_old(sentence, at) and (
        aged := by_measure(sentence, at, chunks, {measures.AGE}) or by_age(sentence, at, chunks)
    ):
        return aged
    fields = [field for field in sentence.lexicon.measured_in(units) if sentence.all_fit(chunks, field)]
    likely = [field for field in fields if _reaches(sentence, chunks, field) is not False]
    fields = likely or [*fields, *_without_unit(sentence, chunks, units, fields)]
    if not fields:
        return by_age(sentence, at, chunks)
    return _of_unit(sentence, at, chunks, fields, last)


def _without_unit(
    sentence: Sentence, chunks: Sequence[Chunk], units: tuple[str, ...], measured: Sequence[Field]
) -> Sequence[Field]:
    """Return the fields without a unit that hold such amounts, by their names; the likeliest, if there are others.

    If the catalog knows the currency of any field, only that field holds money.
    """
    lexicon, language = sentence.lexicon, sentence.language
    if is_currency(units[0]) and lexicon.typed("money"):
        return ()
    fields = [
        field
        for field in lexicon.typed("integer", "number")
        if measures.lacks_unit(field, units, language) and not measures.is_identifier(field, language)
    ]
    likely = [field for field in fields if _reaches(sentence, chunks, field)]
    return likely or ([] if measured else fields)


def _of_unit(
    sentence: Sentence, at: int, chunks: Sequence[Chunk], fields: Sequence[Field], last: Field | None
) -> FieldMatch:
    """Choose among the fields with the unit of the values."""
    likely = [field for field in fields if _reaches(sentence, chunks, field) is not False] or fields
    if len(likely) == 1:
        # What the match of a field without a unit assumes lowers the confidence of its test.
        return FieldMatch(likely[0], at + 1, confidence.ONLY_FIELD_WITH_UNIT, "unit")
    fields = likely
    if rate := next((field for field in fields if _is_per(field, chunks, sentence)), None):
        return FieldMatch(rate, at + 1, confidence.FIELD_OF_RATE, "unit")
    if last and last.type in NUMERIC and sentence.all_fit(chunks, last):
        return FieldMatch(last, at + 1, confidence.PREVIOUS_FIELD_WITH_UNIT, "unit")
    first, *others = sorted(fields, key=lambda field: not _reaches(sentence, chunks, field))
    if near := _spoken_of(sentence, at, fields):
        return FieldMatch(near, at + 1, confidence.UNIT_BY_WORDS_AROUND, "unit", _without(fields, near), rivals=0.1)
    share = max(confidence.MIN_FIELD_WITH_UNIT, 1 / len(fields))
    return FieldMatch(first, at + 1, share, "unit", tuple(others))


def _by_code(sentence: Sentence, at: int, chunks: Sequence[Chunk]) -> FieldMatch | None:
    """Return the field that holds codes, if the values are classes of such: "4xx"."""
    if not all(chunk.quantity and chunk.quantity.high is not None for chunk in chunks):
        return None
    integers = [field for field in sentence.lexicon.typed("integer") if sentence.all_fit(chunks, field)]
    is_called_code = [field for field in integers if _is_called_code(field, sentence)]
    fields = is_called_code or [field for field in integers if _holds_codes(field)]
    if not fields:
        return None
    share = confidence.ONLY_FIELD_OF_CODES if len(fields) == 1 else 1 / len(fields)
    return FieldMatch(fields[0], at + 1, share, "type", tuple(fields[1:]))


def _is_called_code(field: Field, sentence: Sentence) -> bool:
    return not field_words.words(field).isdisjoint(sentence.language.fields.codes)


def _holds_codes(field: Field) -> bool:
    """Return whether all the data of a field have three digits."""
    low, high = field.minimum, field.maximum
    return isinstance(low, int) and isinstance(high, int) and 100 <= low <= high <= 999


def _by_adjective_after(sentence: Sentence, at: int, chunks: Sequence[Chunk]) -> FieldMatch | None:
    """Return the field of "20 mm long", "5 feet tall"."""
    following = sentence.chunk(at + 1)
    if following is None or not any(map(_units, chunks)):
        return None
    ends = sentence.language.gradable.get(fold(sentence.texts[at + 1]), ())
    match = by_measure(sentence, at, chunks, {measure for measure, _ in ends}) if ends else None
    return replace(match, end=at + 2) if match else None


def by_measure(
    sentence: Sentence, at: int, chunks: Sequence[Chunk], names: Set[str], others: Sequence[Field] = ()
) -> FieldMatch | None:
    """Return the field that measures one of these things: by the data, then by the words around, then the first.

    It may be one of the `others` as well.
    """
    fields = [
        field
        for field in sentence.lexicon.typed(*_NUMBERS)
        if (
            field in others or names & measures.of_field(field, sentence.language) or _has_unit(field, chunks, sentence)
        )
        and sentence.all_fit(chunks, field)
    ]
    if not fields:
        return None
    likely = (
        [field for field in fields if _reaches(sentence, chunks, field)]
        or [field for field in fields if _reaches(sentence, chunks, field) is not False]
        or fields
    )
    near = likely[0] if len(likely) == 1 else _spoken_of(sentence, at, likely)
    if near:
        return FieldMatch(near, at + 1, confidence.MEASURE, "synonym")
    return FieldMatch(likely[0], at + 1, 1 / len(likely), "synonym", tuple(likely[1:]))


def _has_unit(field: Field, chunks: Sequence[Chunk], sentence: Sentence) -> bool:
    """Return whether the name of a field ends in the very unit of the values: "acres"."""
    unit = measures.unit_in_name(field, sentence.language)
    return unit is not None and all(unit in _units(chunk) for chunk in chunks)


def may_hold(sentence: Sentence, chunk: Chunk, field: Field) -> bool:
    """Return whether a value may be one of a field that is not named, by its type and its data."""
    if measures.is_identifier(field, sentence.language) or sentence.coerce(chunk, field) is None:
        return False
    return _reaches(sentence, (chunk,), field) is not False


def belongs_elsewhere(sentence: Sentence, at: int, field: Field) -> bool:
    """Return whether a number beside the field's name is a year of another field: "reviewed in 2019"."""
    chunks = sentence.chunks[at : at + 1]
    if (
        not _are_years(chunks)
        or values.holds_years(field, sentence.language)
        or _reaches(sentence, chunks, field) is not False
    ):
        return False
    return any(_reaches(sentence, chunks, other) is not False for other in _dates_or_years(sentence, chunks, None))


def _says_old(sentence: Sentence, at: int) -> bool:
    """Return whether the chunk ends in a word for age: "2 years old"."""
    return sentence.texts[at].lower().rpartition(" ")[2] in sentence.language.dates.old


def _is_per(field: Field, chunks: Sequence[Chunk], sentence: Sentence) -> bool:
    """Return whether the field's words name the period of a rate: "hours a week" is weekly hours."""
    periods = [chunk.quantity.per for chunk in chunks if chunk.quantity and chunk.quantity.per]
    stems = {word for period in periods for word in sentence.language.dates.periods[period]}
    names = " ".join((field.name, field.title, *field.synonyms)).lower().replace("_", " ").split()
    return any(name.startswith(word) for name in names for word in stems)


def by_age(sentence: Sentence, at: int, chunks: Sequence[Chunk], *, compared: bool = False) -> FieldMatch | None:
    """Read "less than 2 years old" as a test of the only date, or if there is none, of the only field of years.

    `compared`: a word such as "older" says that an age is meant, so that the first of several dates may be.
    """
    dates = [field for field in sentence.lexicon.typed("date", "datetime") if sentence.all_fit(chunks, field)]
    if len(dates) == 1:
        return FieldMatch(dates[0], at + 1, confidence.ONLY_DATE_FOR_AGE, "unit")
    if not compared and not _says_old(sentence, at):
        return None
    if dates:
        return FieldMatch(dates[0], at + 1, confidence.FIRST_DATE, "unit", tuple(dates[1:]))
    years = [field for field in _years(sentence.lexicon) if sentence.all_fit(chunks, field)]
    return FieldMatch(years[0], at + 1, confidence.ONLY_DATE_FOR_AGE, "unit") if len(years) == 1 else None


def _by_year(
    sentence: Sentence, at: int, chunks: Sequence[Chunk], last: Field | None, relation: Relation | None = None
) -> FieldMatch | None:
    """Return the first date, or the field that holds years, for dates and years."""
    fields = _dates_or_years(sentence, chunks, relation) if _are_years(chunks) else ()
    if not fields:
        return None
    if near := _spoken_of(sentence, at, fields):
        return FieldMatch(near, at + 1, confidence.DATE_BY_WORDS_AROUND, "type", _without(fields, near))
    if last and last in fields:
        return FieldMatch(last, at + 1, confidence.PREVIOUS_DATE, "type")
    share = confidence.ONLY_DATE if len(fields) == 1 else confidence.FIRST_DATE
    return FieldMatch(fields[0], at + 1, share, "type", tuple(fields[1:]))


def _dates_or_years(sentence: Sentence, chunks: Sequence[Chunk], relation: Relation | None) -> Sequence[Field]:
    """Return the fields that hold dates, or for decades, or without any, those that hold years.

    The others are meant if only their data reach that far, and none may be after a word for an amount: "under 2000".
    """
    dates, years = sentence.lexicon.typed("date", "datetime"), _years(sentence.lexicon)
    decades = all(chunk.period and chunk.period.is_decade for chunk in chunks)
    kinds = [
        [field for field in fields if sentence.all_fit(chunks, field)]
        for fields in ((years, dates) if decades else (dates, years))
    ]
    likely = next((fields for fields in kinds if _any_reaches(sentence, chunks, fields)), None)
    if likely is None and relation in _AMOUNTS and not any(chunk.period for chunk in chunks):
        return ()
    return likely or next(filter(None, kinds), ())


def _any_reaches(sentence: Sentence, chunks: Sequence[Chunk], fields: Sequence[Field]) -> bool:
    return any(_reaches(sentence, chunks, field) is not False for field in fields)


def _without(fields: Sequence[Field], one: Field) -> tuple[Field, ...]:
    return tuple(field for field in fields if field is not one)


def _spoken_of(sentence: Sentence, at: int, fields: Sequence[Field]) -> Field | None:
    """Return the field that the words around a value refer to.

    Of very many fields, it is the only one of their types that is named there.
    """
    if len(fields) < MAX_FIELDS:
        return disambiguation.disambiguate(sentence, at, fields)
    types = {field.type for field in fields}
    places = range(at - disambiguation.BEFORE, at + disambiguation.AFTER + 1)
    nearby = {field for place in places for field, _ in sentence.fields(place) if field.type in types}
    return nearby.pop() if len(nearby) == 1 else None


@lru_cache(maxsize=LEXICONS)
def _years(lexicon: Lexicon) -> Sequence[Field]:
    """Return the fields that hold calendar years, only the first of them in a large catalog."""
    years = (field for field in lexicon.catalog.fields if values.is_year(field, lexicon.language))
    return tuple(islice(years, MAX_FIELDS))


def _as_before(
    sentence: Sentence, at: int, chunks: Sequence[Chunk], last: Field | None, relation: Relation | None
) -> FieldMatch | None:
    """Read "over 100 hp and under 200" as two tests of the same field, but not "over 100 hp and before 1975"."""
    if not last or last.type not in NUMERIC or not sentence.all_fit(chunks, last):
        return None
    if is_misplaced_year(sentence, chunks, last, relation):
        return None
    return FieldMatch(last, at + 1, confidence.PREVIOUS_FIELD, "type")


def is_misplaced_year(sentence: Sentence, chunks: Sequence[Chunk], field: Field, relation: Relation | None) -> bool:
    """Return whether the field holds no years, but a word such as "before" and the numbers say that these are some."""
    return relation in OF_TIME and _are_years(chunks) and not values.holds_years(field, sentence.language)


def is_of_date(sentence: Sentence, at: int, field: Field, relation: Relation) -> bool:
    """Return whether the year at a place is one of another field that holds dates or years: "since 2019"."""
    chunks = sentence.chunks[at : at + 1]
    if not chunks or not is_misplaced_year(sentence, chunks, field, relation):
        return False
    return _any_reaches(sentence, chunks, _dates_or_years(sentence, chunks, relation))


def _by_range(sentence: Sentence, at: int, chunks: Sequence[Chunk]) -> FieldMatch | None:
    """Return the only numeric field, or the only one whose data reach that far."""
    fields = _numbers(sentence, chunks)
    if len(fields) == 1:
        return FieldMatch(fields[0], at + 1, confidence.ONLY_NUMBER, "type")
    in_range = [field for field in fields if _reaches(sentence, chunks, field)]
    return FieldMatch(in_range[0], at + 1, confidence.ONLY_NUMBER_IN_RANGE, "type") if len(in_range) == 1 else None


def _by_money(sentence: Sentence, at: int, chunks: Sequence[Chunk], relation: Relation | None) -> FieldMatch | None:
    """Read "under 500" and "100k" as amounts of money, if one field holds such amounts.

    If the data of other fields surely reach so far, those of this one must too.
    """
    if relation not in _AMOUNTS and not all(chunk.quantity and chunk.quantity.scaled for chunk in chunks):
        return None
    place = at + 1 + (sentence.role(at + 1, "bound") is not None)
    following = sentence.chunk(place)
    if following and (following.is_unknown or any(True for _ in sentence.fields(place))):
        # Another noun says what is counted: "at least 4 stars".
        return None
    fields = _numbers(sentence, chunks)
    in_range = [field for field in fields if _reaches(sentence, chunks, field)]
    money = [field for field in fields if measures.is_money(field, sentence.language)]
    likely = [field for field in money if _reaches(sentence, chunks, field) is not False]
    if len(fields) < 2 or not likely or (in_range and likely[0] not in in_range):
        return None
    if len(likely) > 1:
        share = 1 / len(likely)
        return FieldMatch(likely[0], at + 1, share, "type", tuple(likely[1:])) if len(likely) <= MAX_RIVALS else None
    others = _without(in_range, likely[0])
    return FieldMatch(likely[0], at + 1, confidence.ONLY_MONEY, "type", others, rivals=confidence.NOT_MONEY)


def _numbers(sentence: Sentence, chunks: Sequence[Chunk]) -> Sequence[Field]:
    """Return the fields that may hold bare numbers; none if there are too many fields to look at them all."""
    numbers, language = sentence.lexicon.typed(*_NUMBERS), sentence.language
    if len(numbers) == MAX_FIELDS or not all(_is_bare_number(chunk) for chunk in chunks):
        return ()
    return [
        field for field in numbers if sentence.all_fit(chunks, field) and not measures.is_identifier(field, language)
    ]


def _reaches(sentence: Sentence, chunks: Sequence[Chunk], field: Field) -> bool | None:
    """Return whether the data of the field reach all the values; None if nobody knows."""
    if field.minimum is None or field.maximum is None:
        return None
    answers = [values.reaches(field, value) if (value := sentence.coerce(chunk, field)) else False for chunk in chunks]
    if False in answers:
        return False
    return None if None in answers else True
