"""Fitting: a lowered filter rewritten to what an engine can express, with a report of what it cannot."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from nlp2filters.core.catalog import STRINGS, Field
from nlp2filters.core.dialects.capabilities import NO_SUPPORT, Capabilities, Effect, TestName
from nlp2filters.core.dialects.tree import (
    And,
    Eq,
    Exists,
    Has,
    In,
    Missing,
    Node,
    Not,
    Or,
    Range,
    Test,
    conjunction,
    disjunction,
    values,
    with_args,
)
from nlp2filters.core.mapping import StoredField

# An AND of ORs can be exponentially longer than the filter that it is made of.
MAX_CLAUSES = 500

OPPOSITE: dict[Effect, Effect] = {"wider": "narrower", "narrower": "wider", "order": "order"}
NAMES: dict[type[Test], TestName] = {Eq: "eq", In: "in", Range: "range", Has: "has"}


@dataclass(frozen=True, slots=True)
class Loss:
    """A part of a result that the compiled query does not say, or says only roughly.

    `pointer` is its place in the result. The query selects more rows than asked for ("wider"), fewer ("narrower"), or
    the same in another order or number ("order").
    """

    pointer: str
    reason: str
    effect: Effect

    def to_json(self) -> dict[str, str]:
        """Return the loss as JSON data."""
        return {"pointer": self.pointer, "reason": self.reason, "effect": self.effect}


def fit(
    node: Node, capabilities: Capabilities, title: str, stored: Callable[[Field], StoredField]
) -> tuple[Node | None, list[Loss]]:
    """Rewrite a filter for an engine.

    In what comes out, `Not` selects rows without a value exactly if the engine's own negation does: guards are spelled
    out as `Exists` and `Missing`. A test that the engine cannot express is left out, so that the query selects more
    rows and never fewer; if it is an alternative, so are the others. Only a comparison of case may become stricter.
    Without any test left, the filter is None.
    """
    fitting = _Fitting(capabilities, title, stored)
    return fitting.normal_form(fitting.node(node)), fitting.losses


@dataclass
class _Fitting:
    engine: Capabilities
    title: str
    stored: Callable[[Field], StoredField]
    losses: list[Loss] = field(default_factory=list)

    def lose(self, at: str, reason: str, effect: Effect = "wider") -> None:
        """Report a loss. A filter's tests point into its CQL2-JSON."""
        self.losses.append(Loss(f"/filter{at}", reason, effect))

    def lose_some(self, test: Test, reason: str, effect: Effect, *, negated: bool) -> None:
        """Report what a test selects too much or too little."""
        self.lose(test.at, reason, OPPOSITE[effect] if negated else effect)

    def node(self, node: Node) -> Node | None:
        match node:
            case Eq() | In() | Range() | Has():
                return self.test(node)
            case And():
                parts = [part for arg in node.args if (part := self.node(arg))]
                return with_args(node, parts) if parts else None
            case Or():
                return self.alternatives(node)
            case Not():
                return self.opposite(node.test, missing=node.missing)
            case Missing() | Exists():
                return self.presence(node, node.field)

    def alternatives(self, node: Or) -> Node | None:
        """Fit what is joined by OR. Without one of the alternatives, the others would select too few rows."""
        before = len(self.losses)
        parts = [part for arg in node.args if (part := self.node(arg))]
        if len(parts) == len(node.args) and self.engine.nesting != "conjunction":
            return with_args(node, parts)
        reasons = [loss.reason for loss in self.losses[before:] if loss.effect == "wider"]
        del self.losses[before:]
        if len(parts) < len(node.args) and not reasons:
            # One of them is always true, such as that a field has a value that is never without one.
            return None
        reason = reasons[0] if len(parts) < len(node.args) else f"{self.title} has no OR."
        self.lose(node.at, f"{reason} Alternatives can only be left out together.")
        return None

    # Support

    def test(self, test: Test, *, negated: bool = False) -> Node | None:
        """Fit a test that must be true, or is about to be negated."""
        stored = self.stored(test.field)
        if (reason := self.unable(test, stored)) is not None:
            self.lose(test.at, reason)
            return None
        test = self.in_case(test, negated=negated)
        if self.engine.approximates is not None:
            for reason, effect in self.engine.approximates(test, stored):
                self.lose_some(test, reason, effect, negated=negated)
        if negated:
            return test
        if isinstance(test, In) and not self.takes(test):
            return disjunction(list(self.pieces(test)), test.at)
        if stored.null is None or not _passes(test, stored.null):
            return test
        return conjunction([test, Not(Eq(test.field, stored.null, at=test.at))], test.at)

    def unable(self, test: Test, stored: StoredField) -> str | None:
        """Return the reason why the engine cannot express a test."""
        of, engine = test.field, self.engine
        support = engine.lists if of.many else engine.scalars
        if (reason := self.unnamed(of, stored)) is not None:
            return reason
        match test:
            case Range() if of.type not in support.range:
                return f"{self.title} cannot compare {of.title!r} ({_kind(of)}) by order."
            case Eq() | In() if of.type not in support.eq:
                return f"{self.title} cannot compare {of.title!r} ({_kind(of)}) with a value."
            case Has() if test.anchor not in support.has:
                return f"{self.title} cannot search for a part of {of.title!r} ({_kind(of)})."
        return engine.refuses(test, stored) if engine.refuses else None

    def unnamed(self, of: Field, stored: StoredField) -> str | None:
        """Return the reason why the engine cannot have a field of that name."""
        name = stored.name or of.name
        return None if self.engine.can_name(name) else f"{self.title} has no fields with a name such as {name!r}."

    def in_case(self, test: Test, *, negated: bool) -> Test:
        """Compare in the case that the engine can compare in."""
        of, engine = test.field, self.engine
        match test:
            case Eq() | In():
                folding = engine.folds(many=of.many)
                if test.fold and folding == "never":
                    if any(_has_cases(str(value)) for value in values(test)):
                        reason = f"{self.title} distinguishes upper and lower case in {of.title!r}."
                        self.lose_some(test, reason, "narrower", negated=negated)
                    return _exact(test)
                if not test.fold and folding == "always" and _ambiguous_in_case(test):
                    self.lose_some(test, f"{self.title} ignores case in {of.title!r}.", "wider", negated=negated)
            case Has():
                if test.fold and engine.has_folding == "never" and _has_cases(test.text):
                    reason = f"{self.title} distinguishes upper and lower case within {of.title!r}."
                    self.lose_some(test, reason, "narrower", negated=negated)
                if not (test.fold or engine.has_exact or engine.has_folding == "never") and _has_cases(test.text):
                    self.lose_some(test, f"{self.title} ignores case within {of.title!r}.", "wider", negated=negated)
        return test

    def takes(self, test: In) -> bool:
        most = self.engine.max_values
        return self.engine.membership and (most is None or len(test.values) <= most)

    def pieces(self, test: In) -> Sequence[Eq | In]:
        """Divide a test for many values into those that the engine takes."""
        most = (self.engine.max_values or len(test.values)) if self.engine.membership else 1
        return [_one_of(test, test.values[start : start + most]) for start in range(0, len(test.values), most)]

    # Negations and guards

    def opposite(self, test: Test, *, missing: bool) -> Node | None:
        fitted = self.test(test, negated=True)
        if fitted is None:
            return None
        assert isinstance(fitted, Eq | In | Range | Has)
        parts = self.negations(fitted)
        if parts is None:
            self.lose(test.at, f"{self.title} cannot negate this condition on {test.field.title!r}.")
            return None
        return self.guarded(parts, test, missing=missing)

    def negations(self, test: Test) -> Node | None:
        """Return the opposite of a test, without a guard."""
        match test:
            case In() if "in" not in self.engine.negated or not self.takes(test):
                return conjunction([Not(piece) for piece in self.pieces(test)], test.at)
            case Range(of, low, high, low_open, high_open, at) if "range" not in self.engine.negated and not of.many:
                outside: list[Node] = []
                if low is not None:
                    outside.append(Range(of, high=low, high_open=not low_open, at=at))
                if high is not None:
                    outside.append(Range(of, low=high, low_open=not high_open, at=at))
                return disjunction(outside, at)
        return Not(test) if NAMES[type(test)] in self.engine.negated else None

    def guarded(self, opposite: Node, test: Test, *, missing: bool) -> Node | None:
        """Spell out that rows without a value are selected, or that they are not."""
        of, at = test.field, test.at
        null = self.stored(of).null
        # A value that stands for none passes the opposite of every test that it does not pass.
        sentinel_passes = null is not None and not (isinstance(test, Range | Has) and _passes(test, null))
        selects = sentinel_passes if null is not None else self.selects_missing(opposite, of)
        if selects == missing:
            return opposite
        guard = self.presence(Missing(of, at) if missing else Exists(of, at), of, required=of.nullable)
        if guard is None:
            return None if missing and of.nullable else opposite
        return disjunction([guard, opposite], at) if missing else conjunction([guard, opposite], at)

    def selects_missing(self, opposite: Node, of: Field) -> bool | None:
        """Return whether the engine's own negation selects rows without a value; None if that depends."""
        if not any(isinstance(part, Not) for part in _parts(opposite)):
            return False
        return {"never": False, "lists": of.many, "always": True, "either": None}[self.engine.selects_missing]

    def presence(self, test: Missing | Exists, of: Field, *, required: bool = True) -> Node | None:
        """Test that there is a value, or none, by the value that stands for none if there is such a one."""
        stored = self.stored(of)
        if (reason := self.unnamed(of, stored)) is not None:
            self.lose(test.at, reason)
            return None
        if self.engine.support(many=of.many) == NO_SUPPORT:
            self.lose(test.at, f"{self.title} cannot tell whether there is a value of {of.title!r} ({_kind(of)}).")
            return None
        null = stored.null
        if null is not None:
            sentinel = Eq(of, null, at=test.at)
            return sentinel if isinstance(test, Missing) else Not(sentinel)
        if self.engine.null_test if isinstance(test, Missing) else of.type in self.engine.exists_test:
            return test
        if required and (of.nullable or isinstance(test, Missing)):
            preposition = "without" if isinstance(test, Missing) else "with"
            self.lose(
                test.at,
                f"{self.title} cannot tell rows {preposition} {of.title!r} from others: store a value for none, "
                "and name it as `null` in its mapping.",
            )
        return None

    # The form of the whole

    def normal_form(self, node: Node | None) -> Node | None:
        """Return the filter as an AND of ORs if the engine has no other form."""
        if node is None or self.engine.nesting == "full":
            return node
        clauses = self.clauses(node)
        if not clauses:
            return None
        return with_args(node, clauses) if isinstance(node, And) else conjunction(clauses, node.at)

    def clauses(self, node: Node) -> list[Node]:
        """Return ORs of tests whose AND is the same."""
        match node:
            case And():
                return [clause for arg in node.args for clause in self.clauses(arg)]
            case Or():
                clauses = self.distributed(node)
            case _:
                return [node]
        if any(map(self.is_mixed, clauses)):
            self.lose(node.at, f"{self.title} cannot join these conditions by OR, because they are of different types.")
            return []
        return clauses

    def distributed(self, node: Or) -> list[Node]:
        """Return ORs of tests whose AND is the same as an OR, in which there may be ANDs."""
        if not any(isinstance(arg, And) for arg in node.args):
            return [node]
        alternatives = [self.clauses(arg) for arg in node.args]
        if math.prod(map(len, alternatives)) > MAX_CLAUSES:
            self.lose(node.at, f"{self.title} takes an AND of ORs only, and this one would have too many parts.")
            return []
        return [disjunction(list(choice), node.at) for choice in product(*alternatives)]

    def is_mixed(self, clause: Node) -> bool:
        """Return whether the engine cannot join the tests by OR."""
        kind = self.engine.clause_kind
        return kind is not None and len({kind(test) for test in _tests(clause)}) > 1


def _one_of(test: In, among: Sequence[Any]) -> Eq | In:
    if len(among) == 1:
        return Eq(test.field, among[0], test.fold, test.at)
    return In(test.field, tuple(among), test.fold, test.at)


def _exact(test: Eq | In) -> Eq | In:
    """Return the test in the case of its values."""
    match test:
        case Eq():
            return Eq(test.field, test.value, False, test.at)
        case In():
            return In(test.field, test.values, False, test.at)


def _parts(node: Node) -> Sequence[Node]:
    return node.args if isinstance(node, And | Or) else (node,)


def _tests(node: Node) -> list[Test]:
    match node:
        case And() | Or():
            return [test for arg in node.args for test in _tests(arg)]
        case Not():
            return [node.test]
        case Missing() | Exists():
            return []
        case _:
            return [node]


def _passes(test: Test, value: str | int | float) -> bool:
    """Return whether a value that stands for none may pass a test. If its type differs, it is safe to say so."""
    if isinstance(test, Eq | In):
        return False
    if isinstance(test, Has) or isinstance(value, str):
        return True
    limits = [limit for limit in (test.low, test.high) if limit is not None]
    if not all(isinstance(limit, int | float) for limit in limits):
        return True
    above = test.low is None or value >= test.low  # type: ignore[operator]
    return above and (test.high is None or value <= test.high)  # type: ignore[operator]


def _has_cases(text: str) -> bool:
    return text.lower() != text.upper()


def _ambiguous_in_case(test: Eq | In) -> bool:
    """Return whether the field may have another value that differs from one of the test's in case only."""
    among = values(test)
    if test.field.type in STRINGS and not test.field.closed:
        return any(_has_cases(str(value)) for value in among)
    folded = {str(value).lower() for value in among} if test.field.type in STRINGS else set()
    return any(one.value.lower() in folded and one.value not in among for one in test.field.values)


def _kind(of: Field) -> str:
    return f"a list of type {of.type}" if of.many else of.type
