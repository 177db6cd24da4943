"""The boolean tree: one filter from the tests and the words between them.

Tests are combined by AND by default. "or" and lists join tests of one field into one list; "or" between different
fields binds the tests next to it; "not" applies to the test after it and to the list that this test begins.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile

from nlp2filters.core.catalog import Catalog
from nlp2filters.core.filters import (
    Between,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Leaf,
    Not,
    OneOf,
    Scalar,
    all_of,
    any_of,
    leaves,
    negate,
)
from nlp2filters.core.interpretation import Alternative
from nlp2filters.core.parser.clauses import Atom, Connective
from nlp2filters.core.parser.values import negated

MAX_NESTING = 3

# A joint is the strongest word between two nodes.
Joint = str
_ADJACENT = "adjacent"
_STRENGTH = {_ADJACENT: 0, ",": 1, "and": 2, "nor": 3, "or": 4}


@dataclass(frozen=True, slots=True)
class Node:
    """A part of the filter with its tests. `equal` is the field of which it says "is one of"."""

    filter: Filter
    atoms: tuple[Atom, ...]
    negated: bool = False
    equal: str | None = None

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it tests."""
        return frozenset(leaf.field for atom in self.atoms for leaf in leaves(atom.test))

    def opposite(self) -> "Node":
        """Return the node under a "not"."""
        if len(self.atoms) == 1 and (opposite := self.atoms[0].opposite):
            atom = replace(self.atoms[0], test=opposite, alternatives=(), opposite=self.atoms[0].test)
            return replace(self, filter=opposite, atoms=(atom,), negated=not self.negated)
        atoms = tuple(replace(atom, test=negated(atom.test), alternatives=(), opposite=None) for atom in self.atoms)
        return replace(self, filter=negate(self.filter), atoms=atoms, negated=not self.negated)

    def doubtful(self) -> "Node":
        """Return the node of one test whose opposite may be meant as well; others stay as they are."""
        if len(self.atoms) != 1:
            return self
        (atom,) = self.atoms
        other = Alternative(atom.opposite or negated(atom.test), atom.confidence)
        return replace(self, atoms=(replace(atom, alternatives=(other, *atom.alternatives)),))


def build(pieces: Sequence[Atom | Connective], catalog: Catalog) -> Node | None:
    """Build the filter of the pieces, with its tests in the order of the text."""
    return _group(pieces, range(len(pieces)), _closings(pieces), catalog, 0)


def _closings(pieces: Sequence[Atom | Connective]) -> dict[int, int]:
    """Return where each parenthesis that has a partner is closed."""
    closings, opened = {}, []
    for at, piece in enumerate(pieces):
        match piece:
            case Connective("("):
                opened.append(at)
            case Connective(")") if opened:
                closings[opened.pop()] = at
    return closings


def _group(
    pieces: Sequence[Atom | Connective], places: range, closings: Mapping[int, int], catalog: Catalog, depth: int
) -> Node | None:
    nodes: list[Node] = []
    joints: list[Joint] = []
    word, negated, doubtful, at = _ADJACENT, False, False, places.start
    while at < places.stop:
        piece, node = pieces[at], None
        match piece:
            case Connective("(") if at in closings and depth < MAX_NESTING:
                node = _group(pieces, range(at + 1, closings[at]), closings, catalog, depth + 1)
                at = closings[at]
            case Connective("not"):
                negated = not negated
            case Connective("but"):
                word, doubtful = _stronger(word, "and"), True
            case Connective(kind):
                word = _stronger(word, kind)
            case Atom():
                node = Node(piece.test, (piece,), negated=_excludes(piece.test), equal=_equal(piece))
        at += 1
        if node:
            joints.append(word)
            node = node.opposite() if negated else node
            nodes.append(node.doubtful() if doubtful else node)
            word, negated, doubtful = _ADJACENT, False, False
    # What comes before the first node joins nothing.
    return _combined(nodes, joints[1:], catalog) if nodes else None


def _stronger(word: Joint, kind: str) -> Joint:
    return kind if _STRENGTH.get(kind, -1) > _STRENGTH[word] else word


def _combined(nodes: list[Node], joints: list[Joint], catalog: Catalog) -> Node:
    nodes, joints = _inherit_not(nodes, joints, catalog)
    nodes, joints = _lists(nodes, joints, catalog)
    return _join(_bind_or(nodes, _either_range(nodes, joints, catalog)), "and")


def _inherit_not(nodes: list[Node], joints: list[Joint], catalog: Catalog) -> tuple[list[Node], list[Joint]]:
    """Extend a "not": "not red or blue" is neither, like "no pets or smoking" and what follows "nor"."""
    nodes, joints = list(nodes), list(joints)
    closed = _closed_lists(nodes, joints)
    for at, joint in enumerate(joints):
        before, node = nodes[at], nodes[at + 1]
        if not before.negated or node.negated:
            continue
        both_boolean = joint == "or" and _is_boolean(before, catalog) and _is_boolean(node, catalog)
        both_ranges = joint in ("or", "and") and _range_of(before) is not None and _range_of(before) == _range_of(node)
        if joint == "nor" or both_boolean or both_ranges:
            joints[at] = "and"
            nodes[at + 1] = node.opposite()
        elif _continues_list(before, node, joint, closed=closed[at + 1]):
            nodes[at + 1] = node.opposite()
    return nodes, joints


def _continues_list(before: Node, node: Node, joint: Joint, *, closed: bool) -> bool:
    """Return whether a value belongs to the list that the one before it began; after a comma, if that is `closed`."""
    same = before.equal is not None and before.equal == node.equal
    return same and (joint in ("or", "and") or (joint == "," and closed))


def _closed_lists(nodes: list[Node], joints: list[Joint]) -> list[bool]:
    """Return for each node whether a list with commas continues there.

    An "or" or "and" must close the list before another field comes.
    """
    closed = [False] * len(nodes)
    for at in range(len(joints) - 1, -1, -1):
        following = nodes[at + 1]
        same = following.equal == nodes[at].equal and not following.negated
        closed[at] = same and (joints[at] in ("or", "and", "nor") or closed[at + 1])
    return closed


def _lists(nodes: list[Node], joints: list[Joint], catalog: Catalog) -> tuple[list[Node], list[Joint]]:
    """Merge runs of tests of one field into one list: "japanese or european", "4, 6 or 8 cylinders"."""
    runs, between = [[nodes[0]]], []
    for joint, node in zip(joints, nodes[1:], strict=True):
        last = runs[-1][0]
        if node.equal and node.equal == last.equal and node.negated == last.negated and _one_list(node, joint, catalog):
            runs[-1].append(node)
        else:
            runs.append([node])
            between.append(joint)
    return [_list(run) for run in runs], between


def _one_list(node: Node, joint: Joint, catalog: Catalog) -> bool:
    """Return whether the values are one list.

    If a record has one value, "a and b" asks for either; if it has many, it can have both.
    """
    assert node.equal
    return not catalog.by_name[node.equal].many or joint == "or" or node.negated


def _list(nodes: Sequence[Node]) -> Node:
    """Merge tests of a field into one of several values. Words that a text contains stay tests of their own."""
    if len(nodes) == 1:
        return nodes[0]
    plain = list(takewhile(lambda node: not _has_words(node), nodes))
    if len(plain) == len(nodes):
        return _one_of(nodes)
    parts = [*([_list(plain)] if plain else []), *nodes[len(plain) :]]
    join = all_of if nodes[0].negated else any_of
    filter_ = join(*(part.filter for part in parts))
    assert filter_
    return replace(nodes[0], filter=filter_, atoms=tuple(atom for part in parts for atom in part.atoms))


def _one_of(nodes: Sequence[Node]) -> Node:
    """Merge tests of the values of a field into one test, as sure as the least sure of them."""
    atoms, field, negated = [atom for node in nodes for atom in node.atoms], nodes[0].equal, nodes[0].negated
    values = tuple(dict.fromkeys(value for atom in atoms for value in _values(atom.test)))
    assert field
    test: Leaf | Not
    if len(values) == 1:
        test = Comparison("<>" if negated else "=", field, values[0])
    else:
        test = Not(OneOf(field, values)) if negated else OneOf(field, values)
    weakest = min(atoms, key=lambda atom: atom.confidence)
    atom = Atom(test, atoms[0].start, atoms[-1].end, weakest.confidence, weakest.source)
    return replace(nodes[0], filter=test, atoms=(atom,))


def _either_range(nodes: list[Node], joints: list[Joint], catalog: Catalog) -> list[Joint]:
    """Turn an "and" between ranges of a field that do not meet into "or": no record is in both."""
    neighbors = zip(joints, pairwise(nodes), strict=True)
    return ["or" if joint in ("and", ",") and _apart(*pair, catalog) else joint for joint, pair in neighbors]


def _range_of(node: Node) -> str | None:
    """Return the field of which the node says that it is, or is not, in a range."""
    match node.filter:
        case Between(field) | Not(Between(field)):
            return field
    return None


def _apart(one: Node, other: Node, catalog: Catalog) -> bool:
    match one.filter, other.filter:
        case Between(field, low, high), Between(second, from_, to) if (
            field == second and not catalog.by_name[field].many
        ):
            limits = (low, high, from_, to)
            if all(isinstance(limit, int | float) for limit in limits) or all(type(it) is dt.date for it in limits):
                return high < from_ or to < low  # type: ignore[operator]  # all are of one kind
    return False


def _has_words(node: Node) -> bool:
    tests = (atom.test.arg if isinstance(atom.test, Not) else atom.test for atom in node.atoms)
    return any(isinstance(test, Contains) for test in tests)


def _bind_or(nodes: list[Node], joints: list[Joint]) -> list[Node]:
    """Join the nodes on both sides of each "or", from left to right."""
    nodes, joints = list(nodes), list(joints)
    fields = [node.fields for node in nodes]
    at = 0
    while at < len(joints):
        if joints[at] != "or":
            at += 1
            continue
        start, end = _reach(fields, joints, at)
        sides = _join(nodes[start : at + 1], "and"), _join(nodes[at + 1 : end + 1], "and")
        nodes[start : end + 1] = [_join(sides, "or")]
        fields[start : end + 1] = [frozenset().union(*fields[start : end + 1])]
        del joints[start:end]
        at = start
    return nodes


def _reach(fields: Sequence[frozenset[str]], joints: Sequence[Joint], at: int) -> tuple[int, int]:
    """Return the first and the last node that the "or" at the joint `at` binds.

    "american with 8 cylinders or japanese with 4": the right side begins again with the field that the left began
    with, so each side is a whole. "italian or cheap thai": the right side goes up to the field of the left. Otherwise,
    it binds only its neighbors.
    """
    end = at + 1
    while end < len(joints) and joints[end] == _ADJACENT:
        end += 1
    start = at
    while start > 0 and joints[start - 1] != "or" and fields[start].isdisjoint(fields[at + 1]):
        start -= 1
    if start < at and not fields[start].isdisjoint(fields[at + 1]):
        return start, end
    for last in range(at + 1, end + 1):
        if not fields[last].isdisjoint(fields[at]):
            return at, last
    return at, at + 1


def _join(nodes: Sequence[Node], word: str) -> Node:
    if word == "and":
        nodes = [node for node in nodes if not _is_implied(node, nodes)]
    if len(nodes) == 1:
        return nodes[0]
    filter_ = (all_of if word == "and" else any_of)(*(node.filter for node in nodes))
    assert filter_
    return Node(filter_, tuple(atom for node in nodes for atom in node.atoms))


def _is_implied(node: Node, beside: Sequence[Node]) -> bool:
    """Return whether a field has a value anyway, since another test asks for one: "with a score of 5"."""
    match node.filter:
        case Not(IsNull(field)):
            others = (other for other in beside if other.fields == {field} and len(other.atoms) == 1)
            return any(not isinstance(other.filter, IsNull | Not) for other in others)
    return False


def _equal(atom: Atom) -> str | None:
    """Return the field of a test that values can be added to."""
    test = atom.test.arg if isinstance(atom.test, Not) else atom.test
    match test:
        case Comparison("=" | "<>", field, value) if not isinstance(value, bool):
            return field
        case OneOf(field) | Contains(field):
            return field
    return None


def _excludes(test: Leaf | Not) -> bool:
    """Return whether a test excludes values, although no "not" stands before it: "sugar-free"."""
    match test:
        case Comparison("<>") | Not(OneOf() | Contains()):
            return True
    return False


def _values(test: Leaf | Not) -> tuple[Scalar, ...]:
    match test:
        case Not(OneOf(_, values)) | OneOf(_, values):
            return values
        case Comparison(_, _, value):
            return (value,)
    return ()


def _is_boolean(node: Node, catalog: Catalog) -> bool:
    return all(catalog.by_name[field].type == "boolean" for field in node.fields)
