"""Readers of queries that are lines of text: their tokens, with strings and names as they are without quotes and escapes.

A token is what each engine's rule says it is, so that a value that left its quotes would become others.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Reader = Callable[[Mapping[str, Any]], Any]

_LETTERS = {"n": "\n", "r": "\r", "t": "\t"}
_BETWEEN_QUOTES = r'"(?:[^"\\]|\\.)*"'
_WORD, _SIGN = r"[\w@$]+", r"[^\w\s@$]"


def unescape(text: str) -> str:
    """Every sign after a backslash is itself."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def unescape_letters(text: str) -> str:
    """Some letters after a backslash are others, as in C."""
    return re.sub(r"\\(.)", lambda escape: _LETTERS.get(escape[1], escape[1]), text, flags=re.DOTALL)


def tokens(query: str, strings: Mapping[str, Callable[[str], str]]) -> list[str]:
    """The tokens of a query. `strings` decode those that match the pattern."""
    kinds = [*strings, _WORD, _SIGN]
    token = re.compile("|".join(f"({kind})" for kind in kinds), re.DOTALL)
    decoders: list[Callable[[str], str]] = [*strings.values(), str, str]
    read, at = [], 0
    for match in token.finditer(query):
        assert not query[at : match.start()].strip(), query[at:]
        at = match.end()
        read.append(decoders[(match.lastindex or 0) - 1](match[0]))
    return read


def reader(member: str, strings: Mapping[str, Callable[[str], str]]) -> Reader:
    """A reader of the member that has the filter; the others stay as they are."""

    def read(query: Mapping[str, Any]) -> Any:
        filters = query.get(member, "")
        return {**query, member: tokens(" ".join(filters) if isinstance(filters, list) else filters, strings)}

    return read


def within(decode: Callable[[str], str]) -> Callable[[str], str]:
    """Decode what is between two quotes."""
    return lambda text: decode(text[1:-1])


def regular_expression(text: str) -> str:
    """The text that a regular expression of Lucene finds, if its classes are the two cases of a letter."""
    return unescape(re.sub(r"(?<!\\)\[(\w)\w+\]", lambda both: both[1].lower(), text[1:-1]))


def without_last_blank(text: str) -> str:
    """Typesense takes a backquote after a backslash for a part of the value, so that a blank stands between them."""
    return text.removesuffix(" ") if text.endswith("\\ ") else text


def kusto(query: Mapping[str, Any]) -> Any:
    read = tokens(
        query["query"], {rf"\[{_BETWEEN_QUOTES}\]": lambda name: within(unescape_letters)(name[1:-1]), **C_LIKE}
    )
    return {"query": read}


def logql(query: Mapping[str, Any]) -> Any:
    """The alternatives of a regular expression are tokens, too."""
    read: list[str] = []
    for token in tokens(query["query"], C_LIKE):
        flags = re.match(r"\(\?i?s\)(\(\?:)?", token)
        read += _alternatives(token, flags) if flags else [token]
    return {**query, "query": read}


def _alternatives(pattern: str, flags: re.Match[str]) -> list[str]:
    inner = pattern[flags.end() : -1 if flags[1] else None]
    return [unescape(part) for part in re.findall(r"(?:\\.|[^|\\])+", inner, re.DOTALL)]


def datadog(query: Mapping[str, Any]) -> Any:
    return {**query, "filter": tokens(query["filter"]["query"], {**QUOTED, r'(?:\\.|[^\s\\():"\[\]<>=])+': unescape})}


def postgrest(query: Mapping[str, Any]) -> Any:
    """The URL says the same as the parameters."""
    address = urlsplit(query["url"])
    assert {name: value for name, (value,) in parse_qs(address.query).items()} == query["params"]
    assert unquote(address.path) == "/shop"
    return {name: tokens(value, QUOTED) for name, value in query["params"].items()}


QUOTED = {_BETWEEN_QUOTES: within(unescape)}
C_LIKE = {_BETWEEN_QUOTES: within(unescape_letters)}

READERS: Mapping[str, Reader] = {
    "typesense": reader("filter_by", {r"`(?:[^`]|(?<=\\)`)*(?<!\\)`": within(without_last_blank)}),
    "meilisearch": reader("filter", C_LIKE),
    "algolia": reader("filters", QUOTED),
    "milvus": reader("filter", C_LIKE),
    "solr": reader(
        "fq", {**QUOTED, r"/(?:[^/\\]|\\.)*/": regular_expression, r'(?:\\.|[^\s\\():\[\]{}"/])+': unescape}
    ),
    "vespa": reader("yql", C_LIKE),
    "odata": reader("$filter", {"'(?:[^']|'')*'": within(lambda text: text.replace("''", "'"))}),
    "kusto": kusto,
    "kibana": reader("query", {**C_LIKE, r'(?:\\.|[^\s\\():"<>{}])+': unescape}),
    "logql": logql,
    "datadog": datadog,
    "postgrest": postgrest,
}
