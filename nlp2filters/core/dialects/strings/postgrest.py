"""The query string of PostgREST, which Supabase shares.

Values stand in double quotes within `and=(…)`. `*` in a pattern of `like` cannot be literal, so text is searched for by
regular expressions. https://docs.postgrest.org/en/stable/references/api/tables_views.html
"""

import re
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.strings.infix import InfixWriter, regex_literal
from nlp2filters.core.dialects.tree import And, Eq, Has, In, Range, Test
from nlp2filters.core.dialects.writer import Search

_OPERATORS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
# `and`, `or` and `not` would begin a group.
_PLAIN = re.compile(r"(?!(?:and|or|not)$)[A-Za-z_][A-Za-z0-9_]*")


def render(search: Search) -> dict[str, Any]:
    """Return `{"params", "url"}`: parameters by name, and the path with them percent-encoded.

    A mapping's schema is a header: https://docs.postgrest.org/en/stable/references/api/schemas.html
    """
    writer, where = PostgRESTWriter(search.target), search.where
    params: dict[str, str] = {}
    if where is not None:
        parts = where.args if isinstance(where, And) else (where,)
        params["and"] = f"({','.join(map(writer.write, parts))})"
    if search.sort:
        keys = [f"{writer.name(key.field)}.{key.direction}.nullslast" for key in search.sort]
        params["order"] = ",".join(keys)
    if search.limit is not None:
        params["limit"] = str(search.limit)
    query = "?" + "&".join([f"{name}={quote(value, safe='')}" for name, value in params.items()]) if params else ""
    schema = search.target.mapping.schema
    headers = {"headers": {"Accept-Profile": schema}} if schema else {}
    return {"params": params, "url": f"/{quote(search.target.table, safe='')}{query}", **headers}


class PostgRESTWriter(InfixWriter):
    """A writer of the conditions within `and=(…)`."""

    separator = ","

    def every(self, parts: Any) -> str:
        return f"and({','.join(parts)})"

    def some(self, parts: Any) -> str:
        return f"or({','.join(parts)})"

    def eq(self, test: Eq) -> str:
        return self._condition(test, "")

    one_of = has = eq  # type: ignore[assignment]

    def range(self, test: Range) -> str:
        parts = []
        if test.low is not None:
            parts.append(self._part(test.field, "gt" if test.low_open else "gte", self.literal(test.low, test.field)))
        if test.high is not None:
            parts.append(self._part(test.field, "lt" if test.high_open else "lte", self.literal(test.high, test.field)))
        return self.every(parts) if len(parts) > 1 else parts[0]

    def negated(self, test: Test) -> str:
        if isinstance(test, Range):
            return f"not.{self.every([self.range(test)])}"
        return self._condition(test, "not.")

    def missing(self, field: Field) -> str:
        null = self._part(field, "is", "null")
        return self.some([null, self._part(field, "eq", "{}")]) if field.many else null

    def exists(self, field: Field) -> str:
        return self._part(field, "neq", "{}") if field.many else self._part(field, "not.is", "null")

    def name(self, field: Field) -> str:
        return _name(self.target.name(field))

    def _condition(self, test: Test, negation: str) -> str:
        field = test.field
        match test:
            case Eq(_, value) if field.many:
                return self._part(field, f"{negation}cs", self.text(f"{{{self._element(value, field)}}}"))
            case In(_, values) if field.many:
                elements = ",".join(self._element(value, field) for value in values)
                return self._part(field, f"{negation}ov", self.text(f"{{{elements}}}"))
            case Eq(_, value, True):
                return self._part(field, f"{negation}imatch", self.text(f"^{regex_literal(str(value))}$"))
            case In(_, values, True):
                alternatives = "|".join([regex_literal(str(value)) for value in values])
                return self._part(field, f"{negation}imatch", self.text(f"^({alternatives})$"))
            case Has(_, text, anchor, fold):
                start, end = "^" * (anchor == "start"), "$" * (anchor == "end")
                pattern = self.text(f"{start}{regex_literal(text)}{end}")
                return self._part(field, f"{negation}{'imatch' if fold else 'match'}", pattern)
            case Eq(_, value):
                return self._part(field, f"{negation}eq", self.literal(value, field))
            case In(_, values):
                return self._part(field, f"{negation}in", f"({self.literals(test)})")
        raise AssertionError("ranges are written by `range`")

    def _part(self, field: Field, operator: str, value: str) -> str:
        return f"{self.name(field)}.{operator}.{value}"

    def _element(self, value: Any, field: Field) -> str:
        """Write a value as an element of an array of PostgreSQL."""
        return self.text(str(self.stored(value, field)))


@lru_cache(maxsize=1024)
def _name(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else f'"{name.translate(PostgRESTWriter.escapes)}"'
