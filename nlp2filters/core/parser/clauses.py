"""Clauses: which items belong together as one test, one order or one limit.

One walk over the items from left to right. At each place the first rule that fits takes the items it needs;
what no rule takes is left for the ledger.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from nlp2filters.core.catalog import NUMERIC, STRINGS, TEMPORAL, Catalog, Field
from nlp2filters.core.filters import Comparison, Contains, IsNull, Leaf, Not
from nlp2filters.core.interpretation import Alternative, Direction, Sort, Source
from nlp2filters.core.languages import Language
from nlp2filters.core.linking import AdjectiveTarget, Candidate, FieldTarget, Lexicon, NounTarget, ValueTarget
from nlp2filters.core.parser import values
from nlp2filters.core.parser.quantities import Quantity
from nlp2filters.core.parser.scan import Item
from nlp2filters.core.parser.values import Range, Relation, in_field
from nlp2filters.core.words import fold

MAX_LIMIT = 1000
LOOK_AHEAD = 12  # items: keeps the walk linear

_COMPARATIVE: dict[bool, Relation] = {True: ">", False: "<"}


@dataclass(frozen=True, slots=True)
class Atom:
    """One test, the items `start` to `end` (exclusive) that it came from, and how sure it is."""

    test: Leaf | Not
    start: int
    end: int
    confidence: float
    source: Source
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A word between tests: "and", "or", ",", "nor", "not", "(" or ")"; "noun" where the records are named."""

    kind: str
    at: int


@dataclass(frozen=True, slots=True)
class Home:
    """The field that a value belongs to, how that was found, and up to which item the words for it go."""

    field: Field
    end: int
    confidence: float
    source: Source
    others: tuple[Field, ...] = ()


@dataclass(slots=True)
class Clauses:
    """What the walk has found. `used` are the indexes of items that changed something, `reasons` why others did not.

    `extreme`: a superlative was said, of which one record is the one meant ("the lightest car").
    """

    pieces: list[Atom | Mark] = field(default_factory=list)
    sorts: list[Sort] = field(default_factory=list)
    limit: int | None = None
    used: set[int] = field(default_factory=set)
    reasons: dict[int, str] = field(default_factory=dict)
    extreme: bool = False


def find(items: Sequence[Item], texts: Sequence[str], lexicon: Lexicon, today: dt.date) -> Clauses:
    """The clauses of a row of items. `texts` are the words of each item."""
    walk = _Walk(items, texts, lexicon.catalog, lexicon.language, today)
    walk.run()
    return walk.found


@dataclass(slots=True)
class _Walk:
    items: Sequence[Item]
    texts: Sequence[str]
    catalog: Catalog
    language: Language
    today: dt.date
    at: int = 0
    last: Field | None = None
    top: bool = False
    found: Clauses = field(default_factory=Clauses)

    def run(self) -> None:
        rules: tuple[Callable[[], bool], ...] = (
            self._sorted_by,
            self._ranked_by,
            self._limit,
            self._extreme,
            self._high,
            self._range,
            self._comparison,
            self._adjective,
            self._unknown_field,
            self._field,
            self._value_of_catalog,
            self._value,
            self._noun,
            self._quoted,
            self._excluded,
            self._mark,
        )
        while self.at < len(self.items):
            if not any(rule() for rule in rules):
                self.at += 1

    # looking around

    def _item(self, at: int) -> Item | None:
        return self.items[at] if 0 <= at < len(self.items) else None

    def _says(self, at: int, kind: str) -> str | None:
        item = self._item(at)
        return item.says(kind) if item else None

    def _skip(self, at: int, most: int = 3) -> int:
        """The next place after words without content."""
        while most and (item := self._item(at)) and item.skippable:
            at, most = at + 1, most - 1
        return at

    def _fields(self, at: int) -> Iterator[tuple[Field, Candidate]]:
        """The fields that the item may name."""
        item = self._item(at)
        for candidate in item.candidates if item else ():
            if isinstance(candidate.target, FieldTarget):
                yield candidate.target.field, candidate

    def _adjectives(self, at: int, *degrees: str) -> Iterator[tuple[AdjectiveTarget, Candidate]]:
        item = self._item(at)
        for candidate in item.candidates if item else ():
            if isinstance(candidate.target, AdjectiveTarget) and candidate.target.degree in degrees:
                yield candidate.target, candidate

    def _is_noun(self, at: int) -> bool:
        item = self._item(at)
        return bool(item) and any(isinstance(c.target, NounTarget) for c in item.candidates)  # type: ignore[union-attr]

    def _range_of(self, at: int, of: Field) -> Range | None:
        item = self._item(at)
        return in_field(item, of, self.language, self.today) if item else None

    def _take(self, end: int) -> None:
        """Count the items up to `end` as used and go on there."""
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

    # order and number

    def _sorted_by(self) -> bool:
        """ "sorted by weight descending, then by year"."""
        default = self._says(self.at, "sort")
        if not default:
            return False
        at, sorts = self._skip(self.at + 1), []
        while found := self._sort_key(at, cast(Direction, default)):
            sort, end = found
            sorts.append(sort)
            following = end
            while self._says(following, "junction") in ("and", ",") or (
                following > end and (item := self._item(following)) and item.skippable
            ):
                following += 1
            at = self._skip(following + (self._says(following, "sort") is not None)) if following > end else -1
            last = end
        if not sorts:
            return False
        self.found.sorts.extend(sorts)
        self._take(last)
        return True

    def _ranked_by(self) -> bool:
        """ "top 10 cars by horsepower"."""
        if not self.top or not self._says(self.at, "ranking"):
            return False
        key = self._skip(self.at + 1)
        for of, _ in self._fields(key):
            if of.type in NUMERIC | TEMPORAL and not self._has_own_value(key):
                self._order(Sort(of.name, "desc"), key + 1, one=False)
                return True
        return False

    def _sort_key(self, at: int, default: Direction) -> tuple[Sort, int] | None:
        order = cast(Direction | None, self._says(at, "extreme"))
        at = self._skip(at + 1) if order else at
        for target, _ in self._adjectives(at, "base", "comparative", "superlative"):
            end = at + 1 + (self._says(at + 1, "first") is not None)
            return Sort(target.field.name, target.order), end
        for of, _ in self._fields(at):
            after = self._skip(at + 1, 1)
            direction = self._says(at + 1, "direction") or self._says(after, "direction")
            if direction:
                end = (at if self._says(at + 1, "direction") else after - 1) + 2
                return Sort(of.name, cast(Direction, direction)), end
            return Sort(of.name, order or default), at + 1
        return None

    def _count(self, at: int) -> int | None:
        item = self._item(at)
        quantity = item.quantity if item else None
        if quantity and quantity.whole and isinstance(quantity.value, int) and 1 <= quantity.value <= MAX_LIMIT:
            return quantity.value
        return None

    def _limit(self) -> bool:
        """ "top 10", "first 5 results", "the ten cheapest", "10 japanese cars"."""
        word = self._says(self.at, "limit")
        number = self.at + 1 if word else self.at
        count = self._count(number)
        if count is None:
            return False
        following = self._skip(number + 1)
        if not (word == "top" or self._counts_records(number + 1, following, named=word is not None)):
            return False
        self.found.limit = self.found.limit or count
        self.top = word == "top"
        self._take(number + 1)
        return True

    def _counts_records(self, after: int, following: int, *, named: bool) -> bool:
        """Whether the number before is one of records: an extreme, a noun or nothing comes next."""
        if self._says(after, "results"):
            return True
        if self._superlative(following) or self._adds_to_extreme(following):
            return True
        item = self._item(following)
        if item is None:
            return named
        for at in range(after, min(after + 5, len(self.items))):
            if self._is_noun(at):
                return True
            known = self.items[at].candidates
            if at == following and any(isinstance(c.target, ValueTarget) for c in known) and self._plural(at):
                return True
            values_or_adjectives = any(isinstance(c.target, ValueTarget | AdjectiveTarget) for c in known)
            if not values_or_adjectives and not (self.items[at].skippable and named):
                return False
        return False

    def _plural(self, at: int) -> bool:
        return self.texts[at].lower().endswith("s")

    def _superlative(self, at: int) -> bool:
        return any(True for _ in self._adjectives(at, "superlative"))

    def _adds_to_extreme(self, at: int) -> bool:
        """Whether "most" or "highest" stands here, before an adjective or a field."""
        if not self._says(at, "extreme"):
            return False
        at = self._skip(at + 1)
        return any(True for _ in self._adjectives(at, "base")) or any(
            of.type in NUMERIC | TEMPORAL for of, _ in self._fields(at)
        )

    def _extreme(self) -> bool:
        """ "cheapest", "most economical", "highest rating", "lightest first"."""
        sort, end = None, self.at + 1
        for target, _ in self._adjectives(self.at, "superlative"):
            sort = Sort(target.field.name, target.order)
            break
        else:
            order = cast(Direction | None, self._says(self.at, "extreme"))
            if not order:
                return False
            key = self._skip(self.at + 1)
            for target, _ in self._adjectives(key, "base"):
                flip = order == "asc"
                sort, end = Sort(target.field.name, _opposite(target.order) if flip else target.order), key + 1
                break
            else:
                for of, _ in self._fields(key):
                    if of.type in NUMERIC | TEMPORAL:
                        sort, end = Sort(of.name, order), key + 1
                        break
        if not sort:
            return False
        first = self._says(end, "first") is not None
        self._order(sort, end + first, one=not first)
        return True

    def _high(self) -> bool:
        """ "high mileage"."""
        order = self._says(self.at, "end")
        for of, _ in self._fields(self.at + 1) if order else ():
            if of.type in NUMERIC and not self._has_own_value(self.at + 1):
                self._order(Sort(of.name, cast(Direction, order)), self.at + 2, one=False)
                return True
        return False

    def _order(self, sort: Sort, end: int, *, one: bool) -> None:
        if all(other.field != sort.field for other in self.found.sorts):
            self.found.sorts.append(sort)
        self.found.extreme = self.found.extreme or one
        self._take(end)

    # values

    def _range(self) -> bool:
        """ "between 100 and 150 hp", "from 1975 to 1978", "$50-100"."""
        return self._range_at(self.at, None)

    def _range_at(self, at: int, named: Home | None) -> bool:
        """A range that begins at the item `at`, for the field named before it, if one was."""
        opened = self._says(at, "range") == "between"
        low = self._skip(at + opened)
        high = self._range_end(low, opened)
        if high is None:
            return False
        first, last = self.items[low], self.items[high]
        first = _same_scale(first, last)
        home = named if named and self._both_fit(first, last, named.field) else self._home(high, (first, last))
        if not home:
            return False
        start, end = in_field(first, home.field, self.language, self.today), self._range_of(high, home.field)
        if start is None or end is None:
            return False
        self.last = home.field
        test = values.between(home.field, start, end)
        end_at = max(home.end, high + 1)
        return self._emit(test, end_at, home.confidence, home.source, self._others(home, last, "="))

    def _range_end(self, low: int, opened: bool) -> int | None:
        """The item with the upper limit of a range whose lower limit may stand at `low`."""
        item = self._item(low)
        if not item or not item.is_value:
            return None
        joint = low + 1
        if not (self._says(joint, "range") == "to" or (opened and self._says(joint, "junction") == "and")):
            # "between 50 mpg and …": the field may stand behind the lower limit too
            return None
        high = self._skip(joint + 1)
        upper = self._item(high)
        return high if upper and upper.is_value else None

    def _both_fit(self, first: Item, last: Item, of: Field) -> bool:
        return all(in_field(item, of, self.language, self.today) is not None for item in (first, last))

    def _comparison(self) -> bool:
        """ "at least 30 mpg", "after 2005", "more horsepower than 200", "maximum weight of 2500"."""
        relation = cast(Relation | None, self._says(self.at, "comparator"))
        if not relation:
            return self._more_than()
        at = self._skip(self.at + 1)
        if self._compare(at, relation, None):
            return True
        for of, candidate in self._fields(at):
            home = Home(of, at + 1, candidate.confidence, candidate.source)
            if self._compare(self._skip(at + 1), relation, home):
                return True
        return False

    def _more_than(self) -> bool:
        """ "more horsepower than 200"."""
        degree = self._says(self.at, "degree")
        if degree not in ("more", "less"):
            return False
        for of, candidate in self._fields(self.at + 1):
            if self._says(self.at + 2, "than"):
                home = Home(of, self.at + 2, candidate.confidence, candidate.source)
                return self._compare(self._skip(self.at + 3), ">" if degree == "more" else "<", home)
        return False

    def _compare(self, at: int, relation: Relation, named: Home | None) -> bool:
        """A value at the item `at` that `relation` was said of."""
        item = self._item(at)
        if not item or not item.is_value:
            return False
        home = named if named and self._range_of(at, named.field) else None
        home = home or self._home(at, (item,), relation)
        if not home:
            return False
        return self._test(at, relation, home)

    def _test(self, at: int, relation: Relation, home: Home) -> bool:
        item, value = self.items[at], self._range_of(at, home.field)
        if value is None or (relation in ("=", "<>") and _is_fraction_of_whole(item, home.field)):
            return False
        if home.field.type in TEMPORAL and item.quantity and item.quantity.units and relation in ("<", "<=", ">", ">="):
            relation = values.flipped(relation)
        self.last = home.field
        end = max(home.end, at + 1)
        test = values.test(relation, home.field, value)
        return self._emit(test, end, home.confidence, home.source, self._others(home, item, relation))

    def _others(self, home: Home, item: Item, relation: Relation) -> tuple[Alternative, ...]:
        """The same test of the other fields that may be meant."""
        found = []
        for other in home.others[:3]:
            value = in_field(item, other, self.language, self.today)
            if value is not None:
                found.append(Alternative(values.test(relation, other, value), home.confidence))
        if item.period and item.period.other:
            low, high = item.period.other.low, item.period.other.high
            found.append(Alternative(values.test(relation, home.field, Range(low, high)), home.confidence * 0.9))
        return tuple(found)

    def _value(self) -> bool:
        """A value without a comparison: "8 cylinders", "30 mpg or more", "1980 or later", "4 or 6 cylinders"."""
        item = self.items[self.at]
        if not item.is_value:
            return False
        if self._list_of_values():
            return True
        home = self._home(self.at, (item,))
        if not home:
            if item.quantity and item.quantity.units:
                self.found.reasons[self.at] = f"no field is in {item.quantity.units[0]}"
            return False
        return self._bounded(self.at, home)

    def _bounded(self, at: int, home: Home) -> bool:
        """The value at `at`, with "or more" behind it or behind the name of its field."""
        end = max(home.end, at + 1)
        for place in dict.fromkeys((at + 1, end)):
            if bound := self._says(place, "bound"):
                home = Home(home.field, max(end, place + 1), home.confidence, home.source, home.others)
                return self._test(at, cast(Relation, bound), home)
        return self._test(at, "=", home)

    def _list_of_values(self) -> bool:
        """ "4 or 6 cylinders": every number of a list is one of the field that stands behind the last."""
        places, at = [self.at], self.at
        while self._says(at + 1, "junction") in ("or", "and", ",") and len(places) < LOOK_AHEAD:
            following = at + 2
            if self._says(following, "junction") in ("or", "and"):
                following += 1
            item = self._item(following)
            if not item or not item.quantity or item.says("junction"):
                break
            places.append(following)
            at = following
        if len(places) < 2 or not any(True for _ in self._fields(at + 1)):
            return False
        items = [self.items[place] for place in places]
        home = self._named_after(at, items)
        if not home:
            return False
        for place in places:
            while self.at < place:
                self._mark()
            last = place == places[-1]
            own = Home(home.field, home.end if last else place + 1, home.confidence, home.source)
            if last:
                self._bounded(place, own)
            else:
                self._test(place, "=", own)
        return True

    def _home(self, at: int, items: Sequence[Item], relation: Relation | None = None) -> Home | None:
        """The field that the value at the item `at` belongs to, when none was named before it."""
        return (
            self._named_after(at, items)
            or self._by_unit(at, items)
            or self._by_year(at, items)
            or self._as_before(at, items)
            or (self._by_range(at, items) if relation else None)
        )

    def _named_after(self, at: int, items: Sequence[Item]) -> Home | None:
        """A field named right behind the value: "200 horsepower", "$80 in price"."""
        place = self._skip(at + 1, 2)
        if self._says(at + 1, "bound"):
            place = self._skip(at + 2, 1)
        for of, candidate in self._fields(place):
            if not all(in_field(item, of, self.language, self.today) for item in items):
                continue
            if self._has_own_value(place) and self._by_year(at, items):
                continue
            return Home(of, place + 1, candidate.confidence, candidate.source)
        return None

    def _has_own_value(self, at: int) -> bool:
        """Whether a value follows the field that is named at `at`."""
        following = self._skip(at + 1)
        if self._says(following, "comparator"):
            following = self._skip(following + 1)
        item = self._item(following)
        return item is not None and item.is_value

    def _by_unit(self, at: int, items: Sequence[Item]) -> Home | None:
        """The fields that measure in such a unit or hold such a currency."""
        if not any(item.quantity and item.quantity.units for item in items):
            return None
        found = [of for of in self.catalog.fields if of.type in NUMERIC and self._all_fit(items, of)]
        if not found:
            return self._by_age(at, items)
        if len(found) > 1 and self.last in found:
            return Home(self.last, at + 1, 0.8, "unit")
        likely = [of for of in found if all(self._seen(item, of) for item in items)] or found
        others = tuple(of for of in (*likely, *found) if of is not likely[0])
        others = tuple(dict.fromkeys(others))
        return Home(likely[0], at + 1, 0.95 if not others else max(0.4, 1 / len(found)), "unit", others)

    def _by_age(self, at: int, items: Sequence[Item]) -> Home | None:
        """ "less than 2 years old": the only date, if there is one."""
        found = [of for of in self.catalog.fields if of.type in ("date", "datetime") and self._all_fit(items, of)]
        return Home(found[0], at + 1, 0.8, "unit") if len(found) == 1 else None

    def _by_year(self, at: int, items: Sequence[Item]) -> Home | None:
        """Dates and years go to the first date, or to the field that holds years."""
        if not all(item.period or self._year_of(item) for item in items):
            return None
        fields = [of for of in self.catalog.fields if of.type in ("date", "datetime")]
        fields = fields or [of for of in self.catalog.fields if values.is_year(of, self.language)]
        found = [of for of in fields if self._all_fit(items, of)]
        if not found:
            return None
        if self.last in found:
            return Home(self.last, at + 1, 0.9, "type")
        return Home(found[0], at + 1, 0.9 if len(found) == 1 else 0.6, "type", tuple(found[1:]))

    def _year_of(self, item: Item) -> bool:
        """Whether a bare number looks like a year: four digits and no comma."""
        quantity = item.quantity
        return bool(quantity and quantity.whole and not quantity.scaled and 1800 <= quantity.value <= 2199)

    def _as_before(self, at: int, items: Sequence[Item]) -> Home | None:
        """ "over 100 hp and under 200": the field of the test before, when only a word stands between."""
        previous = self.found.pieces[-1] if self.found.pieces else None
        if not self.last or not isinstance(previous, Mark) or previous.kind not in ("and", "or", ",", "nor", "not"):
            return None
        if self.last.type not in NUMERIC or not self._all_fit(items, self.last):
            return None
        return Home(self.last, at + 1, 0.85, "type")

    def _by_range(self, at: int, items: Sequence[Item]) -> Home | None:
        """The only numeric field, or the only one whose data reach so far."""
        found = [of for of in self.catalog.fields if of.type in NUMERIC and self._all_fit(items, of)]
        seen = [of for of in found if all(self._seen(item, of) for item in items)]
        if len(found) == 1:
            return Home(found[0], at + 1, 0.85, "type")
        return Home(seen[0], at + 1, 0.6, "type") if len(seen) == 1 else None

    def _all_fit(self, items: Sequence[Item], of: Field) -> bool:
        return all(in_field(item, of, self.language, self.today) is not None for item in items)

    def _seen(self, item: Item, of: Field) -> bool:
        """Whether the data of the field reach to the value."""
        value = in_field(item, of, self.language, self.today)
        low, high = of.minimum, of.maximum
        if value is None or not isinstance(low, int | float) or not isinstance(high, int | float):
            return False
        return isinstance(value.low, int | float) and low <= value.low <= high

    # what the catalog knows

    def _adjective(self) -> bool:
        """ "heavier than 3000 lbs" is a test, "cheap" and "lighter" an order."""
        less = self._says(self.at, "degree") == "less"
        key = self.at + (self._says(self.at, "degree") is not None)
        degrees = ("base",) if key > self.at else ("base", "comparative")
        for target, candidate in self._adjectives(key, *degrees):
            compared = target.degree == "comparative" or self._says(self.at, "degree") in ("more", "less")
            than = self._says(key + 1, "than")
            if compared and than:
                home = Home(target.field, key + 1, candidate.confidence, candidate.source)
                at = self._skip(key + 2)
                if self._range_of(at, target.field):
                    relation = _COMPARATIVE[target.high != less]
                    value = cast(Range, self._range_of(at, target.field))
                    self.last = target.field
                    return self._emit(values.test(relation, target.field, value), at + 1, home.confidence, home.source)
                if any(True for _ in self._value_items(at)):
                    continue
            flip = less != self._negated()
            end = key + 1
            first = self._says(end, "first") is not None
            self._order(
                Sort(target.field.name, _opposite(target.order) if flip else target.order), end + first, one=False
            )
            return True
        return False

    def _value_items(self, at: int) -> Iterator[Item]:
        item = self._item(at)
        if item and item.is_value:
            yield item

    def _negated(self) -> bool:
        """Whether a "not" stands right before; it is used up."""
        if self.found.pieces and isinstance(mark := self.found.pieces[-1], Mark) and mark.kind == "not":
            self.found.pieces.pop()
            self.found.used.add(mark.at)
            return True
        return False

    def _field(self) -> bool:
        """A field named before its value: "weight under 2500", "origin is not japan", "called Heat"."""
        for of, candidate in self._fields(self.at):
            home = Home(of, self.at + 1, candidate.confidence, candidate.source)
            if self._unknown(of, home) or self._tail(of, home):
                return True
        for of, candidate in self._fields(self.at):
            if of.type == "boolean":
                self.last = of
                return self._emit(Comparison("=", of.name, True), self.at + 1, candidate.confidence, candidate.source)
            if self._lacks():
                return self._emit(IsNull(of.name), self.at + 1, candidate.confidence * 0.8, candidate.source)
        return False

    def _unknown(self, of: Field, home: Home) -> bool:
        """ "horsepower unknown"."""
        at = self._skip(self.at + 1)
        not_ = self._says(at, "negation") == "not"
        if not self._says(at + not_, "unknown"):
            return False
        test = Not(IsNull(of.name)) if not_ else IsNull(of.name)
        return self._emit(test, at + not_ + 1, home.confidence, home.source)

    def _unknown_field(self) -> bool:
        """ "unknown horsepower"."""
        if not self._says(self.at, "unknown"):
            return False
        for of, candidate in self._fields(self._skip(self.at + 1)):
            return self._emit(IsNull(of.name), self._skip(self.at + 1) + 1, candidate.confidence, candidate.source)
        return False

    def _lacks(self) -> bool:
        """ "without a rating": the "without" becomes the test itself."""
        mark = self.found.pieces[-1] if self.found.pieces else None
        if isinstance(mark, Mark) and mark.kind == "not" and self._says(mark.at, "negation") == "without":
            self.found.pieces.pop()
            self.found.used.add(mark.at)
            return True
        return False

    def _tail(self, of: Field, home: Home) -> bool:
        """What is said of the field behind its name."""
        at = self._skip(self.at + 1)
        start = self.at
        if self._says(at, "negation") == "not" and at - start < LOOK_AHEAD:
            mark = len(self.found.pieces)
            self.found.pieces.append(Mark("not", at))
            if self._said_of(of, home, self._skip(at + 1)):
                return True
            del self.found.pieces[mark:]
            return False
        return self._said_of(of, home, at)

    def _said_of(self, of: Field, home: Home, at: int) -> bool:
        if self._range_at(at, home):
            return True
        if relation := self._says(at, "comparator"):
            value = self._skip(at + 1)
            if self._range_of(value, of) and self._test(value, cast(Relation, relation), home):
                return True
        if self._range_of(at, of) and not self._starts_other(at, of):
            return self._bounded(at, home)
        if of.type in STRINGS:
            return self._named_value(of, home, at) or self._name(of, home, at)
        return False

    def _starts_other(self, at: int, of: Field) -> bool:
        """Whether the value at `at` belongs to a field named behind it: "the power, 8 cylinders"."""
        item = self.items[at]
        after = self._named_after(at, (item,))
        separated = any(self._says(place, "junction") for place in range(self.at, at))
        return separated and after is not None and after.field is not of

    def _named_value(self, of: Field, home: Home, at: int) -> bool:
        item = self._item(at)
        for candidate in item.candidates if item else ():
            if isinstance(candidate.target, ValueTarget) and candidate.target.field.name == of.name:
                self.last = of
                confidence = min(1.0, candidate.confidence + 0.01)
                return self._emit(_is(of, candidate.target.value), at + 1, confidence, candidate.source)
        return False

    def _name(self, of: Field, home: Home, at: int) -> bool:
        """Words for a field that takes any: in quotes, or up to where the name ends."""
        contains = self._says(at, "contains") or self._says(self.at + 1, "contains")
        at = at + 1 if self._says(at, "contains") else at
        item = self._item(at)
        if item and item.quoted:
            exact = of.type == "keyword" and not contains
            if exact and of.closed:
                return False
            test = _is(of, item.quoted) if exact else Contains(of.name, item.quoted)
            return self._emit(test, at + 1, home.confidence, home.source)
        if of.closed:
            return False
        end = self._name_end(at)
        if end == at:
            return False
        words = " ".join(self.texts[at:end])
        known = [value.value for value in of.values if set(fold(words).split()) <= set(fold(value.value).split())]
        test = _is(of, known[0]) if len(known) == 1 else Contains(of.name, words)
        return self._emit(test, end, home.confidence * 0.85, home.source)

    def _name_end(self, at: int) -> int:
        """Where a name that begins at `at` ends: before the first item that means something else."""
        end, inner = at, self.language.data["name_words"]["inner"]
        while (item := self._item(end)) and end - at < LOOK_AHEAD:
            following = self._item(end + 1)
            joins = item.skippable and self.texts[end].lower() in inner and following is not None and following.is_word
            if not item.is_word and not joins:
                break
            end += 1
        return end

    def _value_of_catalog(self) -> bool:
        """A known value: "japanese", "PG-13"."""
        item = self.items[self.at]
        found = [c for c in item.candidates if isinstance(c.target, ValueTarget)]
        if not found or self._is_grammar(item):
            return False
        named = {of.name for of, _ in self._fields(self.at + 1)}
        chosen = next((c for c in found if cast(ValueTarget, c.target).field.name in named), found[0])
        target = cast(ValueTarget, chosen.target)
        end = self.at + 1
        if target.field.name in named and not self._has_own_value(self.at + 1):
            end += 1
        others = [c for c in found if c is not chosen]
        confidence = chosen.confidence if not others or named else chosen.confidence / len(found)
        alternatives = tuple(
            Alternative(_is(cast(ValueTarget, c.target).field, cast(ValueTarget, c.target).value), confidence)
            for c in others[:3]
        )
        self.last = target.field
        if target.field.type == "text" and (name_end := self._name_end(end)) > end:
            words = " ".join((target.value, *self.texts[end:name_end]))
            return self._emit(_is(target.field, words), name_end, confidence, chosen.source)
        return self._emit(_is(target.field, target.value), end, confidence, chosen.source, alternatives)

    def _is_grammar(self, item: Item) -> bool:
        return bool(item.said.keys() & {"comparator", "junction", "negation", "range", "bound", "having", "than"})

    def _noun(self) -> bool:
        if not self._is_noun(self.at):
            return False
        self.found.reasons[self.at] = "names the records"
        self.found.pieces.append(Mark("noun", self.at))
        self.at += 1
        return True

    def _quoted(self) -> bool:
        """Words in quotes go to the only text field, if there is just one."""
        item, of = self.items[self.at], self._only_text()
        if not item.quoted or not of:
            return False
        return self._emit(Contains(of.name, item.quoted), self.at + 1, 0.7, "type")

    def _excluded(self) -> bool:
        """Unknown words behind a "not": the only text field must not contain them."""
        mark = self.found.pieces[-1] if self.found.pieces else None
        if not self.items[self.at].is_word or not isinstance(mark, Mark) or mark.kind != "not":
            return False
        if self._skip(mark.at + 1) != self.at:
            return False
        end = self._name_end(self.at)
        if of := self._only_text():
            return self._emit(Contains(of.name, " ".join(self.texts[self.at : end])), end, 0.6, "type")
        self.found.reasons.update(
            dict.fromkeys(range(mark.at, end), "no field has this value, so that none is excluded")
        )
        self.at = end
        return True

    def _only_text(self) -> Field | None:
        texts = [of for of in self.catalog.fields if of.type == "text"]
        return texts[0] if len(texts) == 1 else None

    def _mark(self) -> bool:
        item = self.items[self.at]
        kind = item.says("junction") or ("not" if item.says("negation") else None)
        if kind == "but":
            kind = "not" if self._of_all() else "and"
        if kind:
            self.found.pieces.append(Mark(kind, self.at))
        self.at += 1
        return True

    def _of_all(self) -> bool:
        """Whether "any" or "all" stands before, with at most a noun between: "any car but american"."""
        at = self.at - 1
        while at > self.at - 3 and (self._is_noun(at) or self._says(at, "results")):
            at -= 1
        return self._says(at, "universal") is not None


def _is_fraction_of_whole(item: Item, of: Field) -> bool:
    """Whether no record can have the value: "2.5 cylinders"."""
    quantity = item.quantity
    return of.type == "integer" and quantity is not None and not quantity.units and isinstance(quantity.value, float)


def _opposite(direction: Direction) -> Direction:
    return "asc" if direction == "desc" else "desc"


def _is(of: Field, value: str) -> Leaf:
    """The field has the value; a text has it among its words."""
    return Contains(of.name, value) if of.type == "text" else Comparison("=", of.name, value)


def _same_scale(low: Item, high: Item) -> Item:
    """ "50 to 100 million": the lower limit in the scale of the upper one, unless it has its own."""
    first, last = low.quantity, high.quantity
    if not first or not last or first.scaled or not last.scaled or first.value >= last.value:
        return low
    scale = _scale(last)
    return (
        replace(low, quantity=replace(first, value=first.value * scale)) if first.value * scale <= last.value else low
    )


def _scale(quantity: Quantity) -> int:
    """The greatest of thousand, million, … that the number holds."""
    scale = 1
    while abs(quantity.value) >= scale * 1000:
        scale *= 1000
    return scale
