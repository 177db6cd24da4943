"""Pruning of tests with operators that their field does not allow, and of tests beyond the size limits."""

from collections.abc import Iterator
from dataclasses import replace

from nlp2filters.core import checks, filters
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.filters import And, Filter, Or, all_of
from nlp2filters.core.interpretation import leaf_to_json
from nlp2filters.core.parser.clauses import Clauses
from nlp2filters.core.parser.structure import Node

MAX_TESTS = 40
# This limits the nesting of AND and OR. A filter may have more, since scopes and earlier filters come on top.
MAX_LEVELS = 5

_BESIDE = "stands beside something that cannot be asked for"
_TOO_MUCH = f"goes beyond the {MAX_TESTS} conditions in {MAX_LEVELS} levels that one text may ask for"


def only(node: Node, found: Clauses, catalog: Catalog) -> Node | None:
    """Prune the tests that the catalog does not allow; their words are then ignored for a reason."""
    kept = _kept(node.filter, catalog, 1, iter(range(MAX_TESTS)))
    tests = set(filters.tests(kept))
    large = len(node.atoms) > MAX_TESTS or _levels(node.filter) > MAX_LEVELS
    for atom in node.atoms:
        if atom.test not in tests:
            data, places = leaf_to_json(atom.test), range(atom.start, atom.end)
            title = catalog.by_name[data["field"]].title
            reason = f"{title} cannot be asked for with “{data['op']}”"
            if checks.allows(catalog, atom.test):
                reason = _TOO_MUCH if large else _BESIDE
            found.reasons.update(dict.fromkeys(places, reason))
            found.used.difference_update(places)
    return replace(node, filter=kept, atoms=tuple(a for a in node.atoms if a.test in tests)) if kept else None


def _kept(node: Filter, catalog: Catalog, level: int, left: Iterator[int]) -> Filter | None:
    """Return what is left. An OR with a test that is not allowed is dropped as a whole."""
    match node:
        case And(args) | Or(args):
            if level > MAX_LEVELS:
                return None
            parts = [_kept(arg, catalog, level + 1, left) for arg in args]
            return all_of(*parts) if isinstance(node, And) else node if parts == list(args) else None
        case _:
            return node if checks.allows(catalog, node) and next(left, None) is not None else None


def _levels(node: Filter) -> int:
    """Return how deep AND and OR are nested."""
    return 1 + max(_levels(arg) for arg in node.args) if isinstance(node, And | Or) else 0
