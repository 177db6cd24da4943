"""The vocabulary of absence: words that say that something is not so, or not there, or just that it is.

"Unassigned" is about the assignee, "sold out" about the stock, and "pork" is the opposite of a field "no pork".
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TypeAlias

from nlp2filters.core import field_words
from nlp2filters.core.catalog import Catalog, Field
from nlp2filters.core.filters import Scalar
from nlp2filters.core.interpretation import Source
from nlp2filters.core.languages import Language
from nlp2filters.core.linking.targets import FieldTarget, OppositeTarget, Target
from nlp2filters.core.words import fold

# Of fields with more values, no opposites are formed.
MAX_VALUES = 100
# The stem of a participle, and the part of a name that something excludes, have at least this many letters.
MIN_STEM, MIN_PART = 3, 3

Entry: TypeAlias = tuple[str, Target, Source]


@lru_cache(maxsize=16_384)
def yes_no(field: Field, language: Language) -> tuple[Scalar, Scalar] | None:
    """Return the values that mean yes and no: of a boolean, of whole numbers from 0 to 1, and of two such words."""
    if field.type == "boolean":
        return True, False
    if field.type == "integer" and not field.unit:
        return (1, 0) if (field.minimum, field.maximum) == (0, 1) else None
    if field.type != "keyword" or not field.closed or field.many or len(field.values) != 2:
        return None
    words, values = language.fields, [value.value for value in field.values]
    yes = [value for value in values if fold(value) in words.affirmative]
    no = [value for value in values if fold(value) in words.negative]
    return (yes[0], no[0]) if len(yes) == len(no) == 1 else None


def is_count(field: Field) -> bool:
    """Return whether the field holds counts that may be zero, or years."""
    least = field.minimum
    may_be_zero = least is None or (isinstance(least, int) and least <= 0)
    return field.type == "integer" and not field.unit and may_be_zero


def entries(catalog: Catalog, language: Language) -> Iterator[Entry]:
    """Yield the phrases with their meanings."""
    for field in catalog.fields:
        if yes_no(field, language):
            plural = field.name.endswith(language.plural_endings)
            for part in (*excluded_parts(field, language), *(_with_endings(field.name, language) if plural else ())):
                yield part, FieldTarget(field, negated=True), "synonym"
        elif field.nullable or is_count(field):
            yield from _participles(field, language)
        if field.type == "keyword" and len(field.values) <= MAX_VALUES:
            yield from _opposites_of_values(field, language)
    yield from _states(catalog, language)


def excluded_parts(field: Field, language: Language) -> Iterator[str]:
    """Yield what the names of a field that is true or not exclude: "pork" of "no pork"."""
    if not yes_no(field, language):
        return
    for name in dict.fromkeys((*field_words.exact_names(field), *field_words.plain_names(field.name), *field.synonyms)):
        yield from _excluded_part(name, language)


def _excluded_part(name: str, language: Language) -> Iterator[str]:
    first, *rest = fold(name).replace("-", " ").split() or [""]
    if rest and first in language.fields.privative_before:
        yield " ".join(rest)
    elif rest and rest[-1] in language.fields.privative_after:
        yield " ".join((first, *rest[:-1]))
    elif not rest:
        for ending in language.fields.privative_endings:
            part = first.removesuffix(ending)
            if part != first and len(part) >= MIN_PART and language.compounds.linking:
                yield part


def _with_endings(name: str, language: Language) -> Iterator[str]:
    """Yield "thornless" for "thorns"."""
    if name.isalpha() and len(name) >= MIN_PART:
        singular = next((name.removesuffix(end) for end in language.plural_endings if name.endswith(end)), name)
        yield from (singular + ending for ending in language.fields.privative_endings)


def _opposites_of_values(field: Field, language: Language) -> Iterator[Entry]:
    """Yield "alcohol" for the value "alcohol-free", and "sugarless" for one of many values, "sugar"."""
    for value in field.values:
        target = OppositeTarget(field, value.value)
        for name in (value.value, *value.synonyms):
            for part in (*_excluded_part(name, language), *(_with_endings(name, language) if field.many else ())):
                yield part, target, "synonym"


def _participles(field: Field, language: Language) -> Iterator[Entry]:
    """Yield "unassigned" and "assigned" for "assignee", "unrated" for "rating", "unresolved" for "resolved at"."""
    spoken = (*field_words.plain_names(field.name), field_words.spoken_title(field), *field.synonyms)
    for name in dict.fromkeys(fold(name) for name in spoken):
        short = field_words.short_name(name, language) or name
        for form in dict.fromkeys(_forms(short.split(), language)):
            for prefix in language.fields.negating[:1]:
                yield prefix + form, FieldTarget(field, negated=True, stated=True), "synonym"
            if short.endswith(language.fields.patients):
                yield form, FieldTarget(field, stated=True), "synonym"


def _forms(parts: Sequence[str], language: Language) -> Iterator[str]:
    """Yield the participles for the words of a name."""
    words = language.fields
    participles = [part for part in parts if part.endswith(words.participles)]
    yield from participles
    if participles or len(parts) != 1:
        return
    noun = parts[0]
    endings = (ending for ending in (*words.patients, *words.actions) if noun.endswith(ending))
    # The "ment" of "comment" is no ending.
    ending = next((ending for ending in endings if len(noun) - len(ending) >= max(MIN_STEM, len(ending))), "")
    stem = noun.removesuffix(ending)
    for participle in words.participles:
        yield from language.with_ending(stem, participle)


def _states(catalog: Catalog, language: Language) -> Iterator[Entry]:
    """Yield "sold out" for the stock, if only one field holds it."""
    fields = [(field, field_words.stems_of_names(field, language)) for field in catalog.fields]
    for states in language.fields.states.values():
        stems = {token.stem for name in states.fields for token in language.tokenize(name)}
        owners = [field for field, names in fields if not names.isdisjoint(stems)]
        for negated, phrases in ((False, states.present), (True, states.absent)) if len(owners) == 1 else ():
            for phrase in phrases:
                yield phrase, FieldTarget(owners[0], negated=negated, stated=True), "synonym"
