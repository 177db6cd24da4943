"""300 hostile values and identifiers in every dialect: bound, or escaped by the engine's own rule.

What a dialect writes for a hostile text is compared with what it writes for a plain one. `READERS` read a query as the
engine does. Both must be trees of the same shape, which differ in that text only.
"""

import ast
import json
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import sqlglot
from sqlglot import TokenType

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.dialects import DIALECTS
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.filters import And, Comparison, Contains, Filter, IsNull, Not, OneOf
from nlp2filters.core.interpretation import Interpretation, Sort
from tests.core.dialects.strings import readers

PIECES = (
    *("'", '"', "`", "\\", "/", "''", '""', "\\'", "--", "/*", "*/", ";", "%", "_", "[", "]", "]]", "(", ")", "{", "}"),
    *(":p_1", ":x", "$1", "$where", "$$", "@p", "?", "*", "~", "|", "||", "&&", "!", "^", "<", ">", "=", ",", ".", "#"),
    *("\n", "\r\n", "\t", "\0", "\x1a", "\u2028", " ", "é", "İ", "東", "𝄞", "\ufeff", "%s", "%(x)s", "{0}", "${x}"),
    *(" OR 1=1", " AND ", "NULL", "true", "lambda: 0", "__import__('os')", "')", '")', "'}", "</script>"),
)


def _hostile(count: int) -> Iterator[str]:
    yield from PIECES
    chance = random.Random(13)
    for _ in range(count - len(PIECES)):
        yield "".join(chance.choice((*PIECES, "a", "b")) for _ in range(chance.randint(2, 6)))


TEXTS = tuple(_hostile(300))

# A plain text, in the place of a hostile one.
PLAIN = "zz"

# A query as the engine reads it: a tree in which literals and names are strings without quotes and escapes.
Tree = Any


def read_json(query: Mapping[str, Any]) -> Tree:
    """Return a query of JSON objects as it is: its strings are literals, and its keys names or operators."""
    return dict(query)


def read_operators(query: Mapping[str, Any]) -> Tree:
    """Return a query whose keys are names or operators, of which those of a name are none."""
    for key in _keys(query):
        assert not key.startswith("$") or key in OPERATORS, f"{key} is read as an operator"
    return dict(query)


OPERATORS = frozenset(
    [
        "$and",
        "$or",
        "$nor",
        "$not",
        "$eq",
        "$ne",
        "$in",
        "$nin",
        "$gt",
        "$gte",
        "$lt",
        "$lte",
        "$exists",
        "$elemMatch",
        "$regex",
        "$options",
        "$size",
        "$date",
        "$contains",
        "$not_contains",
        "$match",
        "$addFields",
        "$sort",
        "$limit",
        "$unset",
        "$ifNull",
    ]
)


def _keys(tree: Tree) -> Iterator[str]:
    if isinstance(tree, dict):
        yield from tree
    for part in _parts(tree) if isinstance(tree, dict | list) else ():
        yield from _keys(part)


def read_python(query: Mapping[str, Any]) -> Tree:
    """Return an expression that may only call what the library has."""
    tree = ast.parse(query["expression"], mode="eval")
    for node in ast.walk(tree):
        assert isinstance(node, _EXPRESSIONS), ast.dump(node)
        assert not isinstance(node, ast.Name) or node.id in ("df", "pl", "datetime", "queryset", "Q", "F")
        assert not isinstance(node, ast.Attribute) or not node.attr.startswith("_")
    return _of_node(tree)


_EXPRESSIONS = (
    *(ast.Expression, ast.Call, ast.Attribute, ast.Name, ast.Load, ast.Constant, ast.keyword, ast.List, ast.Dict),
    *(ast.UnaryOp, ast.Invert, ast.USub, ast.BinOp, ast.BitAnd, ast.BitOr, ast.Compare, ast.cmpop),
    *(ast.Subscript, ast.Slice),
)


def _of_node(node: Any) -> Tree:
    if isinstance(node, list):
        return [_of_node(part) for part in node]
    if not isinstance(node, ast.AST):
        return node
    return [type(node).__name__, *(_of_node(part) for _, part in ast.iter_fields(node))]


def read_sql(language: str | None) -> Callable[[Mapping[str, Any]], Tree]:
    """Return a function that reads a statement as tokens: names and words, literals, signs. Its values are apart."""

    def read(query: Mapping[str, Any]) -> Tree:
        statement, params = query["statement"], query["params"]
        if "%(p_" in statement:
            statement %= dict.fromkeys(params, "?")
        # The escape of sqlalchemy.text().
        statement = statement if language else statement.replace("\\:", ":")
        tokens: list[str] = []
        in_parts = False
        for token in sqlglot.tokenize(statement, read=language):
            # A name with dots may be written in parts.
            is_dot = token.token_type is TokenType.DOT
            if is_dot or in_parts:
                tokens[-1] += token.text
            else:
                tokens.append(token.text)
            in_parts = is_dot
        return [tokens, params]

    return read


READERS: Mapping[str, Callable[[Mapping[str, Any]], Tree]] = {
    **dict.fromkeys(("elasticsearch", "opensearch", "qdrant", "weaviate", "hasura", "prisma"), read_json),
    **dict.fromkeys(("mongodb", "pinecone", "chroma"), read_operators),
    **dict.fromkeys(("django", "pandas", "polars"), read_python),
    **readers.READERS,
    "sql": read_sql(None),
    **{name: read_sql(name) for name in ("mysql", "sqlite", "duckdb", "bigquery", "snowflake", "clickhouse")},
    "postgresql": read_sql("postgres"),
    "mssql": read_sql("tsql"),
}


def differences(plain: Tree, hostile: Tree) -> Iterator[tuple[str, str]]:
    """Yield the strings that differ between two trees of the same shape."""
    match plain, hostile:
        case (dict(), dict()) | (list(), list()) if len(plain) == len(hostile):
            for one, other in zip(_parts(plain), _parts(hostile), strict=True):
                yield from differences(one, other)
        case str(), str():
            if plain != hostile:
                yield plain, hostile
        case _:
            assert plain == hostile
            assert type(plain) is type(hostile)


def _parts(tree: Tree) -> list[Tree]:
    return tree if isinstance(tree, list) else [part for item in tree.items() for part in item]


def compiled(dialect: str, field: str, node: Filter, **asked: Any) -> tuple[Tree, list[dict[str, Any]]]:
    """Compile for a catalog with an integer field of this name, and read the query."""
    catalog = catalogs.parse(
        {
            "name": "shop",
            "fields": [
                {"name": field, "type": "integer"},
                {"name": "kind", "type": "keyword", "closed": True, "values": list(dict.fromkeys([PLAIN, *TEXTS]))},
                {"name": "brand", "type": "keyword"},
            ],
        }
    )
    query = compile_dialect(dialect, Interpretation(filter=node, **asked), catalog)
    losses = query.pop("lossy")
    return READERS[dialect](query), losses


readable = pytest.mark.parametrize("dialect", READERS)


@readable
def test_a_value_comes_back_as_it_is(dialect: str) -> None:
    def tree(text: str) -> tuple[Tree, list[dict[str, Any]]]:
        return compiled(dialect, "n", And((Comparison("=", "kind", text), Not(OneOf("kind", (text, "a b"))))))

    plain, losses = tree(PLAIN)
    for text in TEXTS:
        hostile, hostile_losses = tree(text)
        if len(hostile_losses) == len(losses):
            assert set(differences(plain, hostile)) == {(PLAIN, text)}


@readable
@pytest.mark.parametrize("kind", ["contains", "equals"])
def test_a_text_in_a_pattern_changes_no_shape(dialect: str, kind: str) -> None:
    def tree(text: str) -> tuple[Tree, list[dict[str, Any]]]:
        return compiled(dialect, "n", Contains("brand", text) if kind == "contains" else Comparison("=", "brand", text))

    plain, losses = tree(PLAIN)
    for text in TEXTS:
        # What is blank cannot be searched for; pandas compares with this letter twice.
        if not text.strip() or "İ" in text:
            continue
        hostile, hostile_losses = tree(text)
        if _left_out(hostile_losses) == _left_out(losses):
            assert all(PLAIN in one for one, _ in differences(plain, hostile)), text


def _left_out(losses: list[dict[str, Any]]) -> int:
    return sum(loss["effect"] == "wider" for loss in losses)


@readable
def test_a_name_is_a_name_or_reported(dialect: str) -> None:
    def tree(name: str) -> tuple[Tree, list[dict[str, Any]]]:
        node = And((Comparison("<", name, 5), Not(IsNull(name)), OneOf(name, (1, 2))))
        return compiled(dialect, name, node, sort=(Sort(name, "desc"),))

    plain, losses = tree(PLAIN)
    for name in TEXTS:
        hostile, hostile_losses = tree(name)
        if len(hostile_losses) > len(losses):
            assert not DIALECTS[dialect].capabilities.can_name(name)
            continue
        assert all(
            other == one.replace(PLAIN, name) or other == f'"{name}"' for one, other in differences(plain, hostile)
        )


@pytest.mark.parametrize(
    ("dialect", "name"),
    [
        *(("mongodb", name) for name in ("$where", "$or", "a.$b", "a\0")),
        *(("pinecone", name) for name in ("$and", "$eq")),
        *(("chroma", name) for name in ("$or", "#document", "chroma:document")),
        *(("hasura", name) for name in ("_or", "_and", "_not", "a b")),
        *(("prisma", name) for name in ("OR", "AND", "NOT", "_a")),
    ],
)
def test_a_name_that_is_an_operator(dialect: str, name: str) -> None:
    assert not DIALECTS[dialect].capabilities.can_name(name)
    assert compiled(dialect, name, Comparison("=", name, 1))[1]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_takes_them_all(dialect: str) -> None:
    """No text raises an error, and the whole is JSON."""
    for text in TEXTS:
        catalog = catalogs.parse({"name": text, "fields": [{"name": text, "type": "keyword", "values": [text]}]})
        parts = (Comparison("=", text, text), Not(OneOf(text, (text, "a"))), Contains(text, f"a{text}"), IsNull(text))
        asked = Interpretation(filter=And(parts), sort=(Sort(text, "asc"),), limit=1, text=text)
        json.dumps(compile_dialect(dialect, asked, catalog))
