"""Queries for Algolia, each under the page of the documentation that it follows."""

from tests.core.dialects.strings.cases import Golden

GOLDEN = Golden(
    member="filters",
    queries={
        "https://www.algolia.com/doc/api-reference/api-parameters/filters": {
            "text": ('brand:"Bose"', ""),
            "text, exactly": ('brand:"Bose"', "wider"),
            "known value": ('origin:"usa"', ""),
            "number": ("price = 19.5", ""),
            "zero": ("price = 0", ""),
            "boolean": ("wireless:true", ""),
            "one of": ('(origin:"usa" OR origin:"japan")', ""),
            "one of, text": ('(brand:"Bose" OR brand:"b a")', ""),
            "one of, numbers": ("(doors = 2 OR doors = -4)", ""),
            "contains": ("", "wider"),
            "contains, exactly": ("", "wider"),
            "begins with": ("", "wider"),
            "ends with": ("", "wider"),
            "missing": ("", "wider"),
            "missing number": ("", "wider"),
            "has a value": ("", "wider"),
            "missing list": ("", "wider"),
            "list has": ('tags:"new"', ""),
            "list has one of": ('(tags:"new" OR tags:"used")', ""),
            "list has not": ('NOT tags:"new"', "wider"),
            "list between": ("sizes:2.000 TO 8.000", ""),
            "list above": ("sizes > 2", ""),
            "signs": ('origin:"a\\"b\\\\c\'d`e\n(f) AND g:*/"', ""),
            "signs in a part": ("", "wider"),
        },
        "https://www.algolia.com/doc/api-reference/api-parameters/numericFilters": {
            "below zero": ("", "wider"),
            "at least": ("price >= 5", ""),
            "above": ("doors > 2", ""),
            "between": ("price:5.000 TO 9.500", ""),
            "day": ("released = 1769817600", ""),
            "since a day": ("released >= 1769817600", ""),
            "instant": ("seen < 1769860800", ""),
            "a day's instants": ("seen:1769817600.000 TO 1769903999.999", ""),
            "time": ("opens > 34200", ""),
        },
        "https://algolia.com/doc/guides/managing-results/refine-results/filtering/in-depth/combining-boolean-operators": {
            "not": ('NOT brand:"Bose"', "wider"),
            "not, number": ("NOT doors = 4", "wider"),
            "none of": ('NOT origin:"usa" AND NOT origin:"japan"', "wider"),
            "does not contain": ("", "wider"),
            "not below": ("price >= 5", ""),
            "and, or": (
                '(origin:"usa" OR wireless:false) AND (price < 5 OR doors = 4) AND (price < 5 OR price > 90)',
                "",
            ),
        },
    },
    # https://www.algolia.com/doc/api-reference/search-api-parameters
    whole={"query": 'noise "x" -y', "filters": "price >= 5", "hitsPerPage": 10, "lossy": ["/sort"]},
    in_other_forms={
        "day": "day = 1769817600",
        "instant": "seen < 1769860800000",
        "a day's instants": "seen:1769817600000.000 TO 1769903999999.999",
        "time": "opens > 34200",
    },
    with_a_value_for_none={
        "missing": 'brand:"-"',
        "not": 'NOT brand:"-" AND NOT brand:"Bose"',
        "has a value": "NOT price = -1",
    },
    including_unknowns={"not": 'NOT brand:"Bose"', "not, number": "NOT doors = 4", "list has not": 'NOT tags:"new"'},
)
