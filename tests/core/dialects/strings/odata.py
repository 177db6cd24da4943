"""Queries for OData, each under the page of the documentation that it follows."""

from tests.core.dialects.strings.cases import Golden

GOLDEN = Golden(
    member="$filter",
    queries={
        "https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_ComparisonOperators": {
            "text": ("tolower(brand) eq tolower('Bose')", ""),
            "text, exactly": ("brand eq 'Bose'", ""),
            "known value": ("origin eq 'usa'", ""),
            "number": ("price eq 19.5", ""),
            "zero": ("price eq 0", ""),
            "boolean": ("wireless eq true", ""),
            "one of": ("origin in ('usa','japan')", ""),
            "one of, text": ("tolower(brand) in (tolower('Bose'),tolower('b a'))", ""),
            "one of, numbers": ("doors in (2,-4)", ""),
            "below zero": ("price lt -0.0000001", ""),
            "at least": ("price ge 5", ""),
            "above": ("doors gt 2", ""),
            "between": ("(price ge 5 and price le 9.5)", ""),
            "day": ("released eq 2026-01-31", ""),
            "since a day": ("released ge 2026-01-31", ""),
            "instant": ("seen lt 2026-01-31T12:00:00Z", ""),
            "a day's instants": ("(seen ge 2026-01-31T00:00:00Z and seen lt 2026-02-01T00:00:00Z)", ""),
            "time": ("opens gt 09:30:00", ""),
            "not": ("brand ne null and not (tolower(brand) eq tolower('Bose'))", ""),
            "not, number": ("doors ne null and not (doors eq 4)", ""),
            "none of": ("origin ne null and not (origin in ('usa','japan'))", ""),
            "does not contain": ("brand ne null and not (contains(tolower(brand),tolower('x')))", ""),
            "not below": ("price ge 5", ""),
            "and, or": ("(origin eq 'usa' or wireless eq false) and (price lt 5 or (doors eq 4 and price gt 90))", ""),
        },
        "https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_StringandCollectionFunctions": {
            "contains": ("contains(tolower(brand),tolower('50%_*'))", ""),
            "contains, exactly": ("contains(brand,'Bo')", ""),
            "begins with": ("startswith(tolower(brand),tolower('Bo'))", ""),
            "ends with": ("endswith(tolower(brand),tolower('se'))", ""),
        },
        "https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_null": {
            "missing": ("brand eq null", ""),
            "missing number": ("price eq null", ""),
            "has a value": ("price ne null", ""),
            "missing list": ("not tags/any()", ""),
        },
        "https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_LambdaOperators": {
            "list has": ("tags/any(e: tolower(e) eq tolower('new'))", ""),
            "list has one of": ("tags/any(e: tolower(e) in (tolower('new'),tolower('used')))", ""),
            "list has not": ("tags/any() and not (tags/any(e: tolower(e) eq tolower('new')))", ""),
            "list between": ("sizes/any(e: e ge 2 and e le 8)", ""),
            "list above": ("sizes/any(e: e gt 2)", ""),
        },
        "https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_PrimitiveLiterals": {
            "signs": ("origin eq 'a\"b\\c''d`e\n(f) AND g:*/'", ""),
            "signs in a part": ("contains(tolower(brand),tolower('a\"b\\c''d e'))", ""),
        },
    },
    # https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_QueryOptions
    whole={
        "$filter": "price ge 5",
        "$orderby": "price asc,brand desc",
        "$top": 10,
        "$search": '"noise" AND "x" AND "-y"',
        "lossy": ["/sort"],
    },
    in_other_forms={
        "day": "day eq 1769817600",
        "instant": "seen lt 1769860800000",
        "a day's instants": "(seen ge 1769817600000 and seen lt 1769904000000)",
        "time": "opens gt 34200",
    },
    with_a_value_for_none={
        "missing": "brand eq '-'",
        "not": "not (brand eq '-') and not (tolower(brand) eq tolower('Bose'))",
        "has a value": "not (price eq -1)",
    },
    including_unknowns={
        "not": "(brand eq null or not (tolower(brand) eq tolower('Bose')))",
        "not, number": "(doors eq null or not (doors eq 4))",
        "list has not": "(not tags/any() or not (tags/any(e: tolower(e) eq tolower('new'))))",
    },
)
