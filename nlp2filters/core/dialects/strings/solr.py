"""Search parameters of Solr, for its standard query parser.

Strings are of a type that is not analysed (`string`), dates of a `date` type, times of day strings. A comparison that
ignores case is a regular expression with both cases of every letter. A negation stands beside `*:*`, because a group of
negations alone selects nothing. https://solr.apache.org/guide/solr/latest/query-guide/standard-query-parser.html

A long list of exact values is a query of another parser within this one. Send such a query in the body of a POST.
https://solr.apache.org/guide/solr/latest/query-guide/other-parsers.html#terms-query-parser
"""

import re
from functools import lru_cache
from itertools import count
from typing import Any

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.lucene import has_too_many_alternatives, refuses_folded_list
from nlp2filters.core.dialects.strings.infix import InfixWriter, without_absent
from nlp2filters.core.dialects.tree import And, Eq, Has, In, Range, Test, Value
from nlp2filters.core.dialects.writer import Search
from nlp2filters.core.mapping import StoredField

# The signs of Lucene's regular expressions, and the slash that ends them.
_SIGNS = re.compile(r'[.?+*|{}\[\]()"\\#@&<>~^$/-]')
_NAME_SIGNS = re.compile(r"[^A-Za-z0-9_.]")
_SINGLE_QUOTES = str.maketrans({"'": "\\'", "\\": "\\\\"})


def render(search: Search) -> dict[str, Any]:
    """Return `{"q", "fq", "sort", "rows"}`, with `defType` if there are words to search for; `fq` is a list."""
    writer, where = SolrWriter(search.target), search.where
    parts = where.args if isinstance(where, And) else (where,) if where else ()
    parameters = {
        "q": search.text or "*:*",
        "defType": "edismax" if search.text else "",
        # Words of a user are no query syntax.
        "uf": "-*" if search.text else "",
        "fq": [writer.write(part) for part in parts],
        "sort": ",".join(f"{search.target.name(key.field)} {key.direction}" for key in search.sort),
        "rows": search.limit,
    }
    return without_absent(parameters)


def refuses(test: Test, _: StoredField) -> str | None:
    """Return the reason why a test cannot be written."""
    return refuses_folded_list(test)


class SolrWriter(InfixWriter):
    """A writer of filter queries."""

    equal, separator, two_zeros, negative_zero = ":", " OR ", True, '"-0.0"'

    def eq(self, test: Eq) -> str:
        if test.fold:
            return f"{self.name(test.field)}:/{_in_any_case(str(test.value))}/"
        return super().eq(test)

    def one_of(self, test: In) -> str:
        if test.fold:
            return super().one_of(test)
        if has_too_many_alternatives(test):
            return self.terms(test)
        return f"{self.name(test.field)}:({self.literals(test)})"

    def terms(self, test: In) -> str:
        """Write that a field has one of any number of exact values."""
        zeros = ["-0.0"] if self.has_two_zeros(test.field) and 0 in test.values else []
        among = [self.plain(value, test.field) for value in test.values] + zeros
        everything = "".join(among)
        separator = next(sign for sign in map(chr, count(ord(","))) if sign not in everything)
        values = separator.join(among).translate(_SINGLE_QUOTES)
        return f"{{!terms f={self.target.name(test.field)} separator='{separator}' v='{values}'}}"

    def range(self, test: Range) -> str:
        signs = (">" if test.low_open else ">=", test.low), ("<" if test.high_open else "<=", test.high)
        low, high = ("*" if limit is None else self.limit(sign, limit, test.field) for sign, limit in signs)
        return f"{self.name(test.field)}:{'{' if test.low_open else '['}{low} TO {high}{'}' if test.high_open else ']'}"

    def has(self, test: Has) -> str:
        before, after = ".*" * (test.anchor != "start"), ".*" * (test.anchor != "end")
        return f"{self.name(test.field)}:/{before}{(_in_any_case if test.fold else _literal)(test.text)}{after}/"

    def negated(self, test: Test) -> str:
        return f"(*:* -{self.write(test)})"

    def missing(self, field: Field) -> str:
        return f"(*:* -{self.exists(field)})"

    def exists(self, field: Field) -> str:
        return f"{self.name(field)}:[* TO *]"

    def name(self, field: Field) -> str:
        return _name(self.target.name(field))

    def literal(self, value: Value, field: Field) -> str:
        plain = self.plain(value, field)
        # A minus would be a negation.
        is_text = plain.startswith("-") or isinstance(self.stored(value, field), str)
        return self.text(plain) if is_text else plain

    def plain(self, value: Value, field: Field) -> str:
        """Return a value without quotation marks."""
        stored = self.stored(value, field)
        if isinstance(stored, str):
            # A type for dates has instants only.
            return f"{stored}T00:00:00Z" if field.type == "date" else stored
        return super().literal(value, field)


@lru_cache(maxsize=1024)
def _name(name: str) -> str:
    return _NAME_SIGNS.sub(r"\\\g<0>", name)


def _literal(text: str) -> str:
    """Return the regular expression for a text."""
    # A backslash before the slash that ends the expression would escape it.
    return _SIGNS.sub(r"\\\g<0>", text).replace("\\\\", "[\\\\]")


def _in_any_case(text: str) -> str:
    """Return the regular expression for a text in upper or lower case."""
    return "".join(map(_any_case, text))


@lru_cache(maxsize=1024)
def _any_case(sign: str) -> str:
    cases = dict.fromkeys((sign, sign.lower(), sign.upper()))
    letters = [case for case in cases if len(case) == 1]
    return f"[{''.join(letters)}]" if len(letters) > 1 else _literal(sign)
