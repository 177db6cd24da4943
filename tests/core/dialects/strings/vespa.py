"""Queries for Vespa, each under the page of the documentation that it follows."""

from tests.core.dialects.strings.cases import Golden

GOLDEN = Golden(
    member="yql",
    queries={
        "https://docs.vespa.ai/en/reference/querying/yql.html": {
            "text": ('select * from sources * where brand contains "Bose"', ""),
            "text, exactly": ('select * from sources * where brand contains "Bose"', "wider"),
            "known value": ('select * from sources * where origin contains "usa"', ""),
            "number": ("select * from sources * where price = 19.5", ""),
            "zero": ("select * from sources * where price = 0", ""),
            "boolean": ("select * from sources * where wireless = true", ""),
            "one of": ('select * from sources * where origin in ("usa", "japan")', ""),
            "one of, text": ('select * from sources * where brand in ("Bose", "b a")', ""),
            "one of, numbers": ("select * from sources * where doors in (2, -4)", ""),
            "below zero": ("select * from sources * where price < -0.0000001", ""),
            "at least": ("select * from sources * where price >= 5", ""),
            "above": ("select * from sources * where doors > 2", ""),
            "between": ("select * from sources * where range(price, 5, 9.5)", ""),
            "day": ("select * from sources * where released = 1769817600", ""),
            "since a day": ("select * from sources * where released >= 1769817600", ""),
            "instant": ("select * from sources * where seen < 1769860800", ""),
            "a day's instants": (
                'select * from sources * where ({bounds:"rightOpen"}range(seen, 1769817600, 1769904000))',
                "",
            ),
            "time": ("select * from sources * where opens > 34200", ""),
            "contains": ('select * from sources * where brand matches "50%_\\\\*"', ""),
            "contains, exactly": ('select * from sources * where brand matches "Bo"', "wider"),
            "begins with": ('select * from sources * where brand matches "^Bo"', ""),
            "ends with": ('select * from sources * where brand matches "se$"', ""),
            "not": ('select * from sources * where (true and !(brand contains "Bose"))', "wider"),
            "not, number": ("select * from sources * where (true and !(doors = 4))", "wider"),
            "none of": ('select * from sources * where (true and !(origin in ("usa", "japan")))', "wider"),
            "does not contain": ('select * from sources * where (true and !(brand matches "x"))', "wider"),
            "not below": ("select * from sources * where price >= 5", ""),
            "missing": ("select * from sources * where true", "wider"),
            "missing number": ("select * from sources * where true", "wider"),
            "has a value": ("select * from sources * where true", "wider"),
            "missing list": ("select * from sources * where true", "wider"),
            "list has": ('select * from sources * where tags contains "new"', ""),
            "list has one of": ('select * from sources * where tags in ("new", "used")', ""),
            "list has not": ('select * from sources * where (true and !(tags contains "new"))', "wider"),
            "list between": ("select * from sources * where range(sizes, 2, 8)", ""),
            "list above": ("select * from sources * where sizes > 2", ""),
            "and, or": (
                'select * from sources * where (origin contains "usa" or wireless = false) and (price < 5 or (doors = 4 and price > 90))',
                "",
            ),
            "signs": ('select * from sources * where origin contains "a\\"b\\\\c\'d`e\\n(f) AND g:*/"', ""),
            "signs in a part": ('select * from sources * where brand matches "a\\"b\\\\\\\\c\'d e"', ""),
        },
    },
    # https://docs.vespa.ai/en/reference/querying/yql.html#order-by
    whole={
        "yql": "select * from sources * where userQuery() and price >= 5 order by price asc, brand desc limit 10",
        "model.restrict": "shop",
        "query": 'noise "x" -y',
        "lossy": ["/sort"],
    },
    in_other_forms={
        "day": "select * from sources * where day = 1769817600",
        "instant": "select * from sources * where seen < 1769860800000",
        "a day's instants": 'select * from sources * where ({bounds:"rightOpen"}range(seen, 1769817600000, 1769904000000))',
        "time": "select * from sources * where opens > 34200",
    },
    with_a_value_for_none={
        "missing": 'select * from sources * where brand contains "-"',
        "not": 'select * from sources * where (true and !(brand contains "-")) and (true and !(brand contains "Bose"))',
        "has a value": "select * from sources * where (true and !(price = -1))",
    },
    including_unknowns={
        "not": 'select * from sources * where (true and !(brand contains "Bose"))',
        "not, number": "select * from sources * where (true and !(doors = 4))",
        "list has not": 'select * from sources * where (true and !(tags contains "new"))',
    },
)
