"""Measures: what a field measures, by the words of its name, where the catalog does not say.

"nightly_price" is an amount of money in some currency, "body_mass" can be compared by "heavier", and the numbers in
"customer_id" are not asked for by amounts at all.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from nlp2filters.core import field_words, units
from nlp2filters.core.catalog import NUMERIC, Field
from nlp2filters.core.languages import Language, is_currency
from nlp2filters.core.words import fold, stem

MONEY = "money"
# The measure of what is cheap or expensive.
PRICE = "price"
# The measure whose opposite is time: what is faster takes less of it.
SPEED = "speed"
# The measure that is compared by "older", as dates and years are the other way round.
AGE = "age"
# The names of so many fields are kept with what they measure.
NAMES = 16_384


def of_field(field: Field, language: Language) -> frozenset[str]:
    """Return the names of the measures in the language's table that the field's name speaks of."""
    return _of_name(field_words.spelled_out(field), language) if field.type in NUMERIC else frozenset()


@lru_cache(maxsize=NAMES)
def _of_name(name: str, language: Language) -> frozenset[str]:
    words = [fold(word) for word in name.split()]
    stems = {stem(word, language.stemmer) for word in words}
    return frozenset(
        key
        for key, measure in language.measures.items()
        if any(
            stem(noun, language.stemmer) in stems or _ends_compound(noun, words, language) for noun in measure.fields
        )
    )


def _ends_compound(noun: str, words: Sequence[str], language: Language) -> bool:
    """Return whether one of the words is a compound that ends in the noun: "Kaufpreis" is a price."""
    return bool(language.compounds.linking) and any(word.endswith(noun) for word in words)


def is_money(field: Field, language: Language) -> bool:
    """Return whether the field holds amounts of money, if only by its name: in no currency that is known."""
    if field.type == "money":
        return True
    if field.unit or field.type not in ("integer", "number"):
        return False
    return any(MONEY in language.measures[key].units for key in of_field(field, language))


def unit_in_name(field: Field, language: Language) -> str | None:
    """Return the unit that the name of a field without one ends or begins with: "body_mass_g", "Acres"."""
    if field.unit or field.currency or field.type not in ("integer", "number"):
        return None
    return _unit_in_name(field_words.spelled_out(field), language)


@lru_cache(maxsize=NAMES)
def _unit_in_name(name: str, language: Language) -> str | None:
    words = [word.strip("()") for word in fold(name).split()]
    if not any(len(word) > 1 and word.isalpha() for word in words):
        return None
    for word in (*words[-1:], *(word for word in words[:1] if len(word) > 2)):
        # "work year" is a year and "check in" no length, but "vacation days" are days.
        if word in language.numbers.ambiguous_units or language.unit_of_time(word) == word:
            continue
        if (unit := language.canonical(word)) != word or word in language.units:
            return unit
    return None


def without_unit(name: str, field: Field, language: Language) -> str | None:
    """Return the name of a field without the unit that it ends with: "ram" for "ram_gb"."""
    words = name.split()
    unit = unit_in_name(field, language) if len(words) > 1 else None
    return " ".join(words[:-1]) if unit and language.canonical(fold(words[-1].strip("()"))) == unit else None


def lasts(field: Field, language: Language) -> bool:
    """Return whether the field holds durations."""
    return field.type == "duration" or language.dimension(field.unit or unit_in_name(field, language)) == "[time]"


def lacks_unit(field: Field, names: Sequence[str], language: Language) -> bool:
    """Return whether amounts in one of the units are meant for the field by its name, though it has no unit."""
    if field.unit or field.currency or field.type not in ("integer", "number"):
        return False
    keys = set(map(_key, names))
    if unit := unit_in_name(field, language):
        return _key(unit) in keys
    return any(not keys.isdisjoint(_usual_units(usual)) for usual in _measures(field, language))


def in_usual_unit(value: int | float, names: Sequence[str], field: Field, language: Language) -> int | float | None:
    """Convert an amount to the unit in which most people give what the field measures; None without such a unit."""
    usual = [unit for units_ in _measures(field, language) for unit in units_]
    converted = (units.convert(value, name, unit) for unit in usual for name in names if unit != MONEY)
    return next((number for number in converted if number is not None), None)


def _measures(field: Field, language: Language) -> Iterator[tuple[str, ...]]:
    for key in of_field(field, language):
        yield language.measures[key].units


@lru_cache(maxsize=256)
def _usual_units(names: tuple[str, ...]) -> frozenset[object]:
    return frozenset(name if name == MONEY else _key(name) for name in names)


def _key(unit: str) -> object:
    """Return what all units of the dimension share, and all currencies."""
    return MONEY if is_currency(unit) else units.measure(unit) or unit


def is_identifier(field: Field, language: Language) -> bool:
    """Return whether a number only identifies its record: "customer_id"; nobody compares such numbers."""
    return field.type == "integer" and not field.unit and _names_identifier(field_words.spelled_out(field), language)


@lru_cache(maxsize=NAMES)
def _names_identifier(name: str, language: Language) -> bool:
    return fold(name.split()[-1]) in language.fields.identifiers if name.split() else False
