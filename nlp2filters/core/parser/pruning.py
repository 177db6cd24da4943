"""Pruning of tests with operators that their field does not allow, and of tests beyond the size limits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nlp2filters.core import checks, filters
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.filters import And, Filter, Or, all_of
from nlp2filters.core.interpretation import leaf_to_json
from nlp2filters.core.parser.boolean_tree import Node
from nlp2filters.core.parser.clauses import Atom

MAX_TESTS = 40
# This limits the nesting of AND and OR. A filter may have more, since scopes and earlier filters come on top.
MAX_LEVELS = 5

_BESIDE = "stands beside something that cannot be asked for"
_TOO_MUCH = f"goes beyond the {MAX_TESTS} conditions in {MAX_LEVELS} levels that one text may ask for"


@dataclass(frozen=True, slots=True)
class Pruned:
    """The rest of the tree, if any, and the atoms that were cut out of it, with the reason for each."""

    node: Node | None
    reasons: Sequence[tuple[Atom, str]]


def prune(node: Node, catalog: Catalog) -> Pruned:
    """Prune the tests that the catalog does not allow."""
    rest = _pruned(node.filter, catalog, 1, iter(range(MAX_TESTS)))
    tests = set(filters.tests(rest))
    large = len(node.atoms) > MAX_TESTS or _levels(node.filter) > MAX_LEVELS
    reasons = [(atom, _reason(atom, catalog, large=large)) for atom in node.atoms if atom.test not in tests]
    atoms = tuple(atom for atom in node.atoms if atom.test in tests)
    return Pruned(replace(node, filter=rest, atoms=atoms) if rest else None, reasons)


def _reason(atom: Atom, catalog: Catalog, *, large: bool) -> str:
    if checks.allows(catalog, atom.test):
        return _TOO_MUCH if large else _BESIDE
    data = leaf_to_json(atom.test)
    return f"{catalog.by_name[data['field']].title} cannot be asked for with “{data['op']}”"


def _pruned(node: Filter, catalog: Catalog, level: int, places: Iterator[int]) -> Filter | None:
    """Return the rest of a tree; each test takes one of the places. An OR that is not whole is dropped."""
    match node:
        case And(args) | Or(args):
            if level > MAX_LEVELS:
                return None
            parts = [_pruned(arg, catalog, level + 1, places) for arg in args]
            return all_of(*parts) if isinstance(node, And) else node if parts == list(args) else None
        case _:
            return node if checks.allows(catalog, node) and next(places, None) is not None else None


def _levels(node: Filter) -> int:
    """Return how deep AND and OR are nested."""
    return 1 + max(_levels(arg) for arg in node.args) if isinstance(node, And | Or) else 0
