"""Clauses: the items that together make one test, one order or one limit.

One walk goes along the row from left to right. At each place the first rule that fits takes the items it needs; the
rest is left for the ledger.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from nlp2filters.core.budget import ITEM_STEPS
from nlp2filters.core.catalog import NUMERIC, STRINGS, TEMPORAL, Field
from nlp2filters.core.filters import Comparison, Contains, IsNull, Leaf, Not, RelativeDate, leaves
from nlp2filters.core.interpretation import Alternative, Sort, Source
from nlp2filters.core.languages import is_currency
from nlp2filters.core.linking import Candidate, FieldTarget, ValueTarget
from nlp2filters.core.parser import homes, orders, sides, values
from nlp2filters.core.parser.homes import Home
from nlp2filters.core.parser.names import is_open
from nlp2filters.core.parser.quantities import Quantity
from nlp2filters.core.parser.row import Row
from nlp2filters.core.parser.scan import Item
from nlp2filters.core.parser.times import Clock
from nlp2filters.core.parser.values import Range, Relation
from nlp2filters.core.words import fold

# Looking at most this many items ahead keeps the walk linear.
LOOK_AHEAD = 12

_JOINTS = frozenset({"and", "or", ",", "nor", "not"})
_NOT_A_VALUE = frozenset({"comparator", "junction", "negation", "range", "bound", "having", "than"})


@dataclass(frozen=True, slots=True)
class Atom:
    """One test, the items `start` to `end` (exclusive) that it came from, and its confidence."""

    test: Leaf | Not
    start: int
    end: int
    confidence: float
    source: Source
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A word between tests: "and", "or", ",", "nor", "not", "(" or ")"; "noun" if it names the records."""

    kind: str
    at: int


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The items `start` to `end`, in another currency or unit than their field; they may mean one of `tests`."""

    start: int
    end: int
    reason: str
    tests: tuple[Leaf | Not, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A boolean field that the item at a place asks for."""

    field: Field
    at: int
    confidence: float


@dataclass(slots=True)
class Clauses:
    """The result of the walk. `used` are the places of items that changed something, `reasons` why others did not.

    `extreme`: there was a superlative that may mean a single record ("the lightest car").
    """

    pieces: list[Atom | Mark] = field(default_factory=list)
    sorts: list[Sort] = field(default_factory=list)
    limit: int | None = None
    used: set[int] = field(default_factory=set)
    reasons: dict[int, str] = field(default_factory=dict)
    mismatches: list[Mismatch] = field(default_factory=list)
    extreme: bool = False


def find(row: Row, asked: Sequence[Asked] = ()) -> Clauses:
    """Find the clauses of a row. `asked` are boolean fields that the tagger finds, whatever the words."""
    walk = _Walk(row)
    walk.run()
    for one in asked:
        _add(walk.found, one)
    return walk.found


def _add(found: Clauses, asked: Asked) -> None:
    """Add a test of the boolean field, unless there is one, at the place of its words among the others."""
    tested = {leaf.field for piece in found.pieces if isinstance(piece, Atom) for leaf in leaves(piece.test)}
    if asked.field.name in tested:
        return
    atom = Atom(Comparison("=", asked.field.name, True), asked.at, asked.at + 1, asked.confidence, "embedding")
    starts = [piece.start if isinstance(piece, Atom) else piece.at for piece in found.pieces]
    found.pieces.insert(sum(start < asked.at for start in starts), atom)
    found.used.add(asked.at)


@dataclass(slots=True)
class _Walk:
    """A walk at the place `at`. `last` is the field of the previous test; `top`: "top 10" came before."""

    row: Row
    at: int = 0
    last: Field | None = None
    top: bool = False
    found: Clauses = field(default_factory=Clauses)

    def run(self) -> None:
        rules: tuple[Callable[[], bool], ...] = (
            self._open_value,
            self._limit,
            self._order,
            self._range,
            self._comparison,
            self._adjective,
            self._unknown_field,
            self._field,
            self._known_value,
            self._value,
            self._noun,
            self._quoted,
            self._excluded,
            self._mark,
        )
        while self.at < len(self.row.items):
            self.row.budget.spend(ITEM_STEPS)
            if not any(rule() for rule in rules):
                self.at += 1

    def _take(self, end: int) -> None:
        """Mark the items up to `end` as used and go on there."""
        self.found.used.update(range(self.at, end))
        self.at = end

    def _emit(
        self,
        test: Leaf | Not,
        end: int,
        confidence: float,
        source: Source,
        alternatives: tuple[Alternative, ...] = (),
    ) -> bool:
        self.found.pieces.append(Atom(test, self.at, end, confidence, source, alternatives))
        self._take(end)
        return True

    def _before(self) -> Mark | None:
        """Return the mark right before, unless that is a test."""
        piece = self.found.pieces[-1] if self.found.pieces else None
        return piece if isinstance(piece, Mark) else None

    def _use_up(self, mark: Mark) -> None:
        """Remove the mark before, which takes effect in the present test."""
        self.found.pieces.pop()
        self.found.used.add(mark.at)

    def _open_value(self) -> bool:
        """Read a name that was cut out of the text before."""
        name = self.row.items[self.at].name
        if not name:
            return False
        self.last = self.row.catalog.by_name[name.field]
        return self._emit(Contains(name.field, name.value), self.at + 1, name.confidence, "type")

    # order and number

    def _limit(self) -> bool:
        found = orders.limit(self.row, self.at)
        if not found:
            return False
        self.found.limit = self.found.limit or found.count
        self.top = found.top
        self._take(found.end)
        return True

    def _order(self) -> bool:
        found = orders.order(self.row, self.at, top=self.top)
        if found:
            self._sort(found.sorts, found.end)
            self.found.extreme |= found.extreme
        return found is not None

    def _sort(self, sorts: Sequence[Sort], end: int) -> None:
        known = {sort.field for sort in self.found.sorts}
        for of in (self.row.catalog.by_name[sort.field] for sort in sorts):
            if of.many or of.type == "geo":
                self.found.reasons.update(dict.fromkeys(range(self.at, end), f"{of.title} has no order"))
                self.at = end
                return
        self.found.sorts.extend(sort for sort in sorts if sort.field not in known)
        self._take(end)

    # quantities and dates

    def _home(self, at: int, items: Sequence[Item], *, compared: bool = False) -> Home | None:
        mark = self._before()
        joined = mark is not None and mark.kind in _JOINTS
        return homes.find(self.row, at, items, last=self.last, joined=joined, compared=compared)

    def _range(self) -> bool:
        """Read "between 100 and 150 hp", "from 1975 to 1978", "$50-100"."""
        return self._range_at(self.at, None)

    def _range_at(self, at: int, named: Home | None) -> bool:
        """Read a range that begins at `at`, for the field named before it, if any."""
        row, opened = self.row, self.row.says(at, "range") == "between"
        low = row.skip(at + opened)
        high = row.skip(low + 2)
        joint = row.says(low + 1, "range") == "to" or (opened and row.says(low + 1, "junction") == "and")
        if not (joint and row.is_value(low) and row.is_value(high)):
            return False
        last = row.items[high]
        first, last = _same_unit(_same_scale(row.items[low], last), last), _same_year(last, row.items[low])
        first = _same_half(_same_year(first, last), last)
        home = named if named and row.fit((first, last), named.field) else self._home(high, (first, last))
        if not home:
            return False
        start, end = row.held(first, home.field), row.held(last, home.field)
        if start is None or end is None:
            return False
        self.last = home.field
        others = tuple(
            Alternative(values.between(other, lower, upper), home.others_confidence)
            for other in home.others[:3]
            if (lower := row.held(first, other)) and (upper := row.held(last, other))
        )
        test = values.between(home.field, start, end)
        return self._emit(test, max(home.end, high + 1), home.confidence, home.source, others)

    def _comparison(self) -> bool:
        """Read "at least 30 mpg", "after 2005", "more horsepower than 200", "maximum weight of 2500"."""
        relation = cast(Relation | None, self.row.says(self.at, "comparator"))
        if not relation:
            return self._more_than()
        at = self.row.skip(self.at + 1)
        if self._share(at, relation) or self._compare(at, relation, None):
            return True
        for of, candidate in self.row.fields(at):
            home = Home(of, at + 1, candidate.confidence, candidate.source)
            if self._compare(self.row.skip(at + 1), relation, home):
                return True
        return False

    def _more_than(self) -> bool:
        """Read "more horsepower than 200"."""
        degree = self.row.says(self.at, "degree")
        if degree not in ("more", "less") or not self.row.says(self.at + 2, "than"):
            return False
        for of, candidate in self.row.fields(self.at + 1):
            home = Home(of, self.at + 2, candidate.confidence, candidate.source)
            return self._compare(self.row.skip(self.at + 3), ">" if degree == "more" else "<", home)
        return False

    def _share(self, at: int, relation: Relation) -> bool:
        """Read "more than 20 but less than 100 reviews", "over 1 but under 2 kg": what follows belongs to both."""
        row, value = self.row, self.row.skip(at + 3)
        if not row.says(at + 1, "junction") or not row.says(at + 2, "comparator"):
            return False
        if not (row.is_value(at) and row.is_value(value)) or row.skip(at + 1) != at + 1:
            return False
        first, last = _same_unit(row.items[at], row.items[value]), row.items[value]
        if first.quantity and row.items[at].quantity != first.quantity:
            home = homes.find(row, value, (first, last), last=self.last, joined=False, compared=True)
        else:
            home = homes.named_after(row, value, (first, last))
        return home is not None and self._test(at, relation, replace(home, end=at + 1), first)

    def _compare(self, at: int, relation: Relation, named: Home | None) -> bool:
        """Read a value at `at` that follows `relation`."""
        item = self.row.item(at)
        if not item or not item.is_value:
            return False
        home = named if named and self.row.range(at, named.field) else self._home(at, (item,), compared=True)
        if home is None:
            return self._mismatch(at, relation, None)
        return self._test(at, relation, home)

    def _mismatch(self, at: int, relation: Relation, named: Field | None) -> bool:
        """Report an amount in another currency or unit than its field: it is asked about, not guessed."""
        quantity = self.row.items[at].quantity
        if quantity is None or not quantity.units:
            return False
        said, reason = quantity.units[0], f"no field is in {quantity.units[0]}"
        fields = [named] if named else self.row.lexicon.typed("money")
        if named and (own := named.currency or named.unit):
            reason = f"{named.title} is in {own}, not in {said}"
        if not fields or not (named or is_currency(said)):
            return False
        value = Range(quantity.value, quantity.value)
        tests = tuple(values.test(relation, of, value) for of in fields[:3])
        self.found.mismatches.append(Mismatch(self.at, at + 1, reason, tests))
        self.found.reasons.update(dict.fromkeys(range(self.at, at + 1), reason))
        self.at = at + 1
        return True

    def _test(self, at: int, relation: Relation, home: Home, item: Item | None = None) -> bool:
        """Add the test of the value at `at`, or of `item` in its place."""
        item = item or self.row.items[at]
        value = self.row.held(item, home.field)
        if value is None or (relation in ("=", "<>") and _is_fraction_of_whole(item, home.field)):
            return False
        if home.field.type in TEMPORAL and relation in ("<", "<=", ">", ">=") and _tells_age(item):
            # A smaller age is a later date.
            relation = values.flipped(relation)
        self.last = home.field
        test = values.test(relation, home.field, value)
        others = self._others(home, item, relation)
        return self._emit(test, max(home.end, at + 1), home.confidence, home.source, others)

    def _others(self, home: Home, item: Item, relation: Relation) -> tuple[Alternative, ...]:
        """Return the same test of the other fields that may be meant, or of the other reading of a date."""
        found = [
            Alternative(values.test(relation, other, value), home.others_confidence)
            for other in home.others[:3]
            if (value := self.row.held(item, other)) is not None
        ]
        if item.period and item.period.other:
            value = Range(item.period.other.low, item.period.other.high)
            found.append(Alternative(values.test(relation, home.field, value), home.confidence * 0.9))
        return tuple(found)

    def _value(self) -> bool:
        """Read a value without a comparison: "8 cylinders", "30 mpg or more", "1980 or later", "4 or 6 cylinders"."""
        item = self.row.items[self.at]
        if not item.is_value:
            return False
        if self._list_of_values():
            return True
        home = self._home(self.at, (item,))
        if not home and self._mismatch(self.at, "=", None):
            return True
        if not home and item.quantity and item.quantity.units:
            self.found.reasons[self.at] = f"no field is in {item.quantity.units[0]}"
        return home is not None and self._bounded(self.at, home)

    def _bounded(self, at: int, home: Home) -> bool:
        """Read the value at `at`, with "or more" after it or after the name of its field."""
        end = max(home.end, at + 1)
        quantity = self.row.items[at].quantity
        if quantity and quantity.open:
            return self._test(at, ">=", home)
        for place in dict.fromkeys((at + 1, end)):
            if bound := self.row.says(place, "bound"):
                return self._test(at, cast(Relation, bound), replace(home, end=max(end, place + 1)))
        return self._test(at, "=", home)

    def _list_of_values(self) -> bool:
        """Read "4 or 6 cylinders": every number of the list belongs to the field after the last."""
        row, places, at = self.row, [self.at], self.at
        while row.says(at + 1, "junction") in ("or", "and", ",") and len(places) < LOOK_AHEAD:
            at += 3 if row.says(at + 2, "junction") in ("or", "and") else 2
            item = row.item(at)
            if not item or not item.quantity:
                break
            places.append(at)
        home = homes.named_after(row, places[-1], [row.items[place] for place in places]) if len(places) > 1 else None
        if not home:
            return False
        for place in places:
            while self.at < place:
                self._mark()
            if place == places[-1]:
                self._bounded(place, home)
            else:
                self._test(place, "=", replace(home, end=place + 1))
        return True

    # known names and values

    def _adjective(self) -> bool:
        """Read "heavier than 3000 lbs" as a test, "cheap" and "lighter" as an order."""
        row, degree = self.row, self.row.says(self.at, "degree")
        key, less = self.at + (degree is not None), degree == "less"
        for target, candidate in row.adjectives(key, "base") if degree else row.adjectives(key, "base", "comparative"):
            compared = target.degree == "comparative" or degree in ("more", "less")
            at = row.skip(key + 2)
            if compared and row.says(key + 1, "than") and row.is_value(at):
                value = row.range(at, target.field)
                if value is None:
                    continue
                self.last = target.field
                test = values.test(">" if target.high != less else "<", target.field, value)
                return self._emit(test, at + 1, candidate.confidence, candidate.source)
            if target.degree == "base" and (following := row.item(key + 1)) and following.is_word:
                # In "long hikes", the adjective does not describe the records.
                continue
            order = orders.opposite(target.order) if less != self._negated() else target.order
            first = row.says(key + 1, "first") is not None
            self._sort([Sort(target.field.name, order)], key + 1 + first)
            return True
        return False

    def _negated(self) -> bool:
        """Return whether a "not" comes right before, and use it up."""
        mark = self._before()
        if mark and mark.kind == "not":
            self._use_up(mark)
        return mark is not None and mark.kind == "not"

    def _field(self) -> bool:
        """Read a field named before its value: "weight under 2500", "origin is not japan", "called Heat"."""
        for of, candidate in self.row.fields(self.at):
            home = Home(of, self.at + 1, candidate.confidence, candidate.source)
            if self._unknown(home) or self._tail(home):
                return True
        for of, candidate in self.row.fields(self.at):
            if of.type == "boolean":
                self.last = of
                end = self._named_on(of)
                holds = not (isinstance(candidate.target, FieldTarget) and candidate.target.negated)
                return self._emit(Comparison("=", of.name, holds), end, candidate.confidence, candidate.source)
            if self._counts_none(of):
                return self._emit(
                    Comparison("=", of.name, 0), self.at + 1, candidate.confidence * 0.9, candidate.source
                )
            if self._lacks():
                return self._emit(IsNull(of.name), self.at + 1, candidate.confidence * 0.8, candidate.source)
        return False

    def _named_on(self, of: Field) -> int:
        """Return the place after all the words that name the field.

        In "allow smoking", both words name "smoking allowed".
        """
        end = self.at + 1
        while any(field is of for field, _ in self.row.fields(self.row.skip(end))):
            end = self.row.skip(end) + 1
        return end

    def _unknown(self, home: Home) -> bool:
        """Read "horsepower unknown"."""
        at = self.row.skip(self.at + 1)
        known = self.row.says(at, "negation") == "not"
        if not self.row.says(at + known, "unknown"):
            return False
        test = IsNull(home.field.name)
        return self._emit(Not(test) if known else test, at + known + 1, home.confidence, home.source)

    def _unknown_field(self) -> bool:
        """Read "unknown horsepower"."""
        key = self.row.skip(self.at + 1)
        for of, candidate in self.row.fields(key) if self.row.says(self.at, "unknown") else ():
            return self._emit(IsNull(of.name), key + 1, candidate.confidence, candidate.source)
        return False

    def _counts_none(self, of: Field) -> bool:
        """Return whether "no stops" or "without stops" asks for a count of zero, and use up the word before."""
        mark, least = self._before(), of.minimum
        if mark is None or mark.kind != "not" or self.row.skip(mark.at + 1) != self.at:
            return False
        said = fold(self.row.texts[mark.at]) in self.row.language.numbers.none
        counts = of.type == "integer" and not of.unit and (least is None or (isinstance(least, int) and least <= 0))
        if said and counts:
            self._use_up(mark)
        return said and counts

    def _lacks(self) -> bool:
        """Return whether "without" makes the test itself, as in "without a rating", and use it up."""
        mark = self._before()
        lacks = mark is not None and mark.kind == "not" and self.row.says(mark.at, "negation") == "without"
        if mark and lacks:
            self._use_up(mark)
        return lacks

    def _tail(self, home: Home) -> bool:
        """Read what is said about the field after its name."""
        at = self.row.skip(self.at + 1)
        if self.row.says(at, "negation") not in ("not", "outside"):
            return self._said_of(home, at)
        self.found.pieces.append(Mark("not", at))
        if self._said_of(home, self.row.skip(at + 1)):
            return True
        self.found.pieces.pop()
        return False

    def _said_of(self, home: Home, at: int) -> bool:
        row, of = self.row, home.field
        if self._range_at(at, home):
            return True
        if relation := row.says(at, "comparator"):
            value = row.skip(at + 1)
            if row.range(value, of) and self._test(value, cast(Relation, relation), home):
                return True
            if self._is_of_other_unit(value, of) and self._mismatch(value, cast(Relation, relation), of):
                return True
        if row.range(at, of):
            return self._bounded(at, home)
        if self._is_of_other_unit(at, of):
            return self._mismatch(at, "=", of)
        if of.type in ("date", "datetime") and self._says_now():
            return self._emit(Comparison("<=", of.name, RelativeDate(0, "day")), self.at + 2, 0.8, "type")
        return of.type in STRINGS and (self._named_value(home, at) or self._name(home, at))

    def _is_of_other_unit(self, at: int, of: Field) -> bool:
        """Return whether the value is meant for the field although its unit is another.

        An example is "battery life of 30 kg".
        """
        row, item = self.row, self.row.item(at)
        if of.type not in NUMERIC or not item or not item.quantity or not item.quantity.units:
            return False
        if any(row.says(place, "copula") for place in range(self.at + 1, at)):
            return True
        return of.type == "money" and is_currency(item.quantity.units[0])

    def _says_now(self) -> bool:
        now = self.row.language.dates.now
        return self.at + 1 < len(self.row.items) and fold(self.row.texts[self.at + 1]) in now

    def _named_value(self, home: Home, at: int) -> bool:
        candidate = self.row.value_of(at, home.field.name)
        if not candidate or not isinstance(candidate.target, ValueTarget):
            return False
        self.last = home.field
        confidence = min(1.0, candidate.confidence + 0.01)
        return self._emit(_is(home.field, candidate.target.value), at + 1, confidence, candidate.source)

    def _name(self, home: Home, at: int) -> bool:
        """Read the words for a field that takes any: in quotes, or up to where the name ends."""
        row, of = self.row, home.field
        contains = row.says(at, "contains") or row.says(self.at + 1, "contains")
        at += row.says(at, "contains") is not None
        item = row.item(at)
        if of.closed or item is None or not (contains or self._introduced(at)):
            return False
        if is_open(of) and not contains and not item.quoted:
            # Either names.py has cut the name out already, or it had a reason not to.
            return False
        if item.quoted:
            test = Contains(of.name, item.quoted) if contains else _is(of, item.quoted)
            return self._emit(test, at + 1, home.confidence, home.source)
        end = self._name_end(at)
        if end == at:
            return False
        words = " ".join(row.texts[at:end])
        known = row.lexicon.value_with(of, set(fold(words).split()), row.budget)
        test = Contains(of.name, words) if known is None else _is(of, known)
        return self._emit(test, end, home.confidence * 0.85, home.source)

    def _introduced(self, at: int) -> bool:
        """Return whether the field's name introduces a value: "called", "title is", or right before the value."""
        introducers = self.row.language.names.introducers
        between = range(self.at + 1, at)
        return (
            not between
            or self.row.texts[self.at].lower().rpartition(" ")[2] in introducers
            or any(self.row.says(place, "copula") for place in between)
        )

    def _name_end(self, at: int) -> int:
        """Return where a name that begins at `at` ends: before the first item that means something else."""
        row, end, inner = self.row, at, self.row.language.names.inner
        while (item := row.item(end)) and end - at < LOOK_AHEAD:
            following = row.item(end + 1)
            joins = item.skippable and row.texts[end].lower() in inner and following is not None and following.is_word
            if not item.is_word and not joins:
                break
            end += 1
        return end

    def _known_value(self) -> bool:
        """Read a known value: "japanese", "PG-13". If several fields have it, a field named after it decides."""
        row, found = self.row, list(self.row.values(self.at))
        if not found or row.items[self.at].said.keys() & _NOT_A_VALUE:
            return False
        named = {of.name for of, _ in row.fields(self.at + 1)}
        meant = named or self._sides(found)
        target, candidate = next((pair for pair in found if pair[0].field.name in meant), found[0])
        sure = target.field.name in meant
        end = self.at + 1 + (target.field.name in named and not row.has_own_value(self.at + 1))
        others = [other for other, _ in found if other is not target]
        confidence = candidate.confidence if sure or not others else candidate.confidence / len(found)
        alternatives = tuple(Alternative(_is(other.field, other.value), confidence) for other in others[:3])
        self.last = target.field
        if target.field.type == "text" and (name_end := self._name_end(end)) > end:
            words = " ".join((target.value, *row.texts[end:name_end]))
            return self._emit(_is(target.field, words), name_end, confidence, candidate.source)
        return self._emit(_is(target.field, target.value), end, confidence, candidate.source, alternatives)

    def _sides(self, found: Sequence[tuple[ValueTarget, Candidate]]) -> set[str]:
        """Return which of the fields that have the value is meant, by the tagger or by a word such as "to"."""
        shares = self.row.items[self.at].meant
        likely = max((target.field.name for target, _ in found), key=lambda name: shares.get(name, 0.0))
        if shares.get(likely, 0.0) >= homes.LEAST_SURE:
            return {likely}
        near = sides.choose(self.row, self.at, [target.field for target, _ in found])
        return {near.name} if near else set()

    # the rest

    def _noun(self) -> bool:
        if not self.row.is_noun(self.at):
            return False
        self.found.reasons[self.at] = "names the records"
        self.found.pieces.append(Mark("noun", self.at))
        self.at += 1
        return True

    def _quoted(self) -> bool:
        """Read words in quotes as a test of the only text field, if there is exactly one."""
        item, of = self.row.items[self.at], self._only_text()
        if not item.quoted or not of:
            return False
        return self._emit(Contains(of.name, item.quoted), self.at + 1, 0.7, "type")

    def _excluded(self) -> bool:
        """Read unknown words after a "not": the only text field must not contain them."""
        mark = self._before()
        if not self.row.items[self.at].is_word or not mark or mark.kind != "not":
            return False
        if self.row.skip(mark.at + 1) != self.at or self.row.says(mark.at, "negation") == "outside":
            return False
        end = self._name_end(self.at)
        if of := self._only_text():
            return self._emit(Contains(of.name, " ".join(self.row.texts[self.at : end])), end, 0.6, "type")
        reason = "no field has this value, so that none is excluded"
        self.found.reasons.update(dict.fromkeys(range(mark.at, end), reason))
        self.at = end
        return True

    def _only_text(self) -> Field | None:
        texts = self.row.lexicon.typed("text")
        return texts[0] if len(texts) == 1 else None

    def _mark(self) -> bool:
        item = self.row.items[self.at]
        kind = item.says("junction") or ("not" if item.says("negation") else None)
        if kind == "but":
            kind = "not" if self._of_all() else "and"
        if kind:
            self.found.pieces.append(Mark(kind, self.at))
        self.at += 1
        return True

    def _of_all(self) -> bool:
        """Return whether "any" or "all" comes before, with its noun: "any car but american", "any color but red"."""
        at = self.at - 1
        while at > self.at - 3 and (
            self.row.is_noun(at) or self.row.says(at, "results") or any(True for _ in self.row.fields(at))
        ):
            at -= 1
        return self.row.says(at, "universal") is not None


def _is_fraction_of_whole(item: Item, of: Field) -> bool:
    """Return whether no record can have the value: "2.5 cylinders"."""
    quantity = item.quantity
    return of.type == "integer" and quantity is not None and not quantity.units and isinstance(quantity.value, float)


def _tells_age(item: Item) -> bool:
    """Return whether the item counts back from today: "2 years", "30 days ago"."""
    if item.period:
        low = item.period.low
        return isinstance(low, RelativeDate) and low == item.period.high and low.floor == "day" and low.offset < 0
    return item.quantity is not None and bool(item.quantity.units)


def _same_unit(low: Item, high: Item) -> Item:
    """Give the lower limit the unit of the upper one, unless it has its own: "1 to 3 hours"."""
    first, last = low.quantity, high.quantity
    if not first or not last or first.units or not last.units:
        return low
    return replace(low, quantity=replace(first, units=last.units))


def _same_half(low: Item, high: Item) -> Item:
    """Put the earlier hour into the half of the later one ("5 to 7 pm"), or the one before ("11 to 1 pm")."""
    hour = low.quantity.value if low.quantity and low.quantity.whole else None
    if not isinstance(hour, int) or not 1 <= hour <= 12 or high.clock is None or low.clock:
        return low
    until = high.clock.time
    afternoon = until.hour >= 12 and hour % 12 <= until.hour - 12
    time = dt.time(hour % 12 + 12 * afternoon)
    return replace(low, quantity=None, clock=Clock(time, 1))


def _same_year(item: Item, other: Item) -> Item:
    """Give a month without a year the year of the other limit: "January to June 2024"."""
    mine, given = item.period, other.period
    if not mine or not given or not mine.yearless or not isinstance(mine.low, dt.date):
        return item
    if given.yearless or not isinstance(given.low, dt.date):
        return item
    return replace(item, period=replace(mine.moved(given.low.year - mine.low.year), yearless=False))


def _is(of: Field, value: str) -> Leaf:
    """Test that the field has the value; a text has it among its words."""
    return Contains(of.name, value) if of.type == "text" else Comparison("=", of.name, value)


def _same_scale(low: Item, high: Item) -> Item:
    """Give the lower limit the scale of the upper one, unless it has its own: "50 to 100 million"."""
    first, last = low.quantity, high.quantity
    if not first or not last or first.scaled or not last.scaled or first.value >= last.value:
        return low
    scale = _scale(last)
    return (
        replace(low, quantity=replace(first, value=first.value * scale)) if first.value * scale <= last.value else low
    )


def _scale(quantity: Quantity) -> int:
    """Return the greatest of thousand, million, … that the number contains."""
    scale = 1
    while abs(quantity.value) >= scale * 1000:
        scale *= 1000
    return scale
