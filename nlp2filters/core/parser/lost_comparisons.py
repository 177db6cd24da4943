"""Comparison words that ended in no test, beside a value that a field must equal: they are asked about.

"Bill deeper than 18 mm" is no bill of exactly 18 mm, even if no rule knows what "deeper" means.
"""

from collections.abc import Iterator, Sequence, Set

from nlp2filters.core import checks
from nlp2filters.core.catalog import ORDERED
from nlp2filters.core.explain import sentence as described
from nlp2filters.core.filters import Between, Comparison, Leaf, Not, OneOf
from nlp2filters.core.interpretation import Clarification
from nlp2filters.core.parser import values
from nlp2filters.core.parser.clauses import Atom
from nlp2filters.core.parser.sentence import Sentence
from nlp2filters.core.parser.values import Range, Relation

# A comparison belongs to a value at most this many chunks away.
MAX_DISTANCE = 4

# Between these, a comparison and a value are not about the same.
_APART = frozenset({",", "or", "but", "(", ")"})
_UNDIRECTED: tuple[Relation, ...] = (">", "<")


def question(sentence: Sentence, used: Set[int], atoms: Sequence[Atom]) -> Clarification | None:
    """Ask about the first comparison that is lost; `used` are the places of chunks that took effect."""
    for at, relations, start, end in _comparisons(sentence, used):
        atom = _beside(sentence, at, start, end, atoms)
        if atom:
            quote = sentence.text_of(min(start, atom.start), max(end, atom.end))
            choices = dict.fromkeys(described(test, sentence.catalog) for test in _readings(sentence, atom, relations))
            return Clarification(f"What does “{quote}” mean?", tuple(choices))
    return None


def _comparisons(sentence: Sentence, used: Set[int]) -> Iterator[tuple[int, tuple[Relation, ...], int, int]]:
    """Yield the place of each lost comparison, its relations, and the chunks of its words."""
    for at, chunk in enumerate(sentence.chunks):
        if at in used or "filler" in chunk.roles:
            continue
        relation = chunk.role("comparator") or chunk.role("bound")
        if relation and relation != "=":
            yield at, (relation,), at, at + 1  # type: ignore[misc]  # the language files have no others
    for at, chunk in enumerate(sentence.chunks):
        if at not in used and chunk.role("than") and _may_compare(sentence, at - 1):
            yield at, _UNDIRECTED, at - 1, at + 1


def _may_compare(sentence: Sentence, at: int) -> bool:
    """Return whether the word before "than" may be a comparative that nobody knows: "deeper"."""
    chunk = sentence.chunk(at)
    return chunk is not None and not chunk.is_value and not chunk.is_stopword


def _beside(sentence: Sentence, at: int, start: int, end: int, atoms: Sequence[Atom]) -> Atom | None:
    """Return the nearest test of equality that the comparison may be meant for: after it, or before a bound."""
    following = next((atom for atom in sorted(atoms, key=lambda atom: atom.start) if atom.start >= end), None)
    preceding = next((atom for atom in sorted(atoms, key=lambda atom: -atom.end) if atom.end <= start), None)
    # Words such as "and over" are for the value before them, if there is one.
    nearest = (preceding, following) if "bound" in sentence.chunks[at].roles else (following,)
    return next((atom for atom in nearest if atom and _is_beside(sentence, at, start, end, atom)), None)


def _is_beside(sentence: Sentence, at: int, start: int, end: int, atom: Atom) -> bool:
    """Return whether a test of equality may be meant; nothing sets it apart from the words `start` to `end`."""
    between = range(end, atom.start) if atom.start >= end else range(atom.end, start)
    if not _equals(sentence, atom) or len(between) > MAX_DISTANCE:
        return False
    if sentence.role(at, "comparator") == "~":
        # "How about a nice one with 3 stars": the word means other things as well.
        return all(sentence.chunks[place].is_stopword for place in between)
    return all(sentence.role(place, "junction") not in _APART for place in between)


def _equals(sentence: Sentence, atom: Atom) -> bool:
    match atom.test:
        case Comparison("=", name) | Between(name) | OneOf(name):
            return sentence.catalog.by_name[name].type in ORDERED
    return False


def _readings(sentence: Sentence, atom: Atom, relations: Sequence[Relation]) -> Iterator[Leaf | Not]:
    """Yield the tests that may be meant, the one that was read last."""
    match atom.test:
        case Comparison(_, name, value):
            low = high = value
        case Between(name, low, high):
            pass
        case OneOf(name, tested):
            low, high = tested[0], tested[-1]
        case _:
            return
    field = sentence.catalog.by_name[name]
    for relation in relations:
        test = values.test(relation, field, Range(low, high))
        if checks.allows(sentence.catalog, test):
            yield test
    yield atom.test
