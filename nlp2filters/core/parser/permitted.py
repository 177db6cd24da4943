"""What the catalog lets a text ask: tests with an operator that their field does not allow are taken out again."""

from collections.abc import Iterator
from dataclasses import replace

from nlp2filters.core import checks
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.filters import And, Filter, Or, all_of
from nlp2filters.core.interpretation import leaf_to_json
from nlp2filters.core.parser.clauses import Clauses
from nlp2filters.core.parser.structure import Node

_BESIDE = "stands beside something that cannot be asked for"


def only(node: Node, found: Clauses, catalog: Catalog) -> Node | None:
    """The node without the tests that the catalog does not allow, whose words are then ignored for a reason."""
    kept = _kept(node.filter, catalog)
    tests = set(_tests(kept)) if kept else set()
    for atom in node.atoms:
        if atom.test not in tests:
            data, places = leaf_to_json(atom.test), range(atom.start, atom.end)
            title = catalog.by_name[data["field"]].title
            allowed = checks.allows(catalog, atom.test)
            reason = _BESIDE if allowed else f"{title} cannot be asked for with “{data['op']}”"
            found.reasons.update(dict.fromkeys(places, reason))
            found.used.difference_update(places)
    return replace(node, filter=kept, atoms=tuple(a for a in node.atoms if a.test in tests)) if kept else None


def _kept(node: Filter, catalog: Catalog) -> Filter | None:
    """What is left. An OR with a test that is not allowed cannot be asked at all."""
    match node:
        case And(args):
            return all_of(*(_kept(arg, catalog) for arg in args))
        case Or(args):
            return node if all(_kept(arg, catalog) == arg for arg in args) else None
        case _:
            return node if checks.allows(catalog, node) else None


def _tests(node: Filter) -> Iterator[Filter]:
    """The tests of a filter in negation normal form, each with its negation."""
    if isinstance(node, And | Or):
        for arg in node.args:
            yield from _tests(arg)
    else:
        yield node
