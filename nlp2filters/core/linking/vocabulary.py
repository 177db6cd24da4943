"""The vocabulary of a catalog: every phrase that means something in it.

`entries` are looked up by their words, `embeddable` names are compared by meaning as well.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from typing import TypeAlias

from nlp2filters.core import field_words, measures
from nlp2filters.core.catalog import NUMERIC, STRINGS, TEMPORAL, Catalog, Field
from nlp2filters.core.interpretation import Source
from nlp2filters.core.languages import Language
from nlp2filters.core.linking.targets import AdjectiveTarget, FieldTarget, NounTarget, Target, ValueTarget
from nlp2filters.core.words import spaced

# Shorter words are neither distinctive nor corrected: they resemble too many others.
MIN_DISTINCTIVE_LENGTH = 4
# At most this many names of a catalog are embedded.
MAX_NAMES = 20_000

Entry: TypeAlias = tuple[str, Target, Source]


def entries(catalog: Catalog, language: Language) -> Iterator[Entry]:
    """Yield each phrase with its meaning, the surest first: an index keeps the first source of a meaning."""
    for noun in nouns(catalog):
        yield noun, NounTarget(), "synonym"
    records = {token.stem for noun in nouns(catalog) for token in language.tokenize(noun)}
    for field in catalog.fields:
        yield from _names_of_field(field, language, records)
        yield from _names_of_values(field)
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
        if (short := field_words.short_name(name, language)) and not field_words.is_count(name, language):
            # "Orders over 500" are not those with such an order number.
            if {token.stem for token in language.tokenize(short)} <= records and measures.is_identifier(
                field, language
            ):
                continue
            yield short, target, "synonym"
    if field.type == "boolean":
        yield from _negated_names(field, language)
    if field.unit and not language.knows_unit(field.unit):
        yield field.unit, target, "synonym"
    for synonym in field.synonyms:
        yield synonym, target, "synonym"


def _negated_names(field: Field, language: Language) -> Iterator[Entry]:
    """Yield "unfurnished" for the boolean field "furnished"."""
    for prefix in language.fields.negating:
        for name in dict.fromkeys((*field_words.plain_names(field.name), field.title, *field.synonyms)):
            yield prefix + name, FieldTarget(field, negated=True), "synonym"


def _names_of_values(field: Field) -> Iterator[Entry]:
    for value in field.values:
        target = ValueTarget(field, value.value)
        yield value.value, target, "exact"
        for synonym in value.synonyms:
            yield synonym, target, "synonym"


def _counted_things(field: Field, language: Language) -> Iterator[Entry]:
    """Yield "reviews" for "review count"."""
    for name in field_words.plain_names(field.name):
        if (short := field_words.short_name(name, language)) and field_words.is_count(name, language):
            yield short + language.plural_endings[0], FieldTarget(field), "synonym"


def _distinctive_words(catalog: Catalog, language: Language) -> Iterator[Entry]:
    """Yield words that occur in the name of one field only, and mean nothing else: "published" of "date published"."""
    owners: dict[str, set[str]] = defaultdict(set)
    words: dict[str, tuple[str, Field]] = {}
    for field in catalog.fields:
        for token in language.tokenize(field_words.spelled_out(field)):
            if token.kind == "word" and len(token.norm) >= MIN_DISTINCTIVE_LENGTH:
                owners[token.stem].add(field.name)
                words[token.stem] = (token.norm, field)
    # The word "flights" means the records, not the flight time.
    for noun in nouns(catalog):
        for token in language.tokenize(noun):
            owners.pop(token.stem, None)
    for stem, names in owners.items():
        word, field = words[stem]
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
    for field, high, adjective in (*own, *general):
        for degree, form in language.forms(adjective):
            yield form, AdjectiveTarget(field, high, degree), "synonym"


def _own_adjectives(field: Field) -> Iterator[tuple[Field, bool, str]]:
    for high, adjectives in ((False, field.adjectives.low), (True, field.adjectives.high)):
        for adjective in adjectives:
            yield field, high, adjective


def _general_adjectives(catalog: Catalog, language: Language) -> Iterator[tuple[Field, bool, str]]:
    """Yield the adjectives of each type and dimension that only one field has."""
    for kind, ends in language.adjectives.items():
        fields = [field for field in catalog.fields if kind in (field.type, language.dimension(field.unit))]
        if kind == "money" and not fields:
            # Nobody says in which currency the prices are, but the cheapest are those with the lowest.
            fields = [field for field in catalog.fields if measures.PRICE in measures.of_field(field, language)]
        if len(fields) > 1 and kind in TEMPORAL:
            fields = [field for field in fields if _is_creation_date(field, language)]
        if len(fields) == 1:
            for high, adjectives in ((False, ends.low), (True, ends.high)):
                for adjective in adjectives:
                    yield fields[0], high, adjective


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
