"""A scope with 10,000 permitted values is compiled in the form that an engine takes for so many, or is refused."""

import re

import pytest

from nlp2filters.core.catalog import Catalog
from nlp2filters.core.dialects import DIALECTS, check_scope
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.filters import Filter, Not, OneOf
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.errors import InvalidFilter

IDS = OneOf("brand", tuple(f"id {number}" for number in range(10_000)), exact=True)
# Some engines always ignore case, which would make a scope of texts wider.
NUMBERS = OneOf("doors", tuple(range(10_000)))
TERMS = re.compile(r"""\{!terms f=(\w+) separator='(.)' v='((?:[^'\\]|\\.)*)'\}""", re.DOTALL)


def solr(node: Filter, shop: Catalog) -> list[str]:
    compiled = compile_dialect("solr", Interpretation(filter=node), shop)
    assert not compiled["lossy"]
    queries: list[str] = compiled["fq"]
    return queries


def terms(query: str) -> list[str]:
    """The values that Solr reads in a query of its parser `terms`."""
    match = TERMS.fullmatch(query)
    assert match
    return re.sub(r"\\(.)", r"\1", match[3], flags=re.DOTALL).split(match[2])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_engine_takes_them_or_refuses_the_scope(shop: Catalog, dialect: str) -> None:
    if dialect == "kibana":
        with pytest.raises(InvalidFilter, match="1,024 values"):
            check_scope(NUMBERS, shop, (dialect,))
    else:
        check_scope(NUMBERS, shop, (dialect,))


def test_solr_reads_them_by_its_parser_of_terms(shop: Catalog) -> None:
    (query,) = solr(IDS, shop)
    assert terms(query) == list(IDS.values)


def test_solr_has_a_separator_that_is_in_no_value(shop: Catalog) -> None:
    values = ("a,b", "it's", "back\\slash", "-.", "}", *(str(IDS.values[index]) for index in range(1_020)))
    (query,) = solr(OneOf("brand", values, exact=True), shop)
    assert terms(query) == list(values)


def test_solr_has_them_beside_others_and_negated(shop: Catalog) -> None:
    exists, opposite = solr(Not(IDS), shop)
    assert exists == "brand:[* TO *]"
    assert opposite.startswith("(*:* -{!terms f=brand ")


def test_numbers_have_both_zeros_and_no_quotes(shop: Catalog) -> None:
    (query,) = solr(OneOf("price", tuple(float(number) for number in range(-600, 600))), shop)
    assert terms(query) == [*map(str, range(-600, 600)), "-0.0"]


@pytest.mark.parametrize("dialect", ["solr", "elasticsearch", "opensearch"])
def test_lucene_takes_fewer_in_upper_or_lower_case(shop: Catalog, dialect: str) -> None:
    with pytest.raises(InvalidFilter, match="1,024 values in upper or lower case"):
        check_scope(OneOf("brand", IDS.values), shop, (dialect,))
