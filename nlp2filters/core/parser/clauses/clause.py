"""Clauses: what a rule reads at one place of a sentence, and the result that all of them add up to."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field

from nlp2filters.core.catalog import Field
from nlp2filters.core.filters import Comparison, Leaf, Not, leaves
from nlp2filters.core.interpretation import Alternative, Direction, Part, Sort, Source
from nlp2filters.core.parser.sentence import Sentence

# Features of a chunk beside its roles: an open value, a known meaning in the catalog, a quantity, date or time, words
# in quotes, a word about which nothing is known, and one without content.
NAME, MATCH, VALUE, QUOTED, WORD, STOPWORD = "#name", "#match", "#value", "#quoted", "#word", "#stopword"

_JOINING = frozenset({"and", "or", ",", "nor", "not", "but"})


@dataclass(frozen=True, slots=True)
class Atom:
    """One test, the chunks `start` to `end` (exclusive) that it came from, and its confidence.

    `opposite` is the test under a "not", unless that is just the negated one: of "comments above 0" it is "0 comments".
    """

    test: Leaf | Not
    start: int
    end: int
    confidence: float
    source: Source
    alternatives: tuple[Alternative, ...] = ()
    opposite: Leaf | Not | None = None


@dataclass(frozen=True, slots=True)
class Connective:
    """A word between tests: "and", "or", ",", "nor", "not", "but", "(" or ")"; "noun" if it names the records.

    A "but" may also mean "not": "any car under $5000 but red".
    """

    kind: str
    at: int


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The chunks `start` to `end`, in another currency or unit than their field; they may mean one of `tests`."""

    start: int
    end: int
    reason: str
    tests: tuple[Leaf | Not, ...]


@dataclass(frozen=True, slots=True)
class BooleanHint:
    """A boolean field that the chunk at a place asks for."""

    field: Field
    at: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Context:
    """State that the clauses before a place leave for the rules.

    `last_field` is that of the previous test, `pending` the connective right before, unless a test is; `top`: the
    direction that "top 10" (or "bottom 10") gives to a key that follows it ("by horsepower").
    """

    last_field: Field | None = None
    pending: Connective | None = None
    top: Direction | None = None

    @property
    def joined(self) -> bool:
        """True if only a word such as "and" separates the place from the previous test."""
        return self.pending is not None and self.pending.kind in _JOINING

    @property
    def negation(self) -> Connective | None:
        """The "not" right before, if there is one."""
        return self.pending if self.pending and self.pending.kind == "not" else None


@dataclass(frozen=True, slots=True)
class Clause:
    """Everything that a rule has read, up to the chunk `end` (exclusive).

    `pieces` are tests and connectives in the order of the text; a value in a later clause may belong to `last_field`,
    that of the last test. `reasons` say of chunks why they change nothing. `superlative`: the sorts may ask for a
    single record ("the lightest car"). `absorbs_connective`: the pending connective takes effect in this clause ("no
    stops" is a count of zero), and nowhere else.
    """

    end: int
    pieces: tuple[Atom | Connective, ...] = ()
    last_field: Field | None = None
    sorts: tuple[Sort, ...] = ()
    superlative: bool = False
    limit: int | None = None
    top: Direction | None = None
    reasons: Mapping[int, str] = field(default_factory=dict)
    mismatch: Mismatch | None = None
    absorbs_connective: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A way to read the words at a place: `read` is pure, and returns None if the rule does not fit.

    `first` are roles of the grammar or features, such as `VALUE`, of which the chunk at the place has at least one.
    `examples` are texts with their readings in short, empty if nothing can be asked for; they are the rule's tests.
    """

    name: str
    first: Set[str]
    read: Callable[[Sentence, int, Context], Clause | None]
    examples: Mapping[str, str]


@dataclass(slots=True)
class Clauses:
    """The sum of a sentence's clauses.

    `used` are the places of chunks that change something, `ordering` the ranges of chunks (end exclusive) that set the
    order or the limit; `last_field` and `top` are for the context of the next clause.
    """

    pieces: list[Atom | Connective] = field(default_factory=list)
    sorts: list[Sort] = field(default_factory=list)
    superlative: bool = False
    limit: int | None = None
    used: set[int] = field(default_factory=set)
    ordering: list[tuple[int, int, Part]] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    mismatch: Mismatch | None = None
    last_field: Field | None = None
    top: Direction | None = None

    @property
    def context(self) -> Context:
        """The context of the next place."""
        last = self.pieces[-1] if self.pieces else None
        return Context(self.last_field, last if isinstance(last, Connective) else None, self.top)

    def add(self, clause: Clause, start: int) -> None:
        """Add a clause that begins at the chunk `start`."""
        if clause.absorbs_connective:
            connective = self.pieces.pop()
            assert isinstance(connective, Connective)
            self.used.add(connective.at)
        for piece in clause.pieces:
            if isinstance(piece, Atom):
                self.used.update(range(piece.start, piece.end))
        self.pieces += clause.pieces
        self.last_field = clause.last_field or self.last_field
        self.reasons.update(clause.reasons)
        self.mismatch = self.mismatch or clause.mismatch
        self.superlative |= clause.superlative
        if clause.sorts or clause.limit or clause.top:
            self.used.update(range(start, clause.end))
            self._order(clause, start)

    def _order(self, clause: Clause, start: int) -> None:
        """Add the order and the limit of a clause. The first limit counts, and the first sort by each field."""
        if clause.sorts or clause.top:
            self.ordering.append((start, clause.end, "sort"))
        if clause.limit:
            self.ordering.append((start, clause.end, "limit"))
        fields = {sort.field for sort in self.sorts}
        self.sorts += [sort for sort in clause.sorts if sort.field not in fields]
        self.limit = self.limit or clause.limit
        self.top = clause.top or self.top

    def add_boolean(self, hint: BooleanHint) -> None:
        """Add a test of the boolean field, unless there is one, at the place of its words among the others."""
        tests = (piece.test for piece in self.pieces if isinstance(piece, Atom))
        if any(leaf.field == hint.field.name for test in tests for leaf in leaves(test)):
            return
        atom = Atom(Comparison("=", hint.field.name, True), hint.at, hint.at + 1, hint.confidence, "embedding")
        starts = [piece.start if isinstance(piece, Atom) else piece.at for piece in self.pieces]
        self.pieces.insert(sum(start < hint.at for start in starts), atom)
        self.used.add(hint.at)

    def end_sentence(self) -> None:
        """Forget a "not" that nothing followed in its sentence: "I don't want it. Find me red ones"."""
        end = len(self.pieces)
        while end and isinstance(self.pieces[end - 1], Connective):
            end -= 1
        self.pieces[end:] = [piece for piece in self.pieces[end:] if isinstance(piece, Atom) or piece.kind != "not"]

    def disuse(self, atom: Atom, reason: str) -> None:
        """Take back that the chunks of a test change something."""
        places = range(atom.start, atom.end)
        self.reasons.update(dict.fromkeys(places, reason))
        self.used.difference_update(places)
