"""The vocabulary of a catalog: every phrase that means something in it.

`entries` are looked up by their words, `embeddable` names are compared by meaning as well.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import TypeAlias

from nlp2filters.core import field_words, measures
from nlp2filters.core.catalog import NUMERIC, STRINGS, TEMPORAL, Catalog, Field
from nlp2filters.core.interpretation import Source
from nlp2filters.core.languages import Language
from nlp2filters.core.languages.tables import Ends, Measure
from nlp2filters.core.linking import absence
from nlp2filters.core.linking.targets import AdjectiveTarget, FieldTarget, NounTarget, Target, ValueTarget
from nlp2filters.core.words import fold, spaced

# Shorter words are neither distinctive nor corrected: they resemble too many others.
MIN_DISTINCTIVE_LENGTH = 4
# In the name of a date they are: "due".
MIN_DISTINCTIVE_IN_DATE = 3
# Longer values are not taken apart, nor are the parts of shorter words: "n/a".
MAX_NAME_LENGTH, MIN_PART_LENGTH = 80, 3
# At most this many names of a catalog are embedded.
MAX_NAMES = 20_000

Entry: TypeAlias = tuple[str, Target, Source]
# A field, true for its high end, and an adjective for that end.
End: TypeAlias = tuple[Field, bool, str]


def entries(catalog: Catalog, language: Language) -> Iterator[Entry]:
    """Yield each phrase with its meaning, the surest first: an index keeps the first source of a meaning."""
    for noun in nouns(catalog):
        yield noun, NounTarget(), "synonym"
    records = {token.stem for noun in nouns(catalog) for token in language.tokenize(noun)}
    for field in catalog.fields:
        yield from _names_of_field(field, language, records)
        yield from _names_of_values(field)
    yield from absence.entries(catalog, language)
    # "rated" means the rating before it means the number of ratings.
    for field in catalog.fields:
        yield from _counted_things(field, language)
    yield from _distinctive_words(catalog, language)
    yield from _synonyms_of_counts(catalog, language)
    yield from _adjectives(catalog, language)


def nouns(catalog: Catalog) -> Iterator[str]:
    """Yield the words for the records: the catalog's own, or else the last word of its title, if that is a word."""
    if catalog.nouns:
        yield from catalog.nouns
        return
    last = spaced(catalog.title or catalog.name).replace("/", " ").split()[-1:]
    if last and len(last[0]) > 2 and last[0].isalpha():
        yield last[0]


def _names_of_field(field: Field, language: Language, records: Set[str]) -> Iterator[Entry]:
    target = FieldTarget(field)
    for name in field_words.exact_names(field):
        yield name, target, "exact"
    for name in dict.fromkeys((*field_words.plain_names(field.name), *field_words.plain_names(field.title))):
        yield name, target, "synonym"
        if without_unit := measures.without_unit(name, field, language):
            yield without_unit, target, "synonym"
        if (short := field_words.short_name(name, language)) and not field_words.is_count(name, language):
            # "Orders over 500" are not those with such an order number.
            if {token.stem for token in language.tokenize(short)} <= records and measures.is_identifier(
                field, language
            ):
                continue
            yield short, target, "synonym"
    if absence.yes_no(field, language):
        yield from _negated_names(field, language)
    if field.unit and not language.knows_unit(field.unit):
        yield field.unit, target, "synonym"
    for synonym in field.synonyms:
        yield synonym, target, "synonym"


def _negated_names(field: Field, language: Language) -> Iterator[Entry]:
    """Yield "unfurnished" for the field "furnished", which is true or not."""
    for prefix in language.fields.negating:
        for name in dict.fromkeys((*field_words.plain_names(field.name), field.title, *field.synonyms)):
            yield prefix + name, FieldTarget(field, negated=True), "synonym"


def _names_of_values(field: Field) -> Iterator[Entry]:
    for value in field.values:
        target = ValueTarget(field, value.value)
        yield value.value, target, "exact"
        for synonym in value.synonyms:
            yield synonym, target, "synonym"


def other_names(catalog: Catalog, language: Language) -> Iterator[Entry]:
    """Yield other names of values, fields and records, which count where they mean nothing else in the catalog."""
    yield from _other_nouns(catalog, language)
    yield from _measured_things(catalog, language)
    for field in catalog.fields:
        for value in field.values if field.type in STRINGS else ():
            target = ValueTarget(field, value.value)
            for name in (value.value, *value.synonyms):
                for other in dict.fromkeys(_other_names(name, language)):
                    yield other, target, "synonym"


def _other_nouns(catalog: Catalog, language: Language) -> Iterator[Entry]:
    """Yield what people call the records as well: "jobs" among openings."""
    own = {token.stem for noun in nouns(catalog) for token in language.tokenize(noun)}
    for group in language.fields.records:
        if not own.isdisjoint(language.tokenize(noun)[0].stem for noun in group):
            yield from ((noun, NounTarget(), "synonym") for noun in group)


def _measured_things(catalog: Catalog, language: Language) -> Iterator[Entry]:
    """Yield what a number without a unit counts, if only one field measures it: "stars" for the rating."""
    measured = [(field, measures.of_field(field, language)) for field in catalog.fields]
    for name, measure in language.measures.items():
        fields = [field for field, names in measured if name in names]
        if len(fields) == 1 and not measure.units:
            plurals = (noun for noun in measure.fields if noun.endswith(language.plural_endings))
            yield from ((noun, FieldTarget(fields[0]), "fuzzy") for noun in plurals)


def _other_names(name: str, language: Language) -> Iterator[str]:
    """Yield what people say for a value: "crime" and "mystery" for "Crime/Mystery", "1st class" for "First Class"."""
    plain = fold(name)
    if len(plain) > MAX_NAME_LENGTH:
        return
    if without_aside := field_words.without_aside(plain):
        yield without_aside
    yield from _alternatives(plain)
    for mark, word in language.value_names.marks.items():
        if mark in plain:
            yield plain.replace(mark, f" {word} ")
    words = plain.split()
    for at, word in enumerate(words):
        for other in _other_words(word, language):
            yield " ".join((*words[:at], other, *words[at + 1 :]))
    yield from (other for group in language.value_names.groups if plain in group for other in group if other != plain)


def _alternatives(name: str) -> Iterator[str]:
    """Yield both parts of a name with a slash, which stands between words: "entire home", "entire apt"."""
    if "/" not in name:
        return
    parts = [part.strip() for part in name.split("/")]
    first, _, _ = parts[0].rpartition(" ")
    if all(len(part) >= MIN_PART_LENGTH for part in parts):
        yield from parts
        yield from (f"{first} {part}" for part in parts[1:] if first)


def _other_words(word: str, language: Language) -> Iterator[str]:
    """Yield other ways of writing a word of a name: "square" for "sq", "1st" for "first"."""
    if long := language.value_names.abbreviations.get(word.rstrip(".")):
        yield long
    if number := language.numbers.ordinals.get(word):
        yield from (f"{number}{suffix}" for suffix in language.dates.ordinal_suffix)


def _counted_things(field: Field, language: Language) -> Iterator[Entry]:
    """Yield "reviews" for "review count"."""
    for name in field_words.plain_names(field.name):
        if (short := field_words.short_name(name, language)) and field_words.is_count(name, language):
            yield short + language.plural_endings[0], FieldTarget(field), "synonym"


def _distinctive_words(catalog: Catalog, language: Language) -> Iterator[Entry]:
    """Yield words that occur in the name of one field only, and mean nothing else: "published" of "date published"."""
    owners: dict[str, set[str]] = defaultdict(set)
    words: dict[str, tuple[str, Field]] = {}
    # The word "pork" says the opposite of a field "no pork".
    for field in (field for field in catalog.fields if not any(absence.excluded_parts(field, language))):
        for token in language.tokenize(field_words.spelled_out(field)):
            least = MIN_DISTINCTIVE_IN_DATE if field.type in TEMPORAL else MIN_DISTINCTIVE_LENGTH
            if token.kind == "word" and len(token.norm) >= least:
                owners[token.stem].add(field.name)
                words[token.stem] = (token.norm, field)
    # The word "flights" means the records, not the flight time; but "listed" is no listing.
    for noun in nouns(catalog):
        for token in language.tokenize(noun):
            if not words.get(token.stem, ("",))[0].endswith(language.fields.participles or ("\0",)):
                owners.pop(token.stem, None)
    for key, names in owners.items():
        word, field = words[key]
        if len(names) == 1 and (word,) not in language.phrase_roles and word not in language.fields.vague:
            yield word, FieldTarget(field), "fuzzy"


def _synonyms_of_counts(catalog: Catalog, language: Language) -> Iterator[Entry]:
    """Yield other words for what a number counts: "people" for "number of guests", if only one field counts them."""
    numbers: dict[str, list[Field]] = defaultdict(list)
    for field in catalog.fields:
        if field.type in NUMERIC:
            for token in language.tokenize(field_words.spelled_out(field)):
                numbers[token.stem].append(field)
    for group in language.fields.counts.values():
        stems = {language.tokenize(noun)[0].stem for noun in group.fields}
        owners = list(dict.fromkeys(field for stem in stems for field in numbers.get(stem, ())))
        if len(owners) == 1:
            for word in group.words:
                yield word, FieldTarget(owners[0]), "fuzzy"


def _adjectives(catalog: Catalog, language: Language) -> Iterator[Entry]:
    """Yield the catalog's own adjectives, and the language's that can mean one field only, in each degree."""
    own = [pair for field in catalog.fields for pair in _own_adjectives(field)]
    adjectives = {adjective for _, _, adjective in own}
    general = [entry for entry in _general_adjectives(catalog, language) if entry[2] not in adjectives]
    dates = list(_adjectives_of_main_date(catalog, language))
    # The oldest people are those of the greatest age, but the newest are those who came last.
    old = [entry for entry in _adjectives_by_name(catalog, language, {measures.AGE}) if entry[1]]
    yield from _in_degrees(own, language)
    yield from _in_superlative([entry for entry in old if entry[2] not in adjectives], language)
    yield from _in_degrees(general, language)
    forms = {form for _, _, adjective in (*own, *general) for _, form in language.forms(adjective)}
    newest = [entry for entry in dates if entry[1]]
    yield from _in_superlative((*newest, *_adjectives_by_name(catalog, language), *dates), language, forms)


def _in_degrees(ends: Iterable[End], language: Language) -> Iterator[Entry]:
    for field, high, adjective in ends:
        for degree, form in language.forms(adjective):
            yield form, AdjectiveTarget(field, high, degree), "synonym"


def _in_superlative(ends: Iterable[End], language: Language, without: Set[str] = frozenset()) -> Iterator[Entry]:
    """Yield superlatives alone: other forms often describe something else, such as "light" and "hard"."""
    for field, high, adjective in ends:
        for form, is_most in _superlatives(adjective, language):
            if form not in without:
                yield form, AdjectiveTarget(field, high == is_most, "superlative"), "fuzzy"


def _superlatives(adjective: str, language: Language) -> Iterator[tuple[str, bool]]:
    """Yield "newest" and "most new", which are true of what has most of it, and "least new"."""
    for degree, form in language.forms(adjective):
        if degree == "superlative":
            yield form, True
        elif degree == "base":
            yield from ((f"{most} {form}", True) for most in language.degrees.most)
            yield from ((f"{least} {form}", False) for least in language.degrees.least)


def _own_adjectives(field: Field) -> Iterator[End]:
    for high, adjectives in ((False, field.adjectives.low), (True, field.adjectives.high)):
        for adjective in adjectives:
            yield field, high, adjective


def _general_adjectives(catalog: Catalog, language: Language) -> Iterator[End]:
    """Yield the adjectives of each type and dimension that only one field has."""
    by_kind: dict[str | None, list[Field]] = defaultdict(list)
    for field in catalog.fields:
        for kind in {field.type, language.dimension(field.unit)}:
            by_kind[kind].append(field)
    for kind, ends in language.adjectives.items():
        fields = [*by_kind["date"], *by_kind["datetime"]] if kind in ("date", "datetime") else by_kind[kind]
        if kind == "money" and not fields:
            # Nobody says in which currency the prices are, but the cheapest are those with the lowest.
            fields = _named_most_plainly(measures.PRICE, catalog, language)
        if len(fields) > 1 and kind in TEMPORAL:
            fields = [field for field in fields if _is_creation_date(field, language)]
        if len(fields) == 1:
            yield from _both_ends(fields[0], ends)


def _named_most_plainly(measure: str, catalog: Catalog, language: Language) -> list[Field]:
    """Return the fields that measure something; only those called just that, if there are: a "price" beside a fee."""
    fields = [field for field in catalog.fields if measure in measures.of_field(field, language)]
    plain = [field for field in fields if field.name.lower() == measure]
    return plain or fields


def _adjectives_by_name(catalog: Catalog, language: Language, only: Set[str] | None = None) -> Iterator[End]:
    """Yield the adjectives of what only one field measures, by its name: "old" for "age"."""
    fields = [(field, measures.of_field(field, language)) for field in catalog.fields]
    for name, measure in language.measures.items():
        if only and name not in only:
            continue
        measuring = [field for field, names in fields if name in names]
        lasting = [] if measuring or name != measures.SPEED else [f for f, _ in fields if measures.lasts(f, language)]
        if len(measuring) == 1:
            yield from _both_ends(measuring[0], measure)
        elif len(lasting) == 1:
            # What is slower takes more time.
            yield from ((field, not high, word) for field, high, word in _both_ends(lasting[0], measure))


def _adjectives_of_main_date(catalog: Catalog, language: Language) -> Iterator[End]:
    """Yield "new" and "old" for the date that most likely says when a record came about."""
    if date := main_date(catalog, language):
        yield from _both_ends(date, language.adjectives["date"])


def main_date(catalog: Catalog, language: Language) -> Field | None:
    """Return the date that most likely says when a record came about.

    It is the only one, that of its creation, the one that is called like the records ("order date" among orders), or
    the first. Without dates it is the year.
    """
    dates = [field for field in catalog.fields if field.type in ("date", "datetime")]
    if not dates:
        years = [field for field in catalog.fields if _is_year(field, language)]
        return years[0] if len(years) == 1 else None
    records = frozenset[str]().union(*(field_words.stems(spaced(noun), language) for noun in nouns(catalog)))
    for fields in (
        [field for field in dates if _is_creation_date(field, language)],
        [field for field in dates if not records.isdisjoint(field_words.stems_of_names(field, language))],
    ):
        if len(fields) == 1:
            return fields[0]
    return dates[0]


def _both_ends(field: Field, ends: Ends | Measure) -> Iterator[End]:
    for high, adjectives in ((False, ends.low), (True, ends.high)):
        for adjective in adjectives:
            yield field, high, adjective


def _is_year(field: Field, language: Language) -> bool:
    return field.type == "integer" and not field_words.words(field).isdisjoint(language.dates.periods["year"])


def _is_creation_date(field: Field, language: Language) -> bool:
    """Return whether a date says when the record was created: "the latest jobs" are those posted last."""
    return not field_words.words(field).isdisjoint(language.dates.fresh)


def embeddable(catalog: Catalog) -> Mapping[str, tuple[Target, ...]]:
    """Return the phrases of a catalog worth embedding, with their meanings: fields first, up to `MAX_NAMES`."""
    meanings: dict[str, list[Target]] = {}
    for name, target in names(catalog):
        if name in meanings or len(meanings) < MAX_NAMES:
            meanings.setdefault(name, []).append(target)
    return {name: tuple(targets) for name, targets in meanings.items()}


def names(catalog: Catalog) -> Iterator[tuple[str, Target]]:
    """Yield the names and synonyms of fields, then those of values."""
    for field in catalog.fields:
        for name in (field.title, *field.synonyms):
            yield name, FieldTarget(field)
    for field in catalog.fields:
        for value in field.values if field.type in STRINGS else ():
            for name in (value.value, *value.synonyms):
                yield name, ValueTarget(field, value.value)
