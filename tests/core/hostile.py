"""Catalogs and texts that would cost much: made of what a linker or parser may look at over and over."""

from collections.abc import Callable, Mapping
from string import ascii_lowercase
from typing import Any

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.catalog import Catalog

LETTERS = ascii_lowercase
UNITS = ("kg", "g", "lb", "oz", "t", "mg")


def many(count: int, **members: Any) -> list[dict[str, Any]]:
    """So many fields of one kind."""
    return [{"name": f"f{number}", **members} for number in range(count)]


def measured(count: int, unit: Callable[[int], str]) -> list[dict[str, Any]]:
    return [{"name": f"f{number}", "type": "number", "unit": unit(number)} for number in range(count)]


FIELDS: Mapping[str, Callable[[int], list[dict[str, Any]]]] = {
    "keywords with one label": lambda count: many(count, type="keyword", label="a"),
    "numbers with one label": lambda count: many(count, type="integer", label="a"),
    "booleans with one label": lambda count: many(count, type="boolean", label="a"),
    "texts with one label": lambda count: many(count, type="text", label="a"),
    "fields called the": lambda count: many(count, type="text", label="the"),
    "fields called not": lambda count: many(count, type="keyword", label="not", values=["not", "or"]),
    "one value everywhere": lambda count: many(count, type="keyword", values=["red", "a"]),
    "money": lambda count: many(count, type="money", currency="USD"),
    "weights": lambda count: measured(count, lambda number: UNITS[number % len(UNITS)]),
    "odd units": lambda count: measured(count, lambda number: f"{number % 97} * kg"),
    "dates": lambda count: many(count, type="date", label="when"),
    "times": lambda count: many(count, type="time", label="when"),
    "years": lambda count: many(count, type="integer", label="year"),
    "adjectives": lambda count: many(count, type="integer", adjectives={"low": ["a", "cheap"], "high": ["b"]}),
    "letters": lambda count: many(count // 10, type="keyword", values=list(LETTERS)),
    "prefixes": lambda count: [
        {"name": f"f{number}", "type": "keyword", "label": " ".join("a" * (number % 100 + 1))}
        for number in range(count)
    ],
    "values that are prefixes": lambda count: many(
        1, type="keyword", values=[" ".join(word for _ in range(n)) for word in ("a", "not") for n in range(1, 50)]
    ),
    "values that are alike": lambda count: many(
        1, type="keyword", values=[f"a{x}{y}{z}d" for x in LETTERS for y in LETTERS for z in LETTERS[:10]]
    ),
}

UNITS_OF_TEXT = (
    " ".join(LETTERS) + " ",
    "a ",
    "a is a ",
    "a b a ",
    "not ",
    "not a ",
    "no a or ",
    "the ",
    "what is the a of ",
    "red, ",
    "a red ",
    "1 ",
    "1 a ",
    "1kg ",
    "$1 ",
    "5 kg a week ",
    "1 kg or ",
    "between 1 kg and ",
    "less than 2 years old ",
    "more than 1 a ",
    "in 2024 ",
    "march 2024 ",
    "1st of of of ",
    "5pm 17:30 ",
    "half past 7 pm ",
    "hundred ",
    "twenty ",
    "5 trillion trillion ",
    "1,111,",
    "(a ",
    "((((((((",
    '"a" ',
    "“",
    "abxyz acbde ",
    "aaaad ",
    "cheapest a ",
    "top 10 a ",
    "sort by a, ",
    "a unknown ",
    "without a ",
    "also a ",
    "drop the ",
    "the the the price ",
    "x" * 300 + " ",
    "A. B! C? ",
    "-1 - 1 ",
)


def catalog(name: str, count: int) -> Catalog:
    """The catalog of that kind with so many fields."""
    return catalogs.parse({"name": "things", "fields": FIELDS[name](count)})
