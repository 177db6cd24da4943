"""Queries for Kusto, each under the page of the documentation that it follows."""

from tests.core.dialects.strings.cases import Golden

GOLDEN = Golden(
    member="query",
    queries={
        "https://learn.microsoft.com/en-us/kusto/query/datatypes-string-operators": {
            "text": ('shop\n| where brand =~ "Bose"', ""),
            "text, exactly": ('shop\n| where brand == "Bose"', ""),
            "known value": ('shop\n| where origin == "usa"', ""),
            "number": ("shop\n| where price == 19.5", ""),
            "zero": ("shop\n| where price == 0", ""),
            "boolean": ("shop\n| where wireless == true", ""),
            "one of": ('shop\n| where origin in ("usa", "japan")', ""),
            "one of, text": ('shop\n| where brand in~ ("Bose", "b a")', ""),
            "one of, numbers": ("shop\n| where doors in (2, -4)", ""),
            "contains": ('shop\n| where brand contains "50%_*"', ""),
            "contains, exactly": ('shop\n| where brand contains_cs "Bo"', ""),
            "begins with": ('shop\n| where brand startswith "Bo"', ""),
            "ends with": ('shop\n| where brand endswith "se"', ""),
        },
        "https://learn.microsoft.com/en-us/kusto/query/where-operator": {
            "below zero": ("shop\n| where price < -0.0000001", ""),
            "at least": ("shop\n| where price >= 5", ""),
            "above": ("shop\n| where doors > 2", ""),
            "between": ("shop\n| where (price >= 5 and price <= 9.5)", ""),
            "day": ("shop\n| where released == datetime(2026-01-31)", ""),
            "since a day": ("shop\n| where released >= datetime(2026-01-31)", ""),
            "instant": ("shop\n| where seen < datetime(2026-01-31T12:00:00Z)", ""),
            "a day's instants": (
                "shop\n| where (seen >= datetime(2026-01-31T00:00:00Z) and seen < datetime(2026-02-01T00:00:00Z))",
                "",
            ),
            "time": ("shop\n| where opens > time(09:30:00)", ""),
            "and, or": (
                'shop\n| where (origin == "usa" or wireless == false) and (price < 5 or (doors == 4 and price > 90))',
                "",
            ),
        },
        "https://learn.microsoft.com/en-us/kusto/query/scalar-data-types/null-values": {
            "not": ('shop\n| where isnotempty(brand) and not(brand =~ "Bose")', ""),
            "not, number": ("shop\n| where isnotnull(doors) and not(doors == 4)", ""),
            "none of": ('shop\n| where isnotempty(origin) and not(origin in ("usa", "japan"))', ""),
            "does not contain": ('shop\n| where isnotempty(brand) and not(brand contains "x")', ""),
            "not below": ("shop\n| where price >= 5", ""),
            "missing": ("shop\n| where isempty(brand)", ""),
            "missing number": ("shop\n| where isnull(price)", ""),
            "has a value": ("shop\n| where isnotnull(price)", ""),
            "missing list": ("shop\n| where coalesce(array_length(tags), 0) == 0", ""),
        },
        "https://learn.microsoft.com/en-us/kusto/query/set-has-element-function": {
            "list has": ('shop\n| where set_has_element(parse_json(tolower(tostring(tags))), tolower("new"))', ""),
            "list has one of": (
                'shop\n| where (set_has_element(parse_json(tolower(tostring(tags))), tolower("new")) or set_has_element(parse_json(tolower(tostring(tags))), tolower("used")))',
                "",
            ),
            "list has not": (
                'shop\n| where array_length(tags) > 0 and not(set_has_element(parse_json(tolower(tostring(tags))), tolower("new")))',
                "",
            ),
            "list between": ("shop", "wider"),
            "list above": ("shop", "wider"),
        },
        "https://learn.microsoft.com/en-us/kusto/query/scalar-data-types/string": {
            "signs": ('shop\n| where origin == "a\\"b\\\\c\'d`e\\n(f) AND g:*/"', ""),
            "signs in a part": ('shop\n| where brand contains "a\\"b\\\\c\'d e"', ""),
        },
    },
    # https://learn.microsoft.com/en-us/kusto/query/sort-operator
    whole={
        "query": 'shop\n| where price >= 5\n| where * has "noise" and * has "\\"x\\"" and * has "-y"\n| sort by price asc nulls last, brand desc nulls last\n| take 10',
        "lossy": [],
    },
    in_other_forms={
        "day": "products\n| where day == 1769817600",
        "instant": "products\n| where seen < 1769860800000",
        "a day's instants": "products\n| where (seen >= 1769817600000 and seen < 1769904000000)",
        "time": "products\n| where opens > 34200",
    },
    with_a_value_for_none={
        "missing": 'shop\n| where brand == "-"',
        "not": 'shop\n| where not(brand == "-") and not(brand =~ "Bose")',
        "has a value": "shop\n| where not(price == -1)",
    },
    including_unknowns={
        "not": 'shop\n| where (isempty(brand) or not(brand =~ "Bose"))',
        "not, number": "shop\n| where (isnull(doors) or not(doors == 4))",
        "list has not": 'shop\n| where (coalesce(array_length(tags), 0) == 0 or not(set_has_element(parse_json(tolower(tostring(tags))), tolower("new"))))',
    },
)
