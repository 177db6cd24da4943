"""Filters for the tables of queries: each leaf, negations, lists, ranges, dates, missing values, and signs."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.filters import And, Between, Comparison, Contains, Filter, IsNull, Not, OneOf, Or
from nlp2filters.core.mapping import EngineMapping, StoredField

SHOP = catalogs.parse(
    {
        "name": "shop",
        "fields": [
            {"name": "brand", "type": "keyword"},
            {"name": "origin", "type": "keyword", "closed": True, "values": ["usa", "japan"]},
            {"name": "doors", "type": "integer"},
            {"name": "price", "type": "number"},
            {"name": "released", "type": "date"},
            {"name": "seen", "type": "datetime"},
            {"name": "opens", "type": "time"},
            {"name": "wireless", "type": "boolean"},
            {"name": "tags", "type": "keyword", "many": True},
            {"name": "sizes", "type": "integer", "many": True},
        ],
    }
)
DAY = dt.date(2026, 1, 31)
NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)

FILTERS: Mapping[str, Filter] = {
    "text": Comparison("=", "brand", "Bose"),
    "text, exactly": Comparison("=", "brand", "Bose", exact=True),
    "known value": Comparison("=", "origin", "usa"),
    "number": Comparison("=", "price", 19.5),
    "zero": Comparison("=", "price", 0),
    "below zero": Comparison("<", "price", -0.0000001),
    "boolean": Comparison("=", "wireless", True),
    "one of": OneOf("origin", ("usa", "japan")),
    "one of, text": OneOf("brand", ("Bose", "b a")),
    "one of, numbers": OneOf("doors", (2, -4)),
    "contains": Contains("brand", "50%_*"),
    "contains, exactly": Contains("brand", "Bo", exact=True),
    "begins with": Contains("brand", "Bo", "start"),
    "ends with": Contains("brand", "se", "end"),
    "not": Comparison("<>", "brand", "Bose"),
    "not, number": Comparison("<>", "doors", 4),
    "none of": Not(OneOf("origin", ("usa", "japan"))),
    "does not contain": Not(Contains("brand", "x")),
    "not below": Not(Comparison("<", "price", 5)),
    "at least": Comparison(">=", "price", 5),
    "above": Comparison(">", "doors", 2),
    "between": Between("price", 5, 9.5),
    "day": Comparison("=", "released", DAY),
    "since a day": Comparison(">=", "released", DAY),
    "instant": Comparison("<", "seen", NOON),
    "a day's instants": Comparison("=", "seen", DAY),
    "time": Comparison(">", "opens", dt.time(9, 30)),
    "missing": IsNull("brand"),
    "missing number": IsNull("price"),
    "has a value": Not(IsNull("price")),
    "missing list": IsNull("tags"),
    "list has": Comparison("=", "tags", "new"),
    "list has one of": OneOf("tags", ("new", "used")),
    "list has not": Not(Comparison("=", "tags", "new")),
    "list between": Between("sizes", 2, 8),
    "list above": Comparison(">", "sizes", 2),
    "and, or": And(
        (
            Or((Comparison("=", "origin", "usa"), Comparison("=", "wireless", False))),
            Or((Comparison("<", "price", 5), And((Comparison("=", "doors", 4), Comparison(">", "price", 90))))),
        )
    ),
    "signs": Comparison("=", "origin", "a\"b\\c'd`e\n(f) AND g:*/"),
    "signs in a part": Contains("brand", "a\"b\\c'd e"),
}
# The one value that a keyword would not have.
NULLS = EngineMapping(fields={"brand": StoredField(null="-"), "price": StoredField(null=-1)})
IN_OTHER_FORMS = EngineMapping(
    table="products",
    fields={
        "released": StoredField(name="day", form="epoch_seconds"),
        "seen": StoredField(form="epoch_milliseconds"),
        "opens": StoredField(form="epoch_seconds"),
    },
)


@dataclass(frozen=True)
class Golden:
    """The queries of a dialect.

    `member` is the path of the member that has the filter. `queries` are, by the page of the documentation and the name
    of the case, the filter and the effects of what it leaves out. `whole` is a query with an order, a limit and words,
    whose losses are their pointers. The others are filters under other options.
    """

    member: str
    queries: Mapping[str, Mapping[str, tuple[Any, str]]]
    whole: Mapping[str, Any]
    in_other_forms: Mapping[str, Any]
    with_a_value_for_none: Mapping[str, Any]
    including_unknowns: Mapping[str, Any]
