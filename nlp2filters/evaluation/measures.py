"""Measures of readings: their correctness, calibration, latency and cost."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any, TypeAlias

from nlp2filters.core import checks
from nlp2filters.core.catalog import STRINGS, Catalog
from nlp2filters.core.filters import Filter
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.meaning import canonical
from nlp2filters.errors import InvalidFilter
from nlp2filters.evaluation.cases import Case, Collection, Condition, Expected, flatten, operator, predicted
from nlp2filters.evaluation.values import field_key, normal

BINS = 10

Usage: TypeAlias = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Count:
    """The numbers of right, expected and predicted items."""

    right: int = 0
    expected: int = 0
    predicted: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.right + other.right, self.expected + other.expected, self.predicted + other.predicted)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 0 if nothing is right."""
        return 2 * self.right / (self.expected + self.predicted) if self.right else 0.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """A reading compared with its case.

    `calibration_pairs` has each predicted condition's confidence, and True if the condition was right.
    """

    case: Case
    exact: bool
    conditions: Count
    values: Count
    fields: Count
    calibration_pairs: tuple[tuple[float, bool], ...] = ()
    latency_s: float = 0.0
    usage: Usage = field(default_factory=dict)
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of many judgements. Shares are 0 to 1.

    exact              share of cases whose reading is right as a whole
    condition_f1       F1 over (field, operator, value), all cases together
    value_f1           the same without the operator, with one item for each value of a list
    field_f1           the same over the fields alone
    calibration_error  expected calibration error over ten bins; None if no condition was predicted
    degraded           readings for which the LLM gave nothing usable
    """

    cases: int
    exact: float
    condition_f1: float
    value_f1: float
    field_f1: float
    calibration_error: float | None
    p50_ms: float
    p95_ms: float
    usage: Usage
    degraded: int


def judge(
    case: Case,
    reading: Interpretation,
    collection: Collection,
    *,
    latency_s: float = 0.0,
    usage: Usage | None = None,
    degraded: bool = False,
) -> Judgement:
    """Compare a reading, with its relative dates resolved, with its case."""
    both = _expected_conditions(case, reading, collection.catalog), predicted(reading)
    expected, prediction = (_normalize_all(conditions, collection) for conditions in both)
    loosely_expected, loose_prediction = (_normalize_all(conditions, collection, loose=True) for conditions in both)
    right = _match(expected, prediction, _same)
    all_right = len(right) == len(expected) == len(prediction)
    return Judgement(
        case=case,
        exact=_is_as_expected(reading, case.expected, collection.catalog) if case.expected else all_right,
        conditions=Count(len(right), len(expected), len(prediction)),
        values=_count(loosely_expected, loose_prediction, _same),
        fields=_count(loosely_expected, loose_prediction, lambda one, other: one.name == other.name),
        calibration_pairs=tuple((condition.confidence, at in right) for at, condition in enumerate(prediction)),
        latency_s=latency_s,
        usage=usage or {},
        degraded=degraded,
    )


def summarize(judgements: Sequence[Judgement]) -> Summary:
    """Summarize judgements, of which there must be at least one."""
    latencies = [1000 * judgement.latency_s for judgement in judgements]
    cuts = quantiles(latencies, n=20, method="inclusive") if len(latencies) > 1 else latencies * 19
    return Summary(
        cases=len(judgements),
        exact=sum(judgement.exact for judgement in judgements) / len(judgements),
        condition_f1=sum((judgement.conditions for judgement in judgements), Count()).f1,
        value_f1=sum((judgement.values for judgement in judgements), Count()).f1,
        field_f1=sum((judgement.fields for judgement in judgements), Count()).f1,
        calibration_error=calibration_error([pair for judgement in judgements for pair in judgement.calibration_pairs]),
        p50_ms=cuts[9],
        p95_ms=cuts[18],
        usage=dict(sum((Counter(judgement.usage) for judgement in judgements), Counter[str]())),
        degraded=sum(judgement.degraded for judgement in judgements),
    )


def by_category(judgements: Iterable[Judgement]) -> dict[str, Summary]:
    """Summarize each category, in the order of their names."""
    grouped = defaultdict(list)
    for judgement in judgements:
        grouped[judgement.case.category].append(judgement)
    return {category: summarize(grouped[category]) for category in sorted(grouped)}


def calibration_error(pairs: Iterable[tuple[float, bool]]) -> float | None:
    """Compute the expected calibration error of (confidence, right) pairs, with bins of equal width.

    See Guo et al. 2017, section 2. Returns None if there is no pair.
    """
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for confidence, right in pairs:
        bins[min(int(confidence * BINS), BINS - 1)].append((confidence, right))
    total = sum(map(len, bins))
    if not total:
        return None
    gaps = (abs(sum(right - confidence for confidence, right in members)) for members in bins)
    return sum(gaps) / total


def recall(ranks: Sequence[int | None], at: int) -> float:
    """Return the share of values that were retrieved among the first `at`. A rank counts from 1, None is no rank."""
    return sum(rank is not None and rank <= at for rank in ranks) / len(ranks) if ranks else 0.0


@dataclass(frozen=True, slots=True)
class _NormalizedCondition:
    """A normalized condition: each of `values` is a right value, as the set of its items."""

    name: str
    op: str
    values: tuple[frozenset[str], ...]
    confidence: float = field(default=1.0, compare=False)


_Equal = Callable[[_NormalizedCondition, _NormalizedCondition], bool]


def _normalize_all(
    conditions: Iterable[Condition], collection: Collection, *, loose: bool = False
) -> list[_NormalizedCondition]:
    """Normalize conditions, each once. If `loose`, without the operator, and with one condition for each list item."""
    return list(
        dict.fromkeys(one for condition in conditions for one in _normalize(condition, collection, loose=loose))
    )


def _normalize(condition: Condition, collection: Collection, *, loose: bool) -> list[_NormalizedCondition]:
    name = field_key(condition.field)
    field_ = collection.fields.get(name)
    type_, unit = (field_.type, field_.unit) if field_ else (None, None)
    year = str(collection.reference_date.year) if collection.reference_date else ""

    def one(value: Any) -> frozenset[str]:
        return frozenset([normal(value, type_, unit, year)])

    items = condition.value if isinstance(condition.value, list | tuple) else [condition.value]
    values = tuple(map(one, items))
    op = _operator(condition.op, single=len(values) == 1, string=type_ is None or type_ in STRINGS)
    if not collection.strict:
        op = {"gt": "gte", "lt": "lte"}.get(op, op)
    if loose or not collection.operators:
        op = "*"
    if len(values) == 1:
        return [_NormalizedCondition(name, op, values + tuple(map(one, condition.alternatives)), condition.confidence)]
    if op == "*":
        return [_NormalizedCondition(name, op, (value,), condition.confidence) for value in values]
    return [_NormalizedCondition(name, "in" if op == "eq" else op, (frozenset().union(*values),), condition.confidence)]


def _operator(name: str, *, single: bool, string: bool) -> str:
    """Normalize an operator. On strings, "contains" counts as "eq": which one is right depends on the storage."""
    op = operator(name)
    if op == "in" and single:
        op = "eq"
    return "eq" if op == "contains" and string else op


def _same(one: _NormalizedCondition, other: _NormalizedCondition) -> bool:
    return one.name == other.name and one.op == other.op and any(value in one.values for value in other.values)


def _count(
    expected: Sequence[_NormalizedCondition], prediction: Sequence[_NormalizedCondition], equal: _Equal
) -> Count:
    return Count(len(_match(expected, prediction, equal)), len(expected), len(prediction))


def _match(
    expected: Sequence[_NormalizedCondition], prediction: Sequence[_NormalizedCondition], equal: _Equal
) -> dict[int, int]:
    """Find the largest one-to-one matching, by augmenting paths: indexes in `prediction` to those in `expected`."""
    matching: dict[int, int] = {}

    def place(at: int, visited: set[int]) -> bool:
        for other, condition in enumerate(prediction):
            if other in visited or not equal(expected[at], condition):
                continue
            visited.add(other)
            if other not in matching or place(matching[other], visited):
                matching[other] = at
                return True
        return False

    for at in range(len(expected)):
        place(at, set())
    return matching


def _expected_conditions(case: Case, reading: Interpretation, catalog: Catalog) -> tuple[Condition, ...]:
    """Return the expected conditions. If several filters are right and the reading has one of them, use that one."""
    meaning = _checked(reading.filter, catalog)
    for node in case.expected.filters if case.expected else ():
        if _checked(node, catalog) == meaning:
            return flatten(node)
    return case.conditions


def _is_as_expected(reading: Interpretation, expected: Expected, catalog: Catalog) -> bool:
    return (
        _checked(reading.filter, catalog) in [_checked(node, catalog) for node in expected.filters]
        and reading.sort == expected.sort
        and reading.limit == expected.limit
        and (expected.text is None or reading.text.casefold() == expected.text.casefold())
        and all(any(quote in part.quote for part in reading.ignored) for quote in expected.ignored)
        and (expected.asks is None or (reading.clarification is not None) == expected.asks)
    )


def _checked(node: Filter | None, catalog: Catalog) -> Any:
    """Return the filter's canonical meaning in the catalog: on whole numbers, "under 2204.6" is "under 2205"."""
    try:
        return canonical(checks.check(node, catalog)) if node else None
    except InvalidFilter:
        return canonical(node)
