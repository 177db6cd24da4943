"""What the cells of somebody's table mean: tables of cells, and the field that a person would make of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from nlp2filters.core.catalog import Field
from nlp2filters.core.infer import ColumnReport, infer


def inferred(header: str, *values: object, **options: Any) -> tuple[Field, ColumnReport]:
    """The field of a column, and the reasons for it."""
    inference = infer("things", ({header: value} for value in values), **options)
    return inference.catalog.fields[0], inference.columns[0]


def column(header: str, *values: object, **options: Any) -> Field:
    return inferred(header, *values, **options)[0]


@pytest.mark.parametrize(
    ("values", "type_", "low", "high"),
    [
        # How the column writes its numbers, its own cells say.
        (["1.234,50", "12,00"], "number", 12, 1234.5),
        (["1 234,5", "7,25"], "number", 7.25, 1234.5),
        (["1 234,5", "7,25"], "number", 7.25, 1234.5),
        (["1'234.50", "99.95"], "number", 99.95, 1234.5),
        (["1’234’567", "12"], "integer", 12, 1234567),
        (["1 234 567", "12"], "integer", 12, 1234567),
        (["1,234,567", "45,571,090"], "integer", 1234567, 45571090),
        (["12,34,567", "1,00,000"], "integer", 100000, 1234567),
        (["1.234.567", "890"], "integer", 890, 1234567),
        (["0,5", "1,25"], "number", 0.5, 1.25),
        (["1.234", "2,5"], "number", 2.5, 1234),
        (["1,234", "2.5"], "number", 2.5, 1234),
        (["−5", "3"], "integer", -5, 3),
        (["(1,200)", "300"], "integer", -1200, 300),
        (["10,000+", "500+"], "integer", 500, 10000),
        (["1.2M", "900k"], "integer", 900_000, 1_200_000),
        (["3 million", "2.5 million"], "integer", 2_500_000, 3_000_000),
        (["4.5/5", "3/5"], "number", 3, 4.5),
        (["2 Seasons", "1 Season"], "integer", 1, 2),
        (["1 299 kr", "99,50 kr"], "number", 99.5, 1299),
    ],
)
def test_numbers(values: list[str], type_: str, low: float, high: float) -> None:
    field = column("x", *values)
    assert (field.type, field.minimum, field.maximum) == (type_, low, high)


@pytest.mark.parametrize(
    ("values", "currency", "low", "high"),
    [
        (["1.200,50 €", "99,00 €"], "EUR", 99, 1200.5),
        (["€ 1.200,50", "€ 99"], "EUR", 99, 1200.5),
        # Nobody pays three decimals.
        (["1.234 €", "2.500 €"], "EUR", 1234, 2500),
        (["£1,200", "£ 35.50"], "GBP", 35.5, 1200),
        (["-$5.00", "$-3", "($12)"], "USD", -12, -3),
        (["$1.2M", "$900k", "$3bn"], "USD", 900_000, 3_000_000_000),
        (["CHF 1'200.00", "CHF 50.00"], "CHF", 50, 1200),
        (["R$ 1.299,90", "R$ 15,00"], "BRL", 15, 1299.9),
        (["499 zł", "1 299 zł"], "PLN", 499, 1299),
        (["USD 5", "10 usd"], "USD", 5, 10),
        (["₹1,50,000", "₹900"], "INR", 900, 150_000),
        (["$5", "0", "$7"], "USD", 0, 7),
    ],
)
def test_currencies_in_cells(values: list[str], currency: str, low: float, high: float) -> None:
    field = column("x", *values)
    assert (field.type, field.currency, field.minimum, field.maximum) == ("money", currency, low, high)


def test_a_currency_of_several_countries_is_asked_about() -> None:
    field, report = inferred("x", "1 299 kr", "99 kr")
    assert (field.type, report.notes[0].kind) == ("integer", "question")
    assert column("x", "1 299 kr", "99 kr", currency="SEK").currency == "SEK"


@pytest.mark.parametrize(
    ("values", "type_", "unit", "low", "high"),
    [
        (["1.5 kg", "2 kg"], "number", "kg", 1.5, 2),
        (["1,5 kg", "12,25 kg"], "number", "kg", 1.5, 12.25),
        (["800 g", "1.5 kg", "2 kg"], "number", "kg", 0.8, 2),
        (["30 min", "45min"], "duration", "min", 30, 45),
        (["1 h 30 min", "45 min", "2h 15m"], "duration", "min", 45, 135),
        (["90 minutes", "1 minute"], "duration", "min", 1, 90),
        (["2 hours", "1 hour", "30 minutes"], "duration", "h", 0.5, 2),
        (["PT1H30M", "PT45S"], "duration", "s", 45, 5400),
        (["3 years", "1 year"], "duration", "year", 1, 3),
        (["120 km/h", "95 km/h"], "integer", "km/h", 95, 120),
        (["1,200 sq ft", "850 sqft"], "integer", "ft²", 850, 1200),
        (["75 m²", "120 m2"], "integer", "m²", 75, 120),
        (["256 GB", "1 TB", "512 GB"], "integer", "GB", 256, 1000),
        (["5 ft 11 in", "6 ft 2 in"], "integer", "in", 71, 74),
        (["21 °C", "-3 °C"], "integer", "°C", -3, 21),
        (["95%", "7.5 %"], "number", "%", 7.5, 95),
    ],
)
def test_units_in_cells(values: list[str], type_: str, unit: str, low: float, high: float) -> None:
    field = column("x", *values)
    assert (field.type, field.unit) == (type_, unit)
    assert [field.minimum, field.maximum] == pytest.approx([low, high])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["7/10", "3/5"], "not of one kind: 10, 5"),
        (["2 kg", "3 cm"], "do not convert into each other: kg, cm"),
        (["$5", "€5"], "not of one kind: USD, EUR"),
        (["$5", "5 kg"], "not of one kind"),
        (["2024-05-01T09:30:00Z", "2024-05-01T09:30:00"], "an offset from UTC"),
        (["2024-05-01", "May 1 2024"], "several forms: '2024-05-01', 'May 1 2024'"),
        (["13/01/2024", "01/13/2024"], "Neither day nor month comes first"),
        (["1", "2", "many"], "1 of 3 cells is no number: 'many'"),
        (["2024-05-01", "2024-05-02", "soon"], "1 of 3 cells is no date: 'soon'"),
        (["1,5", "2.5"], "No decimal mark fits all cells"),
        (["09:30", "25:30"], "no times of a day: '25:30'"),
    ],
)
def test_what_is_refused_says_why(values: list[str], reason: str) -> None:
    field, report = inferred("x", *values)
    assert field.type == "text"
    assert any(note.kind == "refused" and reason in note.text for note in report.notes), report.notes


@pytest.mark.parametrize(
    ("header", "unit", "type_"),
    [
        ("body_mass_g", "g", "integer"),
        ("Weight (lbs)", "lb", "integer"),
        ("duration_ms", "ms", "duration"),
        ("flipper_length_mm", "mm", "integer"),
        ("distance_m", "m", "integer"),
        ("response_time_s", "s", "duration"),
        ("temp_c", "°C", "integer"),
        ("power_kw", "kW", "integer"),
        ("protein_g", "g", "integer"),
        ("Speed in knots", "knot", "integer"),
        ("group_g", None, "integer"),
        ("plan_m", None, "integer"),
        ("points_s", None, "integer"),
    ],
)
def test_units_in_names(header: str, unit: str | None, type_: str) -> None:
    field = column(header, "3750", "3800", "4100")
    assert (field.unit, field.type) == (unit, type_)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        (["28-10-2018", "01-10-2018"], "2018-10-01", "2018-10-28"),
        (["10-28-2018", "01-10-2018"], "2018-01-10", "2018-10-28"),
        (["1.2.24", "31.12.99"], "1999-12-31", "2024-02-01"),
        (["1/2/2024", "25/12/2023"], "2023-12-25", "2024-02-01"),
        (["1/2/2024", "12/25/2023"], "2023-12-25", "2024-01-02"),
        (["2024/1/5", "2023/12/31"], "2023-12-31", "2024-01-05"),
        (["2024.01.05", "2023.12.31"], "2023-12-31", "2024-01-05"),
        (["5-Jan-24", "31-Dec-99"], "1999-12-31", "2024-01-05"),
        (["Jan 5, 2024", "Sept. 30, 2023"], "2023-09-30", "2024-01-05"),
        (["5th January 2024", "1st May 2023"], "2023-05-01", "2024-01-05"),
        (["Fri, 05 Jan 2024", "Mon, 01 May 2023"], "2023-05-01", "2024-01-05"),
        (["5. März 2024", "1. Mai 2023"], "2023-05-01", "2024-03-05"),
        (["5 de enero de 2024", "1 de mayo de 2023"], "2023-05-01", "2024-01-05"),
        (["January 2024", "May 2023"], "2023-05-01", "2024-01-01"),
        (["2024-01", "2023-05"], "2023-05-01", "2024-01-01"),
    ],
)
def test_dates(values: list[str], low: str, high: str) -> None:
    assert column("x", *values) == Field("x", "date", nullable=False, minimum=low, maximum=high)


@pytest.mark.parametrize(
    ("values", "low"),
    [
        (["2023-03-10 18:33:31.704990 +00:00"], "2023-03-10T18:33:31.704990+00:00"),
        (["2023-01-01 13:55:18.12345+00"], "2023-01-01T13:55:18.123450+00:00"),
        (["2023-01-01T13:55:18.123456789Z"], "2023-01-01T13:55:18.123456+00:00"),
        (["2023-01-01 13:55:18 UTC"], "2023-01-01T13:55:18+00:00"),
        (["2023-01-01T13:55-0530"], "2023-01-01T13:55:00-05:30"),
        (["Fri, 05 Jan 2024 10:00:00 GMT"], "2024-01-05T10:00:00+00:00"),
        (["Mon Sep 24 03:35:21 +0000 2012"], "2012-09-24T03:35:21+00:00"),
        (["Jan 5, 2024 at 3:07 PM"], "2024-01-05T15:07:00"),
        (["25/12/2023 08:00"], "2023-12-25T08:00:00"),
        (["2024-01-05", "2024-01-05 10:00"], "2024-01-05T00:00:00"),
    ],
)
def test_timestamps(values: list[str], low: str) -> None:
    field = column("x", *values)
    assert (field.type, field.minimum) == ("datetime", low)


@pytest.mark.parametrize(
    ("header", "values", "type_", "low"),
    [
        ("created_at", ["1700000000", "1700000500"], "datetime", "2023-11-14T22:13:20+00:00"),
        ("timestamp", ["1700000000000", "1700000500000"], "datetime", "2023-11-14T22:13:20+00:00"),
        ("population", ["1700000000", "1400000000"], "integer", 1400000000),
        ("date", ["20240131", "20231224"], "date", "2023-12-24"),
        ("price", ["20240131", "20231224"], "integer", 20231224),
        ("duration", ["3:45", "12:01"], "duration", 225),
        ("runtime", ["1:02:03", "36:10:00"], "duration", 3723),
        ("opens", ["9:30", "17:00"], "time", "09:30:00"),
        ("opens", ["9am", "5:30 PM"], "time", "09:00:00"),
    ],
)
def test_names_that_say_what_numbers_are(header: str, values: list[str], type_: str, low: object) -> None:
    field = column(header, *values)
    assert (field.type, field.minimum) == (type_, low)


AMBIGUOUS = ["01/02/2024", "03/04/2024"]


def test_day_or_month_first_is_asked_where_no_cell_tells() -> None:
    field, report = inferred("x", *AMBIGUOUS)
    assert field == Field("x", "date", nullable=False)
    (question,) = (note for note in report.notes if note.kind == "question")
    assert "01/02/2024" in question.text
    assert column("x", *AMBIGUOUS, date_order="day").maximum == "2024-04-03"
    assert column("x", *AMBIGUOUS, date_order="month").maximum == "2024-03-04"
    assert column("x", "01/02/2024 10:00", "03/04/2024 11:00") == Field("x", "datetime", nullable=False)


def test_another_column_tells_what_comes_first() -> None:
    rows = [{"sent": date, "paid": other} for date, other in zip(AMBIGUOUS, ["25/12/2023", "1/1/2024"], strict=True)]
    sent, paid = infer("bills", rows).catalog.fields
    assert (sent.minimum, paid.minimum) == ("2024-02-01", "2023-12-25")


def test_another_column_tells_the_decimal_mark() -> None:
    rows = [{"population": "1.234", "share": "0,5"}, {"population": "3.456", "share": "1,5"}]
    assert [field.maximum for field in infer("towns", rows).catalog.fields] == [3456, 1.5]


UNKNOWN = ["N/A", "NA", "n/a", "null", "NULL", "-", "nan", "NaN", "?", "#N/A", "None", "--", "unknown"]


@pytest.mark.parametrize("unknown", UNKNOWN)
@pytest.mark.parametrize("values", [["1", "2"], ["2024-01-31", "2024-02-01"], ["$5", "$7"], ["yes", "no"]])
def test_words_for_unknown_are_no_values(unknown: str, values: list[str]) -> None:
    field, report = inferred("x", *values, unknown)
    assert field == Field("x", **{**_attributes(column("x", *values)), "nullable": True})
    assert (report.cells, report.unknown) == (2, 1)
    (note,) = (note for note in report.notes if note.kind == "unknown")
    assert (note.text, note.cells) == (f"1 of 3 cells is unknown: '{unknown}'.", 1)


def _attributes(field: Field) -> Mapping[str, Any]:
    names = ("type", "label", "unit", "currency", "minimum", "maximum")
    return {name: getattr(field, name) for name in names}


@pytest.mark.parametrize(
    ("values", "known"),
    [
        (["red", "red", "blue", "blue", "N/A", "null", "-", "?"], ["red", "blue"]),
        (["DE", "DE", "FR", "FR", "NA", "NA"], ["DE", "FR", "NA"]),  # Namibia
        (["Rome", "Rome", "Paris", "Paris", "NA", "NA"], ["Rome", "Paris"]),
        (["+", "+", "-", "-"], ["+", "-"]),
        (["nuts", "nuts", "none", "none"], ["nuts", "none"]),
    ],
)
def test_words_for_unknown_are_values_where_they_fit(values: list[str], known: Sequence[str]) -> None:
    field = column("x", *values)
    assert ([value.value for value in field.values], field.nullable) == (known, len(known) * 2 < len(values))


def test_few_words_beside_many_numbers_are_unknown() -> None:
    field, report = inferred("price", *map(str, range(100)), "on request", "on request")
    assert (field.type, field.nullable) == ("integer", True)
    assert "2 of 102 cells are no number, and taken for unknown: 'on request'." in [note.text for note in report.notes]
    assert column("zip", *map(str, range(10000, 10100)), "K1A 0B1").type == "text"


@pytest.mark.parametrize(
    ("header", "values", "type_"),
    [
        ("active", ["Y", "N", "Y"], "boolean"),
        ("flag", ["t", "f"], "boolean"),
        ("x", ["t", "f"], "boolean"),
        ("x", ["on", "off"], "boolean"),
        ("x", ["ja", "nein"], "boolean"),
        ("x", ["sí", "no"], "boolean"),
        ("is_gift", ["Y", "Y"], "boolean"),
        ("deck", ["F", "F"], "keyword"),
        ("grade", ["N", "Y", "M", "N", "Y", "M"], "keyword"),
        ("vegan", ["x", "", "X"], "boolean"),
        ("gift", ["Y", "", "Y"], "boolean"),
        ("axis", ["x", "y", "x", "y"], "keyword"),
        ("survived", ["0", "1", "1"], "boolean"),
        ("Discontinued", [0, 1, 0], "boolean"),
        ("is_deleted", ["0", "0"], "boolean"),
        ("hasParking", ["1.0", "0.0", ""], "boolean"),
        ("refundable", ["1", "0"], "boolean"),
        ("children", ["0", "1"], "integer"),
        ("speed", ["0", "1"], "integer"),
        ("survived", ["0", "1", "2"], "integer"),
    ],
)
def test_yes_and_no(header: str, values: list[object], type_: str) -> None:
    assert column(header, *values).type == type_


def test_a_blank_beside_ticks_is_no() -> None:
    assert column("vegan", "x", "", "x") == Field("vegan", "boolean", nullable=False)


@pytest.mark.parametrize(
    ("values", "known"),
    [
        (["Comedy|Drama", "Drama|Crime", "Comedy", "Action|Crime|Drama"], ["Drama", "Comedy", "Crime", "Action"]),
        (["red, blue", "blue", "red, green, blue", "green, red"], ["red", "blue", "green"]),
        (["red;blue", "blue", "red;green;blue", "green;red"], ["red", "blue", "green"]),
        (['["a", "b"]', '["b"]', "[]", '["a"]'], ["a", "b"]),
        (["['a', 'b']", "['b']", "['a']"], ["a", "b"]),
        (['{a,"b c"}', '{"b c"}', "{a}"], ["a", "b c"]),
    ],
)
def test_lists_in_cells(values: list[str], known: list[str]) -> None:
    field = column("x", *values)
    assert (field.type, field.many, [value.value for value in field.values]) == ("keyword", True, known)


def test_lists_of_numbers_in_cells() -> None:
    field = column("sizes", "38|39|40", "39|40", "38", "40|38")
    assert (field.type, field.many, field.minimum, field.maximum) == ("integer", True, 38, 40)


@pytest.mark.parametrize(
    "values",
    [
        ["Paris, France", "Lyon, France", "Rome, Italy", "Milan, Italy", "Paris, France"],
        ["Smith, John", "Doe, Jane", "Smith, John", "Doe, Jane"],
        ["A house, with a garden, by the sea", "A flat, near the beach, with a view", "A house, with a garden"],
        ["AC/DC", "Earth, Wind & Fire", "AC/DC", "Earth, Wind & Fire"],
    ],
)
def test_commas_that_make_no_list(values: list[str]) -> None:
    assert not column("x", *values).many


def test_spellings_of_a_value_count_together() -> None:
    field, report = inferred("city", *["Bangalore", "BANGALORE", " Bangalore", "Mumbai", "MUMBAI ", "Mumbai"] * 3)
    assert [(value.value, value.count) for value in field.values] == [("Bangalore", 9), ("Mumbai", 9)]
    assert field.values[0].synonyms == ("BANGALORE", " Bangalore")
    assert field.closed
    assert "2 values in several spellings" in report.notes[0].text


@pytest.mark.parametrize(
    ("header", "values", "identifies"),
    [
        ("id", ["1", "2", "3"], True),
        ("CustomerID", ["7", "7", "9"], True),
        ("movieId", [31, 1029], True),
        ("order_no", ["1001", "1002"], True),
        ("zip", ["10115", "80331"], True),
        ("Unnamed: 0", ["0", "1", "2"], True),
        ("status_code", ["200", "404", "200"], False),
        ("key", ["1", "5", "5"], False),  # of a song
        ("number", ["12", "12"], False),
        ("number_of_beds", ["1", "2", "3"], False),
    ],
)
def test_identifiers_are_not_compared(header: str, values: list[object], identifies: bool) -> None:
    field = column(header, *values)
    assert field.type == "integer"
    assert ("<" not in field.operators and "=" in field.operators) == identifies


@pytest.mark.parametrize(
    ("header", "looks_like_money"),
    [
        ("price", True),
        ("UnitPrice", True),
        ("order_total", True),
        ("salary", True),
        ("rating", False),
        ("votes", False),
    ],
)
def test_money_without_a_currency_is_asked_about(header: str, looks_like_money: bool) -> None:
    field, report = inferred(header, "9.99", "5")
    assert field.type == "number"
    assert any(note.kind == "question" for note in report.notes) == looks_like_money
    assert (column(header, "9.99", currency="EUR").type == "money") == looks_like_money


@pytest.mark.parametrize(
    ("name", "title", "nouns"),
    [
        ("orders", "Orders", ("order", "orders")),
        ("Customer", "Customer", ("customer", "customers")),
        ("job_postings_2023", "Job postings", ("job posting", "job postings", "posting", "postings")),
        ("categories", "Categories", ("category", "categories")),
        ("tbl_people_export", "People", ("person", "people")),
        ("boxes (1)", "Boxes", ("box", "boxes")),
        ("OrderDetails", "Order details", ("order detail", "order details", "detail", "details")),
        ("inferred", "", ()),
        ("data", "", ()),
    ],
)
def test_a_title_and_nouns_from_the_name(name: str, title: str, nouns: tuple[str, ...]) -> None:
    catalog = infer(name, [{"x": "1"}]).catalog
    assert (catalog.title, catalog.nouns) == (title, nouns)


def test_a_noun_that_means_a_field_or_a_value_is_none() -> None:
    catalog = infer("houses", [{"type": "house"}, {"type": "house"}, {"type": "flat"}, {"type": "flat"}]).catalog
    assert catalog.nouns == ("houses",)
