"""What a text may ask: the rest is taken out again.

That is tests with an operator that their field does not allow, and those beyond the size of a filter.
"""

from collections.abc import Iterator
from dataclasses import replace

from nlp2filters.core import checks, filters
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.filters import And, Filter, Or, all_of
from nlp2filters.core.interpretation import leaf_to_json
from nlp2filters.core.parser.clauses import Clauses
from nlp2filters.core.parser.structure import Node

MAX_TESTS = 40
MAX_LEVELS = 5  # of AND and OR; less than a filter may have, since scopes and earlier filters come on top

_BESIDE = "stands beside something that cannot be asked for"
_TOO_MUCH = f"goes beyond the {MAX_TESTS} conditions in {MAX_LEVELS} levels that one text may ask for"


def only(node: Node, found: Clauses, catalog: Catalog) -> Node | None:
    """The node without the tests that the catalog does not allow, whose words are then ignored for a reason."""
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
    """What is left. An OR with a test that is not allowed cannot be asked at all."""
    match node:
        case And(args) | Or(args):
            if level > MAX_LEVELS:
                return None
            parts = [_kept(arg, catalog, level + 1, left) for arg in args]
            return all_of(*parts) if isinstance(node, And) else node if parts == list(args) else None
        case _:
            return node if checks.allows(catalog, node) and next(left, None) is not None else None


def _levels(node: Filter) -> int:
    """How deep AND and OR are nested."""
    return 1 + max(_levels(arg) for arg in node.args) if isinstance(node, And | Or) else 0
