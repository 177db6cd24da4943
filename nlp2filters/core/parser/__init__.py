"""The built-in parser: it turns a sentence into an interpretation by rules, without any LLM.

    words → tokens → scan.py: items → names.py: open values → clauses.py: tests, order, limit → structure.py: one filter

What no rule takes is accounted for: it becomes `text` for a full-text search, or is `ignored` with a reason.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from nlp2filters.core import checks, linking
from nlp2filters.core.budget import Budget
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.explain import sentence
from nlp2filters.core.filters import leaves
from nlp2filters.core.interpretation import Clarification, Condition, Ignored, Interpretation, Span
from nlp2filters.core.languages import Language
from nlp2filters.core.linking import FieldTarget, Lexicon, Nearness
from nlp2filters.core.parser import clauses, names, permitted, scan, structure, tagger, tagging
from nlp2filters.core.parser.clauses import Atom, Clauses, Mark
from nlp2filters.core.parser.row import Row
from nlp2filters.core.parser.scan import Item
from nlp2filters.core.parser.tagger import Array, Tagger, Tags
from nlp2filters.core.parser.tokens import tokenize
from nlp2filters.core.words import Token

_NO_VALUE = "names a field, but does not say what to ask of it"
_NO_FIELD = "no field is known for this value"
_NOT_FOLLOWED = "nothing that it could belong to follows"


@dataclass(frozen=True, slots=True)
class Tagged:
    """A text as the rules alone see it, with the tagger's output for it."""

    row: Row
    tags: Tags

    @property
    def phrases(self) -> tuple[str, ...]:
        """The phrases of the text to compare with the catalog's names by meaning."""
        return tuple(dict.fromkeys((*linking.phrases(self.row.unknown), *tagging.phrases(self.row, self.tags))))


def parse(
    text: str,
    lexicon: Lexicon,
    *,
    today: dt.date,
    tagged: Tagged | None = None,
    nearness: Nearness | None = None,
    budget: Budget | None = None,
) -> Interpretation:
    """Read a text. `tagged` (by `tag`) and `nearness` (of its phrases) come from the embedding model.

    A text that means nothing in the catalog is all `text`.

    Raises:
        TextTooComplex: the text and the catalog together take more work than the budget allows.
    """
    budget = budget or (tagged.row.budget if tagged else Budget())
    tokens = tokenize(text, lexicon)
    if tagged and not (nearness and nearness.clear):
        seen = replace(tagged.row, nearness=nearness)
    else:
        seen = row(text, tokens, lexicon, today, nearness, budget=budget)
    items = tagging.merge(seen, tagged.tags) if tagged else names.merge(seen)
    spans = _spans(items, tokens)
    seen = replace(seen, items=items, spans=spans)
    found = clauses.find(seen, tagging.asked(seen, tagged.tags) if tagged else ())
    node = structure.build(found.pieces, lexicon.catalog)
    node = permitted.only(node, found, lexicon.catalog) if node else None
    atoms = node.atoms if node else ()
    conditions = tuple(_condition(atom, found, spans, text, lexicon.catalog) for atom in atoms)
    rest, ignored = _ledger(items, found, atoms, spans, text)
    return Interpretation(
        filter=node.filter if node else None,
        sort=tuple(found.sorts),
        limit=found.limit or (1 if found.extreme and _one_record(items, tokens, found, lexicon.language) else None),
        text=rest,
        conditions=conditions,
        ignored=ignored,
        clarification=_clarification(conditions, lexicon.catalog) or _mismatch(found, spans, text, lexicon.catalog),
    )


def tag(
    text: str,
    lexicon: Lexicon,
    *,
    today: dt.date,
    pieces: Sequence[tuple[int, int]],
    vectors: Array,
    fields: Array,
    budget: Budget | None = None,
) -> Tagged:
    """Run the tagger on a text.

    `pieces` are the code points (start, end) of the embedding model's pieces of the text, `vectors` [pieces, 384]
    their vectors, `fields` [fields, 2, 384] those of `lexicon.described`.

    Raises:
        TextTooComplex: as `parse`, which goes on with the same budget.
    """
    tokens = tokenize(text, lexicon)
    seen = row(text, tokens, lexicon, today, budget=budget)
    return Tagged(seen, Tagger.packaged().tag(seen, tokens, tagger.align(tokens, pieces, vectors), fields))


def row(
    text: str,
    tokens: Sequence[Token],
    lexicon: Lexicon,
    today: dt.date,
    nearness: Nearness | None = None,
    *,
    budget: Budget | None = None,
) -> Row:
    """Return the items of a text. Without `nearness` they are as the rules alone see them, for the tagger."""
    budget = budget or Budget()
    items = scan.scan(tokens, lexicon, nearness.clear if nearness else {}, today, budget)
    return Row(items, _spans(items, tokens), text, lexicon, today, nearness, budget)


def _spans(items: Sequence[Item], tokens: Sequence[Token]) -> list[Span]:
    return [Span(tokens[item.start].start, tokens[item.end - 1].end) for item in items]


def _condition(atom: Atom, found: Clauses, spans: Sequence[Span], text: str, catalog: Catalog) -> Condition:
    span = Span(spans[_negation(atom, found.pieces)].start, spans[atom.end - 1].end)
    alternatives = tuple(
        replace(other, confidence=round(other.confidence, 3))
        for other in atom.alternatives
        if checks.allows(catalog, other.test)
    )
    return Condition(atom.test, span, span.of(text), round(atom.confidence, 3), atom.source, alternatives)


def _negation(atom: Atom, pieces: Sequence[Atom | Mark]) -> int:
    """Return the item with the "not" that governs the test, or else the test's own first one."""
    for previous, piece in pairwise(pieces):
        if isinstance(piece, Atom) and piece.start == atom.start:
            return previous.at if isinstance(previous, Mark) and previous.kind == "not" else atom.start
    return atom.start


def _one_record(items: Sequence[Item], tokens: Sequence[Token], found: Clauses, language: Language) -> bool:
    """Return whether the noun is singular: "the lightest car", not "the lightest cars"; without a noun, the article."""
    nouns = [piece.at for piece in found.pieces if isinstance(piece, Mark) and piece.kind == "noun"]
    if not nouns:
        return any(item.says("extreme") and tokens[item.start].norm in language.numbers.singular for item in items)
    return bool(nouns) and all(not tokens[items[at].end - 1].norm.endswith(language.plural_endings) for at in nouns)


def _ledger(
    items: Sequence[Item], found: Clauses, atoms: Sequence[Atom], spans: Sequence[Span], text: str
) -> tuple[str, tuple[Ignored, ...]]:
    """Return what is left: words for a full-text search, and parts that changed nothing, with the reason."""
    used = found.used | {at for atom in atoms for at in range(atom.start, atom.end)}
    dealt_with = used | found.reasons.keys()
    words = {at for at, item in enumerate(items) if at not in dealt_with and (item.is_word or item.quoted)}
    loose = set(words)
    # A number beside unknown words is part of a name: "apollo 13".
    for at, item in enumerate(items):
        if at not in used and item.quantity and not item.quantity.units and not words.isdisjoint((at - 1, at + 1)):
            loose.add(at)
    asked = {sort.field for sort in found.sorts} | {leaf.field for atom in atoms for leaf in leaves(atom.test)}
    governing = _governing(found)
    ignored = []
    for at, item in enumerate(items):
        reason = None
        if at in used or at in loose:
            continue
        if at in found.reasons:
            reason = found.reasons[at]
        elif item.is_value and not item.said.get("filler"):
            reason = _NO_FIELD
        elif item.candidates and not item.said:
            reason = None if _names(item) & asked else _NO_VALUE
        elif item.said.keys() & {"comparator", "negation", "sort", "extreme", "bound"} and not item.said.get("filler"):
            reason = None if at in governing else _NOT_FOLLOWED
        if reason:
            ignored.append(Ignored(spans[at], spans[at].of(text), reason))
    return _joined(sorted(loose), spans, text), tuple(ignored)


def _governing(found: Clauses) -> set[int]:
    """Return the items that take effect through the test after them, such as "not"."""
    governing: set[int] = set()
    pending: set[int] = set()
    for piece in found.pieces:
        if isinstance(piece, Atom):
            governing |= pending
            pending = set()
        elif piece.kind == "not":
            pending.add(piece.at)
        elif piece.kind != "(":
            pending = set()
    return governing


def _names(item: Item) -> set[str]:
    """Return the fields that an item may name."""
    return {candidate.target.field.name for candidate in item.candidates if isinstance(candidate.target, FieldTarget)}


def _joined(places: Sequence[int], spans: Sequence[Span], text: str) -> str:
    """Join words: neighbors as they stand in the text, the rest with a blank between."""
    parts: list[Span] = []
    for previous, at in zip([None, *places], places, strict=False):
        if previous is not None and previous == at - 1:
            parts[-1] = Span(parts[-1].start, spans[at].end)
        else:
            parts.append(spans[at])
    return " ".join(part.of(text) for part in parts)


def _clarification(conditions: Sequence[Condition], catalog: Catalog) -> Clarification | None:
    """Ask about the first condition with another reading that is about as likely."""
    for condition in conditions:
        rivals = [other for other in condition.alternatives if other.confidence >= condition.confidence * 0.85]
        if rivals:
            tests = (condition.test, *(other.test for other in rivals))
            return Clarification(
                f"What does “{condition.quote}” mean?", tuple(sentence(test, catalog) for test in tests)
            )
    return None


def _mismatch(found: Clauses, spans: Sequence[Span], text: str, catalog: Catalog) -> Clarification | None:
    """Ask about the first amount in another currency or unit than its field."""
    for mismatch in found.mismatches:
        quote = Span(spans[mismatch.start].start, spans[mismatch.end - 1].end).of(text)
        choices = (*(sentence(test, catalog) for test in mismatch.tests), "None of these")
        reason = mismatch.reason
        return Clarification(f"What does “{quote}” mean? {reason[:1].upper()}{reason[1:]}.", choices)
    return None
