"""Field resolution: the field of a value, if none was named before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from nlp2filters.core.catalog import NUMERIC, Field
from nlp2filters.core.interpretation import Source
from nlp2filters.core.linking import MAX_FIELDS, Lexicon
from nlp2filters.core.parser import confidence, disambiguation, values
from nlp2filters.core.parser.chunker import Chunk
from nlp2filters.core.parser.sentence import Sentence
from nlp2filters.core.parser.tagger import LEXICONS, likelihood

MIN_TAGGER_PROBABILITY = 0.5
_NUMBERS = tuple(sorted(NUMERIC))


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
    sentence: Sentence, at: int, chunks: Sequence[Chunk], *, last: Field | None, joined: bool, compared: bool
) -> FieldMatch | None:
    """Find the field of the values `chunks`, the last of which is at `at`.

    `last` is the field of the previous test; `joined`: only a word such as "and" comes between. `compared`: there was
    a comparison, so that any number is a value.
    """
    if match := named_after(sentence, at, chunks):
        return match
    repeated = _as_before(sentence, at, chunks, last) if joined else None
    if repeated and all(_is_bare_number(chunk) for chunk in chunks):
        return repeated
    ruled = _by_form(sentence, at, chunks, last) or repeated
    if not ruled and compared:
        ruled = _by_range(sentence, at, chunks)
    return _by_tagger(sentence, at, chunks, ruled) or ruled


def named_after(sentence: Sentence, at: int, chunks: Sequence[Chunk]) -> FieldMatch | None:
    """Return a field named right after the value: "200 horsepower", "$80 in price", "8 or more votes"."""
    for place in _places_of_name(sentence, at):
        for field, candidate in sentence.fields(place):
            if sentence.all_fit(chunks, field) and not _begins_another_test(sentence, at, chunks, place):
                return FieldMatch(field, place + 1, candidate.confidence, candidate.source)
    return None


def _places_of_name(sentence: Sentence, at: int) -> Sequence[int]:
    """Return where the name of a value's field may be."""
    place = sentence.skip_stopwords(at + 2, 1) if sentence.role(at + 1, "bound") else sentence.skip_stopwords(at + 1, 2)
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


def _by_form(sentence: Sentence, at: int, chunks: Sequence[Chunk], last: Field | None) -> FieldMatch | None:
    """Return the field that holds such values: times of day, amounts in a unit, dates and years."""
    return (
        _by_clock(sentence, at, chunks) or _by_unit(sentence, at, chunks, last) or _by_year(sentence, at, chunks, last)
    )


def _by_tagger(sentence: Sentence, at: int, chunks: Sequence[Chunk], ruled: FieldMatch | None) -> FieldMatch | None:
    """Return the field that the tagger finds for the values; the rules' fields are the others that may be meant.

    If both agree, the higher confidence counts.
    """
    field, share = sentence.likeliest_field(chunks)
    if not field or share < MIN_TAGGER_PROBABILITY:
        return None
    if ruled and ruled.field is field and ruled.confidence >= likelihood(share):
        return ruled
    others = tuple(other for other in (ruled.field, *ruled.others) if other is not field) if ruled else ()
    return FieldMatch(field, at + 1, likelihood(share), "embedding", others, rivals=1 - share)


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
    if _says_old(sentence, at) and (aged := _by_age(sentence, at, chunks)):
        return aged
    fields = [field for field in sentence.lexicon.measured_in(units) if sentence.all_fit(chunks, field)]
    if not fields:
        return _by_age(sentence, at, chunks)
    return _of_unit(sentence, at, chunks, fields, last)


def _of_unit(
    sentence: Sentence, at: int, chunks: Sequence[Chunk], fields: Sequence[Field], last: Field | None
) -> FieldMatch:
    """Choose among the fields with the unit of the values."""
    if len(fields) == 1:
        return FieldMatch(fields[0], at + 1, confidence.ONLY_FIELD_WITH_UNIT, "unit")
    if rate := next((field for field in fields if _is_per(field, chunks, sentence)), None):
        return FieldMatch(rate, at + 1, confidence.FIELD_OF_RATE, "unit")
    if last and last.type in NUMERIC and sentence.all_fit(chunks, last):
        return FieldMatch(last, at + 1, confidence.PREVIOUS_FIELD_WITH_UNIT, "unit")
    first, *others = sorted(fields, key=lambda field: not _reaches(sentence, chunks, field))
    share = max(confidence.MIN_FIELD_WITH_UNIT, 1 / len(fields))
    return FieldMatch(first, at + 1, share, "unit", tuple(others))


def _says_old(sentence: Sentence, at: int) -> bool:
    """Return whether the chunk ends in a word for age: "2 years old"."""
    return sentence.texts[at].lower().rpartition(" ")[2] in sentence.language.dates.old


def _is_per(field: Field, chunks: Sequence[Chunk], sentence: Sentence) -> bool:
    """Return whether the field's words name the period of a rate: "hours a week" is weekly hours."""
    periods = [chunk.quantity.per for chunk in chunks if chunk.quantity and chunk.quantity.per]
    stems = {word for period in periods for word in sentence.language.dates.periods[period]}
    names = " ".join((field.name, field.title, *field.synonyms)).lower().replace("_", " ").split()
    return any(name.startswith(word) for name in names for word in stems)


def _by_age(sentence: Sentence, at: int, chunks: Sequence[Chunk]) -> FieldMatch | None:
    """Read "less than 2 years old" as a test of the only date, if there is one."""
    lexicon = sentence.lexicon
    aged = lexicon.typed("date", "datetime") or _years(lexicon)
    dates = [field for field in aged if sentence.all_fit(chunks, field)]
    return FieldMatch(dates[0], at + 1, confidence.ONLY_DATE_FOR_AGE, "unit") if len(dates) == 1 else None


def _by_year(sentence: Sentence, at: int, chunks: Sequence[Chunk], last: Field | None) -> FieldMatch | None:
    """Return the first date, or the field that holds years, for dates and years."""
    if not all(chunk.period or values.looks_like_year(chunk) for chunk in chunks):
        return None
    fields = [field for field in _dates_or_years(sentence, chunks) if sentence.all_fit(chunks, field)]
    if not fields:
        return None
    if near := _spoken_of(sentence, at, fields):
        return FieldMatch(near, at + 1, confidence.DATE_BY_WORDS_AROUND, "type", _without(fields, near))
    if last in fields:
        return FieldMatch(last, at + 1, confidence.PREVIOUS_DATE, "type")
    share = confidence.ONLY_DATE if len(fields) == 1 else confidence.FIRST_DATE
    return FieldMatch(fields[0], at + 1, share, "type", tuple(fields[1:]))


def _dates_or_years(sentence: Sentence, chunks: Sequence[Chunk]) -> Sequence[Field]:
    """Return the fields that hold dates, or for decades, or without any, those that hold years."""
    dates, years = sentence.lexicon.typed("date", "datetime"), _years(sentence.lexicon)
    decades = all(chunk.period and chunk.period.is_decade for chunk in chunks)
    return years if not dates or (years and decades) else dates


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


def _as_before(sentence: Sentence, at: int, chunks: Sequence[Chunk], last: Field | None) -> FieldMatch | None:
    """Read "over 100 hp and under 200" as two tests of the same field."""
    if not last or last.type not in NUMERIC or not sentence.all_fit(chunks, last):
        return None
    return FieldMatch(last, at + 1, confidence.PREVIOUS_FIELD, "type")


def _by_range(sentence: Sentence, at: int, chunks: Sequence[Chunk]) -> FieldMatch | None:
    """Return the only numeric field, or the only one whose data reach that far."""
    numbers = sentence.lexicon.typed(*_NUMBERS)
    # One of the fields that were not looked at may be meant as well.
    if len(numbers) == MAX_FIELDS:
        return None
    fields = [field for field in numbers if sentence.all_fit(chunks, field)]
    if len(fields) == 1:
        return FieldMatch(fields[0], at + 1, confidence.ONLY_NUMBER, "type")
    in_range = [field for field in fields if _reaches(sentence, chunks, field)]
    return FieldMatch(in_range[0], at + 1, confidence.ONLY_NUMBER_IN_RANGE, "type") if len(in_range) == 1 else None


def _reaches(sentence: Sentence, chunks: Sequence[Chunk], field: Field) -> bool:
    """Return whether the data of the field reach the values."""
    low, high = field.minimum, field.maximum
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return False
    numbers = [sentence.coerce(chunk, field) for chunk in chunks]
    return all(value and isinstance(value.low, int | float) and low <= value.low <= high for value in numbers)
