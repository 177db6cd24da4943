"""Queries for Loki, each under the page of the documentation that it follows."""

from tests.core.dialects.strings.cases import Golden

GOLDEN = Golden(
    member="query",
    queries={
        "https://grafana.com/docs/loki/latest/query/log_queries/#label-filter-expression": {
            "text": ('{job="shop"} | json | brand=~"(?is)Bose"', ""),
            "text, exactly": ('{job="shop"} | json | brand="Bose"', ""),
            "known value": ('{job="shop"} | json | origin="usa"', ""),
            "number": ('{job="shop"} | json | price == 19.5', ""),
            "zero": ('{job="shop"} | json | price == 0', ""),
            "boolean": ('{job="shop"} | json | wireless="true"', ""),
            "one of": ('{job="shop"} | json | origin=~"(?s)(?:usa|japan)"', ""),
            "one of, text": ('{job="shop"} | json | brand=~"(?is)(?:Bose|b a)"', ""),
            "one of, numbers": ('{job="shop"} | json | (doors == 2 or doors == -4)', ""),
            "below zero": ('{job="shop"} | json | price < -0.0000001', ""),
            "at least": ('{job="shop"} | json | price >= 5', ""),
            "above": ('{job="shop"} | json | doors > 2', ""),
            "between": ('{job="shop"} | json | (price >= 5 and price <= 9.5)', ""),
            "day": ('{job="shop"} | json | released == 1769817600', ""),
            "since a day": ('{job="shop"} | json | released >= 1769817600', ""),
            "instant": ('{job="shop"} | json | seen < 1769860800', ""),
            "a day's instants": ('{job="shop"} | json | (seen >= 1769817600 and seen < 1769904000)', ""),
            "time": ('{job="shop"} | json | opens > 34200', ""),
            "not": ('{job="shop"} | json | brand!="" and brand!~"(?is)Bose"', ""),
            "not, number": ('{job="shop"} | json | doors!="" and doors != 4', ""),
            "none of": ('{job="shop"} | json | origin!="" and origin!~"(?s)(?:usa|japan)"', ""),
            "does not contain": ('{job="shop"} | json | brand!="" and brand!~"(?is).*x.*"', ""),
            "not below": ('{job="shop"} | json | price >= 5', ""),
            "missing": ('{job="shop"} | json | brand=""', ""),
            "missing number": ('{job="shop"} | json | price=""', ""),
            "has a value": ('{job="shop"} | json | price!=""', ""),
            "missing list": ('{job="shop"} | json', "wider"),
            "list has": ('{job="shop"} | json', "wider"),
            "list has one of": ('{job="shop"} | json', "wider"),
            "list has not": ('{job="shop"} | json', "wider"),
            "list between": ('{job="shop"} | json', "wider"),
            "list above": ('{job="shop"} | json', "wider"),
            "and, or": (
                '{job="shop"} | json | (origin="usa" or wireless="false") and (price < 5 or (doors == 4 and price > 90))',
                "",
            ),
            "signs": ('{job="shop"} | json | origin="a\\"b\\\\c\'d`e\\n(f) AND g:*/"', ""),
            "signs in a part": ('{job="shop"} | json | brand=~"(?is).*a\\"b\\\\\\\\c\'d e.*"', ""),
        },
        "https://github.com/google/re2/wiki/Syntax": {
            "contains": ('{job="shop"} | json | brand=~"(?is).*50%_\\\\*.*"', ""),
            "contains, exactly": ('{job="shop"} | json | brand=~"(?s).*Bo.*"', ""),
            "begins with": ('{job="shop"} | json | brand=~"(?is)Bo.*"', ""),
            "ends with": ('{job="shop"} | json | brand=~"(?is).*se"', ""),
        },
    },
    # https://grafana.com/docs/loki/latest/reference/loki-http-api/#query-logs-within-a-range-of-time
    whole={
        "query": '{job="shop"} |~ "(?i)noise" |~ "(?i)\\"x\\"" |~ "(?i)-y" | json | price >= 5',
        "limit": 10,
        "lossy": ["/sort"],
    },
    in_other_forms={
        "day": '{job="products"} | json | day == 1769817600',
        "instant": '{job="products"} | json | seen < 1769860800000',
        "a day's instants": '{job="products"} | json | (seen >= 1769817600000 and seen < 1769904000000)',
        "time": '{job="products"} | json | opens > 34200',
    },
    with_a_value_for_none={
        "missing": '{job="shop"} | json | brand="-"',
        "not": '{job="shop"} | json | brand!="-" and brand!~"(?is)Bose"',
        "has a value": '{job="shop"} | json | price != -1',
    },
    including_unknowns={
        "not": '{job="shop"} | json | (brand="" or brand!~"(?is)Bose")',
        "not, number": '{job="shop"} | json | (doors="" or doors != 4)',
        "list has not": '{job="shop"} | json',
    },
)
