"""Queries for Datadog, each under the page of the documentation that it follows."""

from tests.core.dialects.strings.cases import Golden

GOLDEN = Golden(
    member="filter.query",
    queries={
        "https://docs.datadoghq.com/logs/explorer/search_syntax/#attributes-search": {
            "text": ('@brand:"Bose"', "narrower"),
            "text, exactly": ('@brand:"Bose"', ""),
            "known value": ('@origin:"usa"', ""),
            "number": ("@price:19.5", ""),
            "zero": ("@price:0", ""),
            "boolean": ("@wireless:true", ""),
            "one of": ('(@origin:"usa" OR @origin:"japan")', ""),
            "one of, text": ('(@brand:"Bose" OR @brand:"b a")', "narrower"),
            "one of, numbers": ("(@doors:2 OR @doors:\\-4)", ""),
            "not": ('@brand:* AND -@brand:"Bose"', "wider"),
            "not, number": ("@doors:* AND -@doors:4", ""),
            "none of": ('@origin:* AND -@origin:"usa" AND -@origin:"japan"', ""),
            "does not contain": ("@brand:* AND -@brand:*x*", "wider"),
            "not below": ("@price:>=5", ""),
            "missing": ("-@brand:*", ""),
            "missing number": ("-@price:*", ""),
            "has a value": ("@price:*", ""),
            "missing list": ("-@tags:*", ""),
            "list has": ('@tags:"new"', "narrower"),
            "list has one of": ('(@tags:"new" OR @tags:"used")', "narrower"),
            "list has not": ('@tags:* AND -@tags:"new"', "wider"),
            "list between": ("*", "wider"),
            "list above": ("@sizes:>2", ""),
            "and, or": ('(@origin:"usa" OR @wireless:false) AND (@price:<5 OR (@doors:4 AND @price:>90))', ""),
        },
        "https://docs.datadoghq.com/logs/explorer/search_syntax/#numerical-values": {
            "below zero": ("@price:<\\-0.0000001", ""),
            "at least": ("@price:>=5", ""),
            "above": ("@doors:>2", ""),
            "between": ("@price:[5 TO 9.5]", ""),
            "day": ("@released:1769817600000", ""),
            "since a day": ("@released:>=1769817600000", ""),
            "instant": ("@seen:<1769860800000", ""),
            "a day's instants": ("(@seen:>=1769817600000 AND @seen:<1769904000000)", ""),
            "time": ("@opens:>34200000", ""),
        },
        "https://docs.datadoghq.com/logs/explorer/search_syntax/#wildcards": {
            "contains": ("@brand:*50%_\\**", ""),
            "contains, exactly": ("@brand:*Bo*", ""),
            "begins with": ("@brand:Bo*", "narrower"),
            "ends with": ("@brand:*se", "narrower"),
        },
        "https://docs.datadoghq.com/logs/explorer/search_syntax/#escape-special-characters-and-spaces": {
            "signs": ('@origin:"a\\"b\\\\c\'d`e\n(f) AND g:*/"', ""),
            "signs in a part": ("@brand:*a\\\"b\\\\c'd\\ e*", "narrower"),
        },
    },
    # https://docs.datadoghq.com/api/latest/logs/#search-logs-post
    whole={"filter": {"query": '"noise" "\\"x\\"" "-y" @price:>=5'}, "page": {"limit": 10}, "lossy": ["/sort"]},
    in_other_forms={
        "day": "@day:1769817600",
        "instant": "@seen:<1769860800000",
        "a day's instants": "(@seen:>=1769817600000 AND @seen:<1769904000000)",
        "time": "@opens:>34200",
    },
    with_a_value_for_none={
        "missing": '@brand:"-"',
        "not": '-@brand:"-" AND -@brand:"Bose"',
        "has a value": "-@price:\\-1",
    },
    including_unknowns={"not": '-@brand:"Bose"', "not, number": "-@doors:4", "list has not": '-@tags:"new"'},
)
