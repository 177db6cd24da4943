"""What a person would say of small columns, and what inference says."""

import datetime as dt
import itertools
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from nlp2filters.core.catalog import Adjectives, Catalog, Field, Value, parse, to_json
from nlp2filters.core.infer import infer, refine
from nlp2filters.errors import InvalidCatalog


def column(header: str, *values: object, **options: Any) -> Field:
    return infer("things", ({header: value} for value in values), **options).catalog.fields[0]


@pytest.mark.parametrize(
    ("values", "type_", "low", "high"),
    [
        (["3", "12", "-4"], "integer", -4, 12),
        ([3, 12, -4], "integer", -4, 12),
        (["1,200", "35"], "integer", 35, 1200),
        (["3", "1.5"], "number", 1.5, 3),
        ([1.5, 2], "number", 1.5, 2),
        ([Decimal("9.99"), Decimal("3")], "number", 3.0, 9.99),
        (["1e3", ".5"], "number", 0.5, 1000.0),
        (["true", "FALSE"], "boolean", None, None),
        (["yes", "no"], "boolean", None, None),
        ([True, False], "boolean", None, None),
        (["0", "1"], "integer", 0, 1),
        (["2004-11-12", "1999-01-31"], "date", "1999-01-31", "2004-11-12"),
        ([dt.date(2004, 11, 12)], "date", "2004-11-12", "2004-11-12"),
        (["Nov 12 2004", "Jan 31 1999"], "date", "1999-01-31", "2004-11-12"),
        (["November 12, 2004", "May 1, 1999"], "date", "1999-05-01", "2004-11-12"),
        (["12 Nov 2004", "1 May 1999"], "date", "1999-05-01", "2004-11-12"),
        (["31.1.1999", "12.11.2004"], "date", "1999-01-31", "2004-11-12"),
        (["01/31/1999", "11/12/2004"], "date", "1999-01-31", "2004-11-12"),
        (["31/01/1999", "12/11/2004"], "date", "1999-01-31", "2004-11-12"),
        (["2024-05-01T09:30:00", "2024-05-01 08:00"], "datetime", "2024-05-01T08:00:00", "2024-05-01T09:30:00"),
        (["2024-05-01T09:30:00Z"], "datetime", "2024-05-01T09:30:00+00:00", "2024-05-01T09:30:00+00:00"),
        ([dt.datetime(2024, 5, 1)], "datetime", "2024-05-01T00:00:00", "2024-05-01T00:00:00"),
        (["31.01.2024 08:00", "01.02.2024 17:30:05"], "datetime", "2024-01-31T08:00:00", "2024-02-01T17:30:05"),
        (["1/31/2024 8:05 PM"], "datetime", "2024-01-31T20:05:00", "2024-01-31T20:05:00"),
        (["5:30 PM", "9:00 am"], "time", "09:00:00", "17:30:00"),
        (["09:30", "17:05:30"], "time", "09:30:00", "17:05:30"),
        (["$1,234.50", "$99"], "money", 99, 1234.5),
        (["EUR 12", "13.50 EUR"], "money", 12, 13.5),
    ],
)
def test_types_and_extremes(values: list[object], type_: str, low: object, high: object) -> None:
    field = column("x", *values)
    assert (field.type, field.minimum, field.maximum) == (type_, low, high)


@pytest.mark.parametrize(
    "values",
    [
        ["02139", "10001"],  # codes with leading zeros
        ["+4420123", "+4930456"],
        ["2024-05-01", "May 1 2024"],  # two formats
        ["2024-05-01", "soon"],
        ["2024-13-01"],
        ["24:61"],
        ["2024-05-01T09:30:00Z", "2024-05-01T09:30:00"],  # with and without an offset
        ["$5", "€5"],
        ["12", "a dozen"],
        ["123456789012345678901234567890"],  # no search engine holds it as an integer
        ["1e999"],
        ["May", "June"],
    ],
)
def test_no_wild_guesses(values: list[object]) -> None:
    assert column("x", *values).type == "text"


@pytest.mark.parametrize(
    ("header", "values", "expected"),
    [
        ("price (USD)", ["9.99", "5"], ("price", "money", None, "USD")),
        ("Price [eur]", ["9.99"], ("Price", "money", None, "EUR")),
        ("price_usd", ["9"], ("price", "money", None, "USD")),
        ("priceUSD", ["9"], ("price", "money", None, "USD")),
        ("Price €", ["9"], ("Price", "money", None, "EUR")),
        ("Total in dollars", ["9"], ("Total", "money", None, "USD")),
        ("price", ["£9", "£10"], ("", "money", None, "GBP")),
        ("price", ["9"], ("", "integer", None, None)),
        ("weight_kg", ["9.5"], ("weight", "number", "kg", None)),
        ("Weight_in_lbs", ["3504"], ("Weight", "integer", "lb", None)),
        ("Miles_per_Gallon", ["18"], ("", "integer", "mpg", None)),
        ("Running Time min", ["95"], ("Running Time", "duration", "min", None)),
        ("Acceleration (s)", ["12.5"], ("Acceleration", "duration", "s", None)),
        ("experience_years", ["3"], ("experience", "duration", "year", None)),
        ("model_year", ["1970"], ("", "integer", None, None)),
        ("temp_min", ["3"], ("", "integer", None, None)),
        ("Height (m)", ["1.8"], ("Height", "number", "m", None)),
        ("Speed (km/h)", ["120"], ("Speed", "integer", "km/h", None)),
        ("speed km/h", ["120"], ("speed", "integer", "km/h", None)),
        ("area_m2", ["120"], ("area", "integer", "m²", None)),
        ("Area (sq ft)", ["120"], ("Area", "integer", "ft²", None)),
        ("Max temp (°C)", ["31.5"], ("Max temp", "number", "°C", None)),
        ("discount %", ["15"], ("discount", "integer", "%", None)),
        ("mpg", ["18"], ("", "integer", "mpg", None)),
        ("weight_kg", ["heavy", "light"], ("weight", "text", None, None)),
        ("releaseDate", ["2024-05-01"], ("release Date", "date", None, None)),
        ("IMDB_Rating", ["6.1"], ("", "number", None, None)),
    ],
)
def test_the_header_tells_the_unit(header: str, values: list[str], expected: tuple[object, ...]) -> None:
    field = column(header, *values)
    assert field.name == header
    assert (field.label, field.type, field.unit, field.currency) == expected


@pytest.mark.parametrize(
    ("header", "currency"),
    [
        ("Production_Budget", "EUR"),
        ("price (USD)", "USD"),
        ("price_per_kg", "EUR"),
        ("Budget (M)", None),  # millions, perhaps
        ("Votes", None),
    ],
)
def test_the_callers_currency_is_for_amounts_without_one(header: str, currency: str | None) -> None:
    assert column(header, "1000", currency="EUR").currency == currency


@pytest.mark.parametrize(
    ("values", "type_", "known", "closed"),
    [
        (["USA", "Japan", "USA", "USA"], "keyword", ["USA", "Japan"], True),
        (["USA", "Japan", "USA"], "keyword", ["USA", "Japan"], False),  # too few to say that no other occurs
        (["Alien", "Jaws", "Heat"], "text", [], False),
        (["a" * 300] * 4, "text", [], False),  # longer than a known value may be
        ([300, "Jaws", 300, "Jaws"], "keyword", ["300", "Jaws"], True),
        ([["red", "blue"], ["red"], ["blue", "red"]], "keyword", ["red", "blue"], True),
    ],
)
def test_strings_are_keywords_when_they_repeat(
    values: list[object], type_: str, known: list[str], closed: bool
) -> None:
    field = column("x", *values)
    assert (field.type, [value.value for value in field.values], field.closed) == (type_, known, closed)


def test_known_values_come_with_their_counts() -> None:
    field = column("origin", "USA", "Japan", "USA", "USA")
    assert field.values == (Value("USA", count=3), Value("Japan", count=1))


def test_a_list_makes_the_field_hold_many() -> None:
    assert column("sizes", [38, 39], [], [40]) == Field("sizes", "integer", many=True, minimum=38, maximum=40)


def test_values_are_as_stored_though_read_without_blanks() -> None:
    assert [value.value for value in column("x", "USA ", "USA ").values] == ["USA "]
    assert column("x", " 12 ").maximum == 12


def test_known_values_are_capped_and_the_field_then_is_open() -> None:
    field = column("x", *(f"v{number % 7}" for number in range(70)), max_values=5)
    assert (field.type, len(field.values), field.closed) == ("keyword", 5, False)
    field = column("x", *(f"v{number % 7}" for number in range(70)), max_closed=5)
    assert (field.type, len(field.values), field.closed) == ("keyword", 7, False)


@pytest.mark.parametrize("unknown", [None, "", "  ", float("nan")])
def test_unknown_values(unknown: object) -> None:
    assert column("x", "1", unknown) == Field("x", "integer", minimum=1, maximum=1)
    assert not column("x", "1", "2").nullable
    assert column("x", unknown) == Field("x", "text")


def test_an_absent_key_is_unknown() -> None:
    catalog = infer("things", [{"a": 1}, {"a": 2, "b": 3}]).catalog
    assert [(field.name, field.nullable) for field in catalog.fields] == [("a", False), ("b", True)]


def test_one_pass_in_bounded_memory() -> None:
    def rows() -> Iterator[dict[str, object]]:
        for number in range(20_000):
            yield {"id": f"id-{number:0150}", "kind": f"k{number % 3}", "n": number}

    tracemalloc.start()
    try:
        catalog = infer("things", rows(), max_distinct=100).catalog
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [field.type for field in catalog.fields] == ["text", "keyword", "integer"]
    assert peak < 1_000_000


@pytest.mark.parametrize(
    ("rows", "pointer"),
    [
        ([], "/fields"),
        ([{"a": 1}, {"a": {"b": 2}}], "/rows/1/a"),
        ([{"a/b": b"raw"}], "/rows/0/a~1b"),
        ([{"a": 10**5000}], "/rows/0/a"),
        ([{"a": Decimal("sNaN")}], "/rows/0/a"),
        ([{"": 1}], "/fields/0/name"),
    ],
)
def test_what_is_no_table_is_refused(rows: list[dict[str, object]], pointer: str) -> None:
    with pytest.raises(InvalidCatalog) as caught:
        infer("things", rows)
    assert caught.value.violations[0].pointer == pointer


def test_too_many_columns_are_refused_at_once() -> None:
    rows = ({f"c{number}": 1} for number in itertools.count())
    with pytest.raises(InvalidCatalog):
        infer("things", rows)


def test_what_is_inferred_is_a_valid_catalog() -> None:
    catalog = infer("things", [{"price (USD)": "$3", "day": "2024-05-01", "kind": "a"}] * 4).catalog
    assert parse(to_json(catalog)) == catalog


PLAIN = Catalog(
    "cars",
    (
        Field("hp", "integer", nullable=False, minimum=46),
        Field("origin", "keyword", values=(Value("USA"), Value("Japan")), closed=True),
    ),
)


def test_refine_adds_what_people_know() -> None:
    refined = refine(
        PLAIN,
        {
            "nouns": ["car"],
            "fields": {
                "hp": {"label": "Horsepower", "unit": "hp", "adjectives": {"high": ["powerful"]}},
                "origin": {"values": {"Japan": ["japanese"]}},
            },
        },
    )
    assert refined == Catalog(
        "cars",
        (
            Field(
                "hp",
                "integer",
                label="Horsepower",
                unit="hp",
                adjectives=Adjectives(high=("powerful",)),
                nullable=False,
                minimum=46,
            ),
            Field("origin", "keyword", values=(Value("USA"), Value("Japan", ("japanese",))), closed=True),
        ),
        nouns=("car",),
    )


def test_synonyms_add_up() -> None:
    once = refine(PLAIN, {"fields": {"origin": {"values": {"Japan": ["japanese"], "USA": ["us"]}}}})
    twice = refine(once, {"fields": {"origin": {"values": {"USA": ["american"]}}}})
    assert twice.by_name["origin"].values == (Value("USA", ("us", "american")), Value("Japan", ("japanese",)))


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"weight": {"unit": "lb"}}, "/fields/weight"),
        ({"origin": {"values": {"Mars": ["martian"]}}}, "/fields/origin/values/Mars"),
        ({"hp": {"values": {"46": ["weak"]}}}, "/fields/hp/values/46"),
        ({"hp": {"colour": "red"}}, "/fields/0/colour"),
    ],
)
def test_refine_refuses_what_is_not_there(fields: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidCatalog) as caught:
        refine(PLAIN, {"fields": fields})
    assert [violation.pointer for violation in caught.value.violations] == [pointer]
