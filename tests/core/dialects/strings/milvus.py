"""Queries for Milvus, each under the page of the documentation that it follows."""

from tests.core.dialects.strings.cases import Golden

GOLDEN = Golden(
    member="filter",
    queries={
        "https://milvus.io/docs/basic-operators.md": {
            "text": ('brand == "Bose"', "narrower"),
            "text, exactly": ('brand == "Bose"', ""),
            "known value": ('origin == "usa"', ""),
            "number": ("price == 19.5", ""),
            "zero": ("price in [0, -0.0]", ""),
            "boolean": ("wireless == true", ""),
            "one of": ('origin in ["usa", "japan"]', ""),
            "one of, text": ('brand in ["Bose", "b a"]', "narrower"),
            "one of, numbers": ("doors in [2, -4]", ""),
            "below zero": ("price < -0.0000001", ""),
            "at least": ("price >= 5", ""),
            "above": ("doors > 2", ""),
            "between": ("(price >= 5 and price <= 9.5)", ""),
            "day": ("released == 1769817600", ""),
            "since a day": ("released >= 1769817600", ""),
            "instant": ("seen < 1769860800", ""),
            "a day's instants": ("(seen >= 1769817600 and seen < 1769904000)", ""),
            "time": ("opens > 34200", ""),
            "contains": ('brand like "%50\\\\%\\\\_*%"', ""),
            "contains, exactly": ('brand like "%Bo%"', ""),
            "begins with": ('brand like "Bo%"', "narrower"),
            "ends with": ('brand like "%se"', "narrower"),
            "not": ('brand is not null and not (brand == "Bose")', "wider"),
            "not, number": ("doors is not null and not (doors == 4)", ""),
            "none of": ('origin is not null and not (origin in ["usa", "japan"])', ""),
            "does not contain": ('brand is not null and not (brand like "%x%")', "wider"),
            "not below": ("price >= 5", ""),
            "and, or": ('(origin == "usa" or wireless == false) and (price < 5 or (doors == 4 and price > 90))', ""),
            "signs": ('origin == "a\\"b\\\\c\'d`e\\n(f) AND g:*/"', ""),
            "signs in a part": ('brand like "%a\\"b\\\\\\\\c\'d e%"', "narrower"),
        },
        "https://milvus.io/docs/nullable-and-default.md": {
            "missing": ("brand is null", ""),
            "missing number": ("price is null", ""),
            "has a value": ("price is not null", ""),
            "missing list": ("(tags is null or array_length(tags) == 0)", ""),
        },
        "https://milvus.io/docs/array-operators.md": {
            "list has": ('array_contains_any(tags, ["new"])', "narrower"),
            "list has one of": ('array_contains_any(tags, ["new", "used"])', "narrower"),
            "list has not": ('array_length(tags) > 0 and not (array_contains_any(tags, ["new"]))', "wider"),
            "list between": ("", "wider"),
            "list above": ("", "wider"),
        },
    },
    # https://milvus.io/docs/boolean.md
    whole={"filter": "price >= 5", "limit": 10, "lossy": ["/text", "/sort"]},
    in_other_forms={
        "day": "day == 1769817600",
        "instant": "seen < 1769860800000",
        "a day's instants": "(seen >= 1769817600000 and seen < 1769904000000)",
        "time": "opens > 34200",
    },
    with_a_value_for_none={
        "missing": 'brand == "-"',
        "not": 'not (brand == "-") and not (brand == "Bose")',
        "has a value": "not (price == -1)",
    },
    including_unknowns={
        "not": '(brand is null or not (brand == "Bose"))',
        "not, number": "(doors is null or not (doors == 4))",
        "list has not": '((tags is null or array_length(tags) == 0) or not (array_contains_any(tags, ["new"])))',
    },
)
