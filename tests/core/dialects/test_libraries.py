"""Expressions of Python libraries: their text, and the real ones."""

import datetime as dt
from typing import Any

import pandas as pd
import polars as pl
import pytest
from django.db.models import Q

from nlp2filters.core.catalog import Catalog
from nlp2filters.core.dialects import Options
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.dialects.libraries import django, pandas, polars
from nlp2filters.core.dialects.libraries.python_source import source_of, variable
from nlp2filters.core.filters import And, Between, Comparison, Contains, Filter, IsNull, Not, OneOf, Or
from nlp2filters.core.interpretation import Interpretation, Sort
from nlp2filters.core.mapping import EngineMapping, StoredField
from nlp2filters.errors import InvalidFilter

BOSE = Comparison("=", "brand", "Bose")
NOT_USA = Comparison("<>", "origin", "usa")
CHEAP = Comparison("<=", "price", 80)
JANUARY = Comparison("<", "released", dt.date(2026, 2, 1))
NOON = Comparison(">=", "seen", dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC))


def test_source_is_what_was_called() -> None:
    pl = variable("pl")
    either = (pl.col("a") == "it's") | ~(pl.col("b") < 5)
    assert source_of(either & pl.lit(True) & pl.lit(None)) == (
        "((pl.col('a') == \"it's\") | ~(pl.col('b') < 5)) & pl.lit(True) & pl.lit(None)"
    )
    assert source_of(variable("Q")(**{"a b": [1, dt.date(2026, 1, 31)], "class": 2, "c": 3})) == (
        "Q(c=3, **{'a b': [1, datetime.date(2026, 1, 31)], 'class': 2})"
    )
    assert source_of(variable("df")["a"][:3]) == "df['a'][:3]"
    with pytest.raises(TypeError):
        source_of(object())


@pytest.mark.parametrize(
    ("dialect", "member", "node", "expected"),
    [
        # https://docs.djangoproject.com/en/stable/ref/models/querysets/#field-lookups
        ("django", "filter", BOSE, "Q(brand__iexact='Bose')"),
        ("django", "filter", NOT_USA, "Q(origin__isnull=False) & ~Q(origin__exact='usa')"),
        ("django", "filter", Between("price", 10, 80), "Q(price__gte=10, price__lte=80)"),
        ("django", "filter", Contains("title", "50%", "start"), "Q(title__istartswith='50%')"),
        ("django", "filter", Contains("title", "5.", "end", exact=True), r"Q(title__regex='5\\.\\Z')"),
        ("django", "filter", Comparison("=", "tags", "50%"), "Q(tags__contains=['50%'])"),
        ("django", "filter", JANUARY, "Q(released__lt=datetime.date(2026, 2, 1))"),
        # https://pandas.pydata.org/docs/reference/series.html
        ("pandas", "mask", BOSE, "df['brand'].str.lower().eq('bose').fillna(False)"),
        ("pandas", "mask", NOT_USA, "df['origin'].notna() & ~df['origin'].eq('usa').fillna(False)"),
        ("pandas", "mask", Or((CHEAP, IsNull("brand"))), "(df['price'] <= 80).fillna(False) | df['brand'].isna()"),
        ("pandas", "mask", NOON, "(df['seen'] >= datetime.datetime(2026, 1, 31, 12, 0)).fillna(False)"),
        (
            "pandas",
            "mask",
            Contains("title", "50%"),
            "df['title'].str.lower().str.contains('50%', regex=False, na=False)",
        ),
        # https://docs.pola.rs/api/python/stable/reference/expressions/index.html
        ("polars", "filter", BOSE, "pl.col('brand').str.to_lowercase() == 'bose'"),
        ("polars", "filter", Not(OneOf("origin", ("usa", "japan"))), "~pl.col('origin').is_in(['usa', 'japan'])"),
        (
            "polars",
            "filter",
            Contains("title", "50%"),
            "pl.col('title').str.to_lowercase().str.contains('50%', literal=True)",
        ),
        ("polars", "filter", IsNull("tags"), "pl.col('tags').is_null() | (pl.col('tags').list.len() == 0)"),
    ],
)
def test_text(shop: Catalog, dialect: str, member: str, node: Filter, expected: str) -> None:
    compiled = compile_dialect(dialect, Interpretation(filter=node), shop)
    assert (compiled[member], compiled["lossy"]) == (expected, [])


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        (
            "django",
            "queryset.filter({}).order_by(F('price').asc(nulls_last=True), F('doors').desc(nulls_last=True))[:3]",
        ),
        ("pandas", "df[{}].sort_values(['price', 'doors'], ascending=[True, False], na_position='last').head(3)"),
        ("polars", "df.filter({}).sort(['price', 'doors'], descending=[False, True], nulls_last=True).head(3)"),
    ],
)
def test_order_and_limit(shop: Catalog, dialect: str, expected: str) -> None:
    asked = Interpretation(filter=CHEAP, sort=(Sort("price", "asc"), Sort("doors", "desc")), limit=3)
    compiled = compile_dialect(dialect, asked, shop)
    assert compiled["expression"] == expected.format(compiled.get("mask") or compiled["filter"])


def test_as_many_values_as_a_scope_may_have(shop: Catalog) -> None:
    numbers = OneOf("doors", (*range(100), *range(1_000, 10_900)))
    brands = OneOf("brand", tuple(map(str, range(10_000))))
    text = compile_dialect("polars", Interpretation(filter=Not(numbers)), shop)["filter"]
    for stored in (pl.Int8, pl.UInt64, pl.Float64):
        df = pl.DataFrame({"doors": pl.Series([0, 99, 120, None]).cast(stored)})
        assert df.filter(eval(text, {"pl": pl}))["doors"].to_list() == [120]
        assert df.filter(polars.expression(numbers, shop))["doors"].to_list() == [0, 99]
    text = compile_dialect("django", Interpretation(filter=brands), shop)["filter"]
    condition = eval(text, {"Q": Q})
    assert condition == django.q(brands, shop)
    assert condition.children == [("brand__iexact", str(number)) for number in range(10_000)]


ROWS: dict[str, list[Any]] = {
    "brand": ["Bose", None, "BOSE", "Beats"],
    "price": [10, 20, 90, None],
    "tags": [["New"], [], None, ["old", "new"]],
}
NODE = And((Not(Comparison("=", "brand", "Beats")), CHEAP))
NEW = Comparison("=", "tags", "new")


def test_the_expression_itself_for_polars(shop: Catalog) -> None:
    df = pl.DataFrame(ROWS)
    assert df.filter(polars.expression(NODE, shop))["price"].to_list() == [10]
    assert df.lazy().filter(polars.expression(NEW, shop)).collect()["price"].to_list() == [10, None]
    unknown = polars.expression(Not(NEW), shop, Options(unknown="include"))
    assert df.filter(unknown)["price"].to_list() == [20, 90]


def test_the_mask_itself_for_pandas(shop: Catalog) -> None:
    df = pd.DataFrame(ROWS)
    assert df[pandas.mask(df, NODE, shop)]["price"].to_list() == [10]
    assert df[pandas.mask(df, NEW, shop)].index.to_list() == [0, 3]
    unknown = pandas.mask(df, Not(NEW), shop, Options(unknown="include"))
    assert df[unknown]["price"].to_list() == [20, 90]


def test_a_mapping_names_the_column_and_its_form(shop: Catalog) -> None:
    fields = {"price": StoredField(name="list price"), "seen": StoredField(form="epoch_milliseconds")}
    options = Options(mappings={"polars": EngineMapping(fields=fields)})
    compiled = compile_dialect("polars", Interpretation(filter=And((CHEAP, NOON))), shop, options)
    assert compiled["filter"] == "(pl.col('list price') <= 80) & (pl.col('seen') >= 1769860800000)"


def test_the_condition_itself_for_django(shop: Catalog) -> None:
    assert django.q(BOSE, shop) == Q(brand__iexact="Bose")
    with pytest.raises(InvalidFilter, match="part of"):
        django.q(Contains("tags", "x"), shop)
