"""CQL2-text, parsed into CQL2-JSON, which the reader understands.

The grammar is that of the standard without geometries, and with bare boolean properties and `TIME('18:30:00')`, as in
our CQL2-JSON. Precedence from the loosest: OR, AND, NOT, comparisons, + and -, * / % div, ^, sign.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from nlp2filters.core.cql2.temporal import MIRRORED
from nlp2filters.errors import InvalidFilter, Violation

# Parentheses and signs within each other; the reader has its own limit on the levels of a filter.
_MAX_DEPTH = 40
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<word>[^\W\d:]|[:])(?P<rest>[\w:.\u203f\u2040]*)
  | "(?P<quoted>(?:[^"]|"")*)"
  | '(?P<string>(?:[^'\\]|''|\\.)*)'
  | (?P<sign><>|<=|>=|[-+*/%^=<>(),])
  | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"''|\\([abtnvfr'\\])", re.DOTALL)
_CONTROLS = {"a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
LITERALS = ("date", "timestamp", "time")
# Geometries have a syntax of their own.
_GEOMETRIES = (
    *("point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"),
    *("geometrycollection", "bbox"),
)
KEYWORDS = ("and", "or", "not", "like", "between", "in", "is", "null", "true", "false", "div")
# Functions of the standard, whose case is free in a text, in the spelling of the JSON.
_FUNCTIONS = {
    name.lower(): name
    for name in (
        *("casei", "accenti", "a_containedBy", "a_contains", "a_equals", "a_overlaps"),
        *MIRRORED,
        *("s_contains", "s_crosses", "s_disjoint", "s_equals", "s_intersects", "s_overlaps", "s_touches", "s_within"),
    )
}


class Expression(dict[str, Any]):
    """A CQL2-JSON object, with the index of its first character in the text."""

    def __init__(self, start: int, members: dict[str, Any]) -> None:
        super().__init__(members)
        self.start = start


def parse(text: str) -> Any:
    """Parse CQL2-text into CQL2-JSON.

    Raises:
        InvalidFilter: it is not of the grammar; the pointer is that of the whole, and the detail says where.
    """
    parser = _Parser(text)
    expression = parser.disjunction()
    if parser.token.kind != "end":
        parser.fail("Expected an operator, AND, OR or the end")
    return expression


def position(data: Any, pointer: str) -> str:
    """Say where the part of a parsed text that a pointer leads to begins."""
    start = 0
    for key in ("", *pointer.split("/")[1:]):
        if key:
            data = data[int(key) if isinstance(data, list) else key]
        if isinstance(data, Expression):
            start = data.start
    return f"at character {start + 1}"


@dataclass(frozen=True, slots=True)
class _Token:
    """A token: `value` is the parsed literal, the name, or the sign; `word` the keyword in lower case."""

    kind: str
    value: Any
    start: int

    @property
    def word(self) -> str:
        return str(self.value).lower() if self.kind == "word" else ""


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while True:
        match = _TOKEN.match(text, at)
        if not match:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            hint = "This string has no end" if text[start] in "'\"" else f"Unexpected {text[start]!r}"
            raise InvalidFilter([Violation("", f"{hint} at character {start + 1}.")])
        at, kind = match.end(), str(match.lastgroup)
        kind = "word" if kind == "rest" else kind
        start = match.start(kind) - (kind in ("quoted", "string"))
        yield _Token(kind, _value(kind, match), start)
        if kind == "end":
            return


def _value(kind: str, match: re.Match[str]) -> Any:
    text = match[kind]
    match kind:
        case "number":
            return int(text) if text.isdecimal() and len(text) < 400 else float(text)
        case "word":
            return text + match["rest"]
        case "quoted":
            return text.replace('""', '"')
        case "string":
            return _ESCAPE.sub(lambda sign: _CONTROLS.get(sign[1], sign[1]) if sign[1] else "'", text)
    return text


class _Parser:
    """A parser by recursive descent: one method for each level of precedence."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._depth = 0
        self.token = next(self._tokens)

    def fail(self, expectation: str) -> NoReturn:
        token = self.token
        what = "the end" if token.kind == "end" else repr(token.value)[:50]
        raise InvalidFilter([Violation("", f"{expectation}, not {what}, at character {token.start + 1}.")])

    def advance(self) -> _Token:
        token = self.token
        self.token = next(self._tokens)
        return token

    def take(self, *words: str) -> bool:
        """Take the next token if it is one of these keywords or signs."""
        if self.token.word not in words and not (self.token.kind == "sign" and self.token.value in words):
            return False
        self.advance()
        return True

    def expect(self, word: str) -> None:
        if not self.take(word):
            self.fail(f"Expected {word.upper()}")

    def disjunction(self) -> Any:
        return self._joined("or", self.conjunction)

    def conjunction(self) -> Any:
        return self._joined("and", self.negation)

    def _joined(self, word: str, part: Callable[[], Any]) -> Any:
        start, args = self.token.start, [part()]
        while self.take(word):
            args.append(part())
        return Expression(start, {"op": word, "args": args}) if len(args) > 1 else args[0]

    def negation(self) -> Any:
        start = self.token.start
        if self.take("not"):
            with self._nested():
                return Expression(start, {"op": "not", "args": [self.negation()]})
        return self.comparison()

    def comparison(self) -> Any:
        start, operand = self.token.start, self.sum()
        if self.token.kind == "sign" and self.token.value in _COMPARISONS:
            op = self.advance().value
            return Expression(start, {"op": op, "args": [operand, self.sum()]})
        if self.take("is"):
            negated = self.take("not")
            self.expect("null")
            return _negated(Expression(start, {"op": "isNull", "args": [operand]}), negated)
        negated = self.take("not")
        if self.take("like"):
            return _negated(Expression(start, {"op": "like", "args": [operand, self.sum()]}), negated)
        if self.take("between"):
            low = self.sum()
            self.expect("and")
            return _negated(Expression(start, {"op": "between", "args": [operand, low, self.sum()]}), negated)
        if self.take("in"):
            self.expect("(")
            return _negated(Expression(start, {"op": "in", "args": [operand, self.list()]}), negated)
        if negated:
            self.fail("Expected LIKE, BETWEEN or IN after NOT")
        return operand

    def sum(self) -> Any:
        return self._arithmetic(("+", "-"), self.product)

    def product(self) -> Any:
        return self._arithmetic(("*", "/", "%", "div"), self.power)

    def power(self) -> Any:
        return self._arithmetic(("^",), self.signed)

    def _arithmetic(self, signs: tuple[str, ...], part: Callable[[], Any]) -> Any:
        start, operand = self.token.start, part()
        while (self.token.value in signs and self.token.kind == "sign") or self.token.word in signs:
            op = str(self.advance().value).lower()
            operand = Expression(start, {"op": op, "args": [operand, part()]})
        return operand

    def signed(self) -> Any:
        start = self.token.start
        if self.take("-"):
            with self._nested():
                value = self.signed()
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return -value if is_number else Expression(start, {"op": "*", "args": [-1, value]})
        if self.take("+"):
            with self._nested():
                return self.signed()
        return self.atom()

    def atom(self) -> Any:
        token = self.token
        match token.kind:
            case "number" | "string":
                return self.advance().value
            case "quoted":
                return Expression(token.start, {"property": self.advance().value})
            case "word" if token.word in ("true", "false"):
                return self.advance().word == "true"
            case "word" if token.word not in KEYWORDS:
                self.advance()
                if token.word in _GEOMETRIES and (self.token.value == "(" or self.token.word == "z"):
                    detail = "Geometries are not supported: of a place, only IS NULL can be tested"
                    raise InvalidFilter([Violation("", f"{detail}, at character {token.start + 1}.")])
                if self.take("("):
                    return self.call(token)
                return Expression(token.start, {"property": token.value})
        if not self.take("("):
            self.fail("Expected a property, a value or (")
        with self._nested():
            return self.parenthesized()

    def parenthesized(self) -> Any:
        """Parse what follows "(": an expression, or a list of none or of several."""
        if self.take(")"):
            return []
        first = self.disjunction()
        if self.take(")"):
            return first
        self.expect(",")
        return [first, *self.list()]

    def list(self) -> list[Any]:
        """Parse values up to ")"."""
        values = []
        with self._nested():
            while not self.take(")"):
                values.append(self.disjunction())
                if not self.take(","):
                    self.expect(")")
                    break
        return values

    def call(self, name: _Token) -> Expression:
        """Parse the arguments of a function, after "("."""
        word = name.word
        args = self.list()
        if word == "interval":
            return Expression(name.start, {"interval": args})
        if word in LITERALS and len(args) == 1:
            return Expression(name.start, {word: args[0]})
        op = _FUNCTIONS.get(word, name.value)
        if op.startswith("a_"):
            # A list of one element looks like an expression in parentheses.
            args = [arg if isinstance(arg, list) or _is_property(arg) else [arg] for arg in args]
        return Expression(name.start, {"op": op, "args": args})

    @contextmanager
    def _nested(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            self.fail(f"Expected {_MAX_DEPTH} levels of parentheses at the most")
        yield
        self._depth -= 1


def _is_property(data: Any) -> bool:
    return isinstance(data, Expression) and "property" in data


def _negated(expression: Expression, negated: bool) -> Expression:
    return Expression(expression.start, {"op": "not", "args": [expression]}) if negated else expression
