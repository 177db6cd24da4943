"""Presence: the tests that a field has a value, or that it has none."""

from nlp2filters.core.catalog import Field
from nlp2filters.core.filters import Comparison, IsNull, Leaf, Not
from nlp2filters.core.languages import Language
from nlp2filters.core.linking import absence, yes_no
from nlp2filters.core.parser import values


def is_count(field: Field, language: Language) -> bool:
    """Return whether the field holds counts that may be zero."""
    return absence.is_count(field) and not values.is_year(field, language)


def present(field: Field, language: Language) -> Leaf | Not:
    """Return the test for "with …": the answer is yes, the count is above zero, or there is a value."""
    if answers := yes_no(field, language):
        return Comparison("=", field.name, answers[0])
    return Comparison(">", field.name, 0) if is_count(field, language) else Not(IsNull(field.name))


def absent(field: Field, language: Language) -> Leaf | Not:
    """Return the test for "without …"."""
    if answers := yes_no(field, language):
        return Comparison("=", field.name, answers[1])
    return Comparison("=", field.name, 0) if is_count(field, language) else IsNull(field.name)


def unknown(field: Field, language: Language) -> Leaf | Not:
    """Return the test for "… missing": a count that is always known is zero then."""
    return absent(field, language) if not field.nullable and is_count(field, language) else IsNull(field.name)
