"""The built-in parser: it turns a sentence into an interpretation by rules, without any LLM.

    words → tokens → scan.py: items → open_values → clauses: tests, order, limit → boolean_tree.py: one filter

What no rule takes is accounted for: it becomes `text` for a full-text search, or is `ignored` with a reason.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from nlp2filters.core import checks, linking
from nlp2filters.core.budget import Budget
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.explain import sentence as described
from nlp2filters.core.interpretation import Clarification, Condition, Interpretation, Span
from nlp2filters.core.linking import Lexicon, Nearness
from nlp2filters.core.parser import boolean_tree, clauses, confidence, open_values, pruning, scan, tagger
from nlp2filters.core.parser.accounting import account
from nlp2filters.core.parser.boolean_tree import Node
from nlp2filters.core.parser.clauses import Atom, Clauses, Mark, Mismatch
from nlp2filters.core.parser.row import Row
from nlp2filters.core.parser.scan import Item
from nlp2filters.core.parser.tagger import Array, Tagger, Tags, merging
from nlp2filters.core.parser.tokens import tokenize
from nlp2filters.core.words import Token


@dataclass(frozen=True, slots=True)
class Tagged:
    """A text as the rules alone see it, with the tagger's output for it."""

    row: Row
    tags: Tags

    @property
    def phrases(self) -> tuple[str, ...]:
        """The phrases of the text to compare with the catalog's names by meaning."""
        return tuple(dict.fromkeys((*linking.phrases(self.row.unknown), *merging.phrases(self.row, self.tags))))


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
    tokens = tokenize(text, lexicon)
    if tagged and not (nearness and nearness.clear):
        sentence = replace(tagged.row, nearness=nearness)
    else:
        budget = budget or (tagged.row.budget if tagged else None)
        sentence = row(text, tokens, lexicon, today, nearness, budget=budget)
    sentence = _merged(sentence, tokens, tagged.tags if tagged else None)
    parts = clauses.read(sentence, merging.boolean_tests(sentence, tagged.tags) if tagged else ())
    return _interpretation(sentence, tokens, parts)


def _interpretation(sentence: Row, tokens: Sequence[Token], parts: Clauses) -> Interpretation:
    node = _filter(parts, sentence.catalog)
    atoms = node.atoms if node else ()
    conditions = tuple(_condition(atom, parts, sentence) for atom in atoms)
    unused = account(sentence, parts, atoms)
    return Interpretation(
        filter=node.filter if node else None,
        sort=tuple(parts.sorts),
        limit=parts.limit or (1 if _asks_for_one_record(sentence, tokens, parts) else None),
        text=unused.text,
        conditions=conditions,
        ignored=unused.ignored,
        clarification=_clarification(conditions, sentence.catalog) or _about_mismatch(parts.mismatch, sentence),
    )


def _merged(sentence: Row, tokens: Sequence[Token], tags: Tags | None) -> Row:
    """Merge the items of each name into one, as the tagger sees them or else by rules."""
    items = merging.merge(sentence, tags) if tags else open_values.merge(sentence)
    return replace(sentence, items=items, spans=_spans(items, tokens))


def _filter(parts: Clauses, catalog: Catalog) -> Node | None:
    """Build the filter of the clauses; what it may not ask for becomes unused, for a reason."""
    node = boolean_tree.build(parts.pieces, catalog)
    if not node:
        return None
    pruned = pruning.prune(node, catalog)
    for atom, reason in pruned.reasons:
        parts.disuse(atom, reason)
    return pruned.node


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
    sentence = row(text, tokens, lexicon, today, budget=budget)
    return Tagged(sentence, Tagger.packaged().tag(sentence, tokens, tagger.align(tokens, pieces, vectors), fields))


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


def _condition(atom: Atom, parts: Clauses, sentence: Row) -> Condition:
    span = Span(sentence.spans[_first_item(atom, parts.pieces)].start, sentence.spans[atom.end - 1].end)
    alternatives = tuple(
        replace(other, confidence=round(other.confidence, 3))
        for other in atom.alternatives
        if checks.allows(sentence.catalog, other.test)
    )
    return Condition(atom.test, span, span.of(sentence.text), round(atom.confidence, 3), atom.source, alternatives)


def _first_item(atom: Atom, pieces: Sequence[Atom | Mark]) -> int:
    """Return the item with the "not" that governs the test, or else the test's own first one."""
    for previous, piece in pairwise(pieces):
        if isinstance(piece, Atom) and piece.start == atom.start:
            return previous.at if isinstance(previous, Mark) and previous.kind == "not" else atom.start
    return atom.start


def _asks_for_one_record(sentence: Row, tokens: Sequence[Token], parts: Clauses) -> bool:
    """Return whether the noun is singular: "the lightest car", not "the lightest cars"; without a noun, the article."""
    if not parts.superlative:
        return False
    nouns = [piece.at for piece in parts.pieces if isinstance(piece, Mark) and piece.kind == "noun"]
    if nouns:
        endings = sentence.language.plural_endings
        return all(not tokens[sentence.items[at].end - 1].norm.endswith(endings) for at in nouns)
    singular = sentence.language.numbers.singular
    return any(item.says("extreme") and tokens[item.start].norm in singular for item in sentence.items)


def _clarification(conditions: Sequence[Condition], catalog: Catalog) -> Clarification | None:
    """Ask about the first condition with another reading that is about as likely."""
    for condition in conditions:
        least = condition.confidence * confidence.RIVAL
        rivals = [other for other in condition.alternatives if other.confidence >= least]
        if rivals:
            tests = (condition.test, *(other.test for other in rivals))
            return Clarification(
                f"What does “{condition.quote}” mean?", tuple(described(test, catalog) for test in tests)
            )
    return None


def _about_mismatch(mismatch: Mismatch | None, sentence: Row) -> Clarification | None:
    """Ask about an amount in another currency or unit than its field."""
    if not mismatch:
        return None
    quote = sentence.text_of(mismatch.start, mismatch.end)
    choices = (*(described(test, sentence.catalog) for test in mismatch.tests), "None of these")
    reason = mismatch.reason[:1].upper() + mismatch.reason[1:]
    return Clarification(f"What does “{quote}” mean? {reason}.", choices)
