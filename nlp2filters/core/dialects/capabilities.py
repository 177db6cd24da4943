"""Capabilities of an engine: the columns of the table of dialects."""

import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from nlp2filters.core.catalog import ORDERED, FieldType
from nlp2filters.core.dialects.tree import Test
from nlp2filters.core.filters import Anchor
from nlp2filters.core.mapping import Form, ParamStyle, StoredField

WITH_PLACES: frozenset[FieldType] = frozenset(get_args(FieldType))
ALL_TYPES: frozenset[FieldType] = WITH_PLACES - {"geo"}
ANCHORS: frozenset[Anchor] = frozenset(get_args(Anchor))
NOTHING: frozenset[FieldType] = frozenset()

Folding = Literal["unicode", "ascii", "never", "always"]
Effect = Literal["wider", "narrower", "order"]
TestName = Literal["eq", "in", "range", "has"]
TESTS: frozenset[TestName] = frozenset(get_args(TestName))

Place = Literal["nested", "exact"]
PLACES: tuple[Place, ...] = get_args(Place)


@dataclass(frozen=True, slots=True)
class Support:
    """The tests that an engine has for fields of one value, or for lists: of which types, and where text may stand."""

    eq: frozenset[FieldType] = ALL_TYPES
    range: frozenset[FieldType] = ORDERED
    has: frozenset[Anchor] = ANCHORS


NO_SUPPORT = Support(NOTHING, NOTHING, frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """The tests, forms and clauses that a query language has.

    - `scalars`, `lists`: the tests of fields with one value, and with a list.
    - `membership`: one test for many values (`In`); without it, several of one value are joined. `max_values` are the
      most that it takes.
    - `folding`: the letters that equality in upper or lower case folds. "never": equality is exact only, "always":
      it is never exact.
    - `list_folding`: the same for the elements of lists, if it differs.
    - `has_folding`: the letters that a search within a text folds; "never": upper and lower case differ.
    - `has_exact`: a search within a text can be told that upper and lower case differ, too.
    - `negated`: the tests that a negation may stand before.
    - `selects_missing`: the fields of which a negated test also selects rows without a value. "never": logic has three
      values. "either": it depends on the test or on the version, so that both answers are spelled out.
    - `null_test`: it can be tested that a field has no value. Without it, a mapping may name one that stands for
      none.
    - `exists_test`: the types of fields of which it can be tested that they have a value.
    - `nesting`: "full"; "clauses": an AND of ORs; "conjunction": AND only.
    - `clause_kind`: a property that all tests within one OR must have in common.
    - `refuses`: a function that says why a test cannot be written after all, because of its value or of how the field
      is stored.
    - `approximates`: a function that yields why a test selects other rows than it should, with the effect that this has
      unless the test is negated.
    - `names`: the names of fields that can be written; all, if None.
    - `sort`, `limit`, `text`: an order, a number of rows, and a search for the words that no condition took.
    - `nulls_last`: rows without a value come last, whatever the direction.
    - `max_sort_keys`: the most fields that it sorts by.
    - `max_limit`: the most rows that it returns at once.
    - `forms`: the forms in which values may be stored, besides "native".
    - `places`: what a mapping may name besides the property itself.
    - `paramstyles`: the notations of parameters, the usual one first; none if values stand in the query itself.
    """

    scalars: Support = Support()
    lists: Support = Support()
    membership: bool = True
    max_values: int | None = None
    folding: Folding = "unicode"
    list_folding: Folding | None = None
    has_folding: Literal["unicode", "ascii", "never"] = "unicode"
    has_exact: bool = False
    negated: frozenset[TestName] = TESTS
    selects_missing: Literal["never", "lists", "always", "either"] = "never"
    null_test: bool = True
    exists_test: frozenset[FieldType] = WITH_PLACES
    nesting: Literal["full", "clauses", "conjunction"] = "full"
    clause_kind: Callable[[Test], Hashable] | None = None
    refuses: Callable[[Test, StoredField], str | None] | None = None
    approximates: Callable[[Test, StoredField], Iterable[tuple[str, Effect]]] | None = None
    names: re.Pattern[str] | None = None
    sort: bool = True
    nulls_last: bool = True
    limit: bool = True
    max_sort_keys: int | None = None
    max_limit: int | None = None
    text: bool = False
    forms: frozenset[Form] = frozenset()
    places: frozenset[Place] = frozenset()
    paramstyles: tuple[ParamStyle, ...] = ()

    def support(self, *, many: bool) -> Support:
        """Return the tests for fields with lists, or with one value."""
        return self.lists if many else self.scalars

    def folds(self, *, many: bool) -> Folding:
        """Return the letters that equality folds, in the elements of lists or in fields with one value."""
        return (self.list_folding if many else None) or self.folding

    def can_name(self, name: str) -> bool:
        """Return whether a field of that name can be written."""
        return self.names is None or self.names.fullmatch(name) is not None
