"""Queries for Solr, each under the page of the documentation that it follows."""

from tests.core.dialects.strings.cases import Golden

GOLDEN = Golden(
    member="fq",
    queries={
        "https://solr.apache.org/guide/solr/latest/query-guide/standard-query-parser.html": {
            "text": (["brand:/[Bb][oO][sS][eE]/"], ""),
            "text, exactly": (['brand:"Bose"'], ""),
            "known value": (['origin:"usa"'], ""),
            "number": (["price:19.5"], ""),
            "zero": (['price:(0 OR "-0.0")'], ""),
            "boolean": (["wireless:true"], ""),
            "one of": (['origin:("usa" OR "japan")'], ""),
            "one of, text": (["(brand:/[Bb][oO][sS][eE]/ OR brand:/[bB] [aA]/)"], ""),
            "one of, numbers": (['doors:(2 OR "-4")'], ""),
            "not": (["brand:[* TO *]", "(*:* -brand:/[Bb][oO][sS][eE]/)"], ""),
            "not, number": (["doors:[* TO *]", "(*:* -doors:4)"], ""),
            "none of": (["origin:[* TO *]", '(*:* -origin:("usa" OR "japan"))'], ""),
            "does not contain": (["brand:[* TO *]", "(*:* -brand:/.*[xX].*/)"], ""),
            "not below": (["price:[5 TO *]"], ""),
            "missing": (["(*:* -brand:[* TO *])"], ""),
            "missing number": (["(*:* -price:[* TO *])"], ""),
            "has a value": (["price:[* TO *]"], ""),
            "missing list": (["(*:* -tags:[* TO *])"], ""),
            "list has": (["tags:/[nN][eE][wW]/"], ""),
            "list has one of": (["(tags:/[nN][eE][wW]/ OR tags:/[uU][sS][eE][dD]/)"], ""),
            "list has not": (["tags:[* TO *]", "(*:* -tags:/[nN][eE][wW]/)"], ""),
            "list between": (["sizes:[2 TO 8]"], ""),
            "list above": (["sizes:{2 TO *]"], ""),
            "and, or": (['(origin:"usa" OR wireless:false)', "(price:[* TO 5} OR (doors:4 AND price:{90 TO *]))"], ""),
        },
        "https://solr.apache.org/guide/solr/latest/query-guide/standard-query-parser.html#range-searches": {
            "below zero": (['price:[* TO "-0.0000001"}'], ""),
            "at least": (["price:[5 TO *]"], ""),
            "above": (["doors:{2 TO *]"], ""),
            "between": (["price:[5 TO 9.5]"], ""),
            "day": (['released:"2026-01-31T00:00:00Z"'], ""),
            "since a day": (['released:["2026-01-31T00:00:00Z" TO *]'], ""),
            "instant": (['seen:[* TO "2026-01-31T12:00:00Z"}'], ""),
            "a day's instants": (['seen:["2026-01-31T00:00:00Z" TO "2026-02-01T00:00:00Z"}'], ""),
            "time": (['opens:{"09:30:00" TO *]'], ""),
        },
        "https://lucene.apache.org/core/9_12_0/core/org/apache/lucene/util/automaton/RegExp.html": {
            "contains": (["brand:/.*50%_\\*.*/"], ""),
            "contains, exactly": (["brand:/.*Bo.*/"], ""),
            "begins with": (["brand:/[Bb][oO].*/"], ""),
            "ends with": (["brand:/.*[sS][eE]/"], ""),
        },
        "https://solr.apache.org/guide/solr/latest/query-guide/standard-query-parser.html#escaping-special-characters": {
            "signs": (['origin:"a\\"b\\\\c\'d`e\n(f) AND g:*/"'], ""),
            "signs in a part": (["brand:/.*[aA]\\\"[bB][\\\\][cC]'[dD] [eE].*/"], ""),
        },
    },
    # https://solr.apache.org/guide/solr/latest/query-guide/common-query-parameters.html
    whole={
        "q": 'noise "x" -y',
        "defType": "edismax",
        "uf": "-*",
        "fq": ["price:[5 TO *]"],
        "sort": "price asc,brand desc",
        "rows": 10,
        "lossy": ["/sort"],
    },
    in_other_forms={
        "day": ["day:1769817600"],
        "instant": ["seen:[* TO 1769860800000}"],
        "a day's instants": ["seen:[1769817600000 TO 1769904000000}"],
        "time": ["opens:{34200 TO *]"],
    },
    with_a_value_for_none={
        "missing": ['brand:"-"'],
        "not": ['(*:* -brand:"-")', "(*:* -brand:/[Bb][oO][sS][eE]/)"],
        "has a value": ['(*:* -price:"-1")'],
    },
    including_unknowns={
        "not": ["(*:* -brand:/[Bb][oO][sS][eE]/)"],
        "not, number": ["(*:* -doors:4)"],
        "list has not": ["(*:* -tags:/[nN][eE][wW]/)"],
    },
)
