"""Queries for PostgREST, each under the page of the documentation that it follows."""

from tests.core.dialects.strings.cases import Golden

GOLDEN = Golden(
    member="params.and",
    queries={
        "https://docs.postgrest.org/en/stable/references/api/tables_views.html#operators": {
            "text": ('(brand.imatch."^Bose$")', ""),
            "text, exactly": ('(brand.eq."Bose")', ""),
            "known value": ('(origin.eq."usa")', ""),
            "number": ("(price.eq.19.5)", ""),
            "zero": ("(price.eq.0)", ""),
            "boolean": ("(wireless.eq.true)", ""),
            "one of": ('(origin.in.("usa","japan"))', ""),
            "one of, text": ('(brand.imatch."^(Bose|b a)$")', ""),
            "one of, numbers": ("(doors.in.(2,-4))", ""),
            "below zero": ("(price.lt.-0.0000001)", ""),
            "at least": ("(price.gte.5)", ""),
            "above": ("(doors.gt.2)", ""),
            "between": ("(and(price.gte.5,price.lte.9.5))", ""),
            "day": ('(released.eq."2026-01-31")', ""),
            "since a day": ('(released.gte."2026-01-31")', ""),
            "instant": ('(seen.lt."2026-01-31T12:00:00Z")', ""),
            "a day's instants": ('(and(seen.gte."2026-01-31T00:00:00Z",seen.lt."2026-02-01T00:00:00Z"))', ""),
            "time": ('(opens.gt."09:30:00")', ""),
            "contains": ('(brand.imatch."50%_\\\\*")', ""),
            "contains, exactly": ('(brand.match."Bo")', ""),
            "begins with": ('(brand.imatch."^Bo")', ""),
            "ends with": ('(brand.imatch."se$")', ""),
            "not": ('(brand.not.imatch."^Bose$")', ""),
            "not, number": ("(doors.not.eq.4)", ""),
            "none of": ('(origin.not.in.("usa","japan"))', ""),
            "does not contain": ('(brand.not.imatch."x")', ""),
            "not below": ("(price.gte.5)", ""),
            "missing": ("(brand.is.null)", ""),
            "missing number": ("(price.is.null)", ""),
            "has a value": ("(price.not.is.null)", ""),
            "missing list": ("(or(tags.is.null,tags.eq.{}))", ""),
            "list has": ('(tags.cs."{\\"new\\"}")', "narrower"),
            "list has one of": ('(tags.ov."{\\"new\\",\\"used\\"}")', "narrower"),
            "list has not": ('(tags.neq.{},tags.not.cs."{\\"new\\"}")', "wider"),
            "list between": ("", "wider"),
            "list above": ("", "wider"),
        },
        "https://docs.postgrest.org/en/stable/references/api/tables_views.html#logical-operators": {
            "and, or": ('(or(origin.eq."usa",wireless.eq.false),or(price.lt.5,and(doors.eq.4,price.gt.90)))', "")
        },
        "https://docs.postgrest.org/en/stable/references/api/url_grammar.html#reserved-characters": {
            "signs": ('(origin.eq."a\\"b\\\\c\'d`e\n(f) AND g:*/")', ""),
            "signs in a part": ('(brand.imatch."a\\"b\\\\\\\\c\'d e")', ""),
        },
    },
    # https://docs.postgrest.org/en/stable/references/api/tables_views.html#ordering
    whole={
        "params": {"and": "(price.gte.5)", "order": "price.asc.nullslast,brand.desc.nullslast", "limit": "10"},
        "url": "/shop?and=%28price.gte.5%29&order=price.asc.nullslast%2Cbrand.desc.nullslast&limit=10",
        "lossy": ["/text"],
    },
    in_other_forms={
        "day": "(day.eq.1769817600)",
        "instant": "(seen.lt.1769860800000)",
        "a day's instants": "(and(seen.gte.1769817600000,seen.lt.1769904000000))",
        "time": "(opens.gt.34200)",
    },
    with_a_value_for_none={
        "missing": '(brand.eq."-")',
        "not": '(brand.not.eq."-",brand.not.imatch."^Bose$")',
        "has a value": "(price.not.eq.-1)",
    },
    including_unknowns={
        "not": '(or(brand.is.null,brand.not.imatch."^Bose$"))',
        "not, number": "(or(doors.is.null,doors.not.eq.4))",
        "list has not": '(tags.not.cs."{\\"new\\"}")',
    },
)
