"""The built-in parser: it turns a sentence into an interpretation by rules, without any LLM.

    words → tokens → chunker.py: chunks → open_values → clauses: tests, order, limit → boolean_tree.py: one filter

What no rule takes is accounted for: it becomes `text` for a full-text search, or is `ignored` with a reason.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from nlp2filters.core import checks, contradictions, linking
from nlp2filters.core.budget import Budget
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.explain import sentence as described
from nlp2filters.core.interpretation import Clarification, Condition, Interpretation, Span
from nlp2filters.core.linking import Lexicon, Nearness
from nlp2filters.core.parser import (
    boolean_tree,
    chunker,
    clauses,
    confidence,
    lost_comparisons,
    open_values,
    pruning,
    tagger,
)
from nlp2filters.core.parser.accounting import account
from nlp2filters.core.parser.boolean_tree import Node
from nlp2filters.core.parser.chunker import Chunk
from nlp2filters.core.parser.clauses import Atom, Clauses, Connective, Mismatch
from nlp2filters.core.parser.sentence import Sentence
from nlp2filters.core.parser.tagger import Array, FieldSide, Tagger, Tags, merging
from nlp2filters.core.parser.tokens import tokenize
from nlp2filters.core.words import Token


@dataclass(frozen=True, slots=True)
class Tagged:
    """A text as the rules alone see it, with the tagger's output for it."""

    sentence: Sentence
    tags: Tags

    @property
    def phrases(self) -> tuple[str, ...]:
        """The phrases of the text to compare with the catalog's names by meaning."""
        return tuple(
            dict.fromkeys((*linking.phrases(self.sentence.unknown), *merging.phrases(self.sentence, self.tags)))
        )


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
        sentence = replace(tagged.sentence, nearness=nearness)
    else:
        budget = budget or (tagged.sentence.budget if tagged else None)
        sentence = sentence_of(text, tokens, lexicon, today, nearness, budget=budget)
    sentence = _merged(sentence, tokens, tagged.tags if tagged else None)
    parts = clauses.read(sentence, merging.boolean_tests(sentence, tagged.tags) if tagged else ())
    return _interpretation(sentence, tokens, parts)


def _interpretation(sentence: Sentence, tokens: Sequence[Token], parts: Clauses) -> Interpretation:
    node = _filter(parts, sentence.catalog)
    atoms = node.atoms if node else ()
    conditions = tuple(_condition(atom, parts, sentence) for atom in atoms)
    unused = account(sentence, parts, atoms)
    question = (
        lost_comparisons.question(sentence, parts.used, atoms)
        or _clarification(conditions, sentence.catalog)
        or _about_mismatch(parts.mismatch, sentence)
    )
    reading = Interpretation(
        filter=node.filter if node else None,
        sort=tuple(parts.sorts),
        limit=parts.limit or (1 if _asks_for_one_record(sentence, tokens, parts) else None),
        text=unused.text,
        conditions=conditions,
        ignored=unused.ignored,
        clarification=question,
        mentions=unused.mentions,
    )
    return contradictions.with_question(reading, sentence.catalog, sentence.today)


def _merged(sentence: Sentence, tokens: Sequence[Token], tags: Tags | None) -> Sentence:
    """Merge the chunks of each name into one, as the tagger sees them or else by rules."""
    chunks = merging.merge(sentence, tags) if tags else open_values.merge(sentence)
    return replace(sentence, chunks=chunks, spans=_spans(chunks, tokens))


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
    fields: FieldSide,
    budget: Budget | None = None,
) -> Tagged:
    """Run the tagger on a text.

    `pieces` are the code points (start, end) of the embedding model's pieces of the text, `vectors` [pieces, 384]
    their vectors, `fields` the tagger's side of the catalog.

    Raises:
        TextTooComplex: as `parse`, which goes on with the same budget.
    """
    tokens = tokenize(text, lexicon)
    sentence = sentence_of(text, tokens, lexicon, today, budget=budget)
    return Tagged(sentence, Tagger.packaged().tag(sentence, tokens, tagger.align(tokens, pieces, vectors), fields))


def sentence_of(
    text: str,
    tokens: Sequence[Token],
    lexicon: Lexicon,
    today: dt.date,
    nearness: Nearness | None = None,
    *,
    budget: Budget | None = None,
) -> Sentence:
    """Return the chunks of a text. Without `nearness` they are as the rules alone see them, for the tagger."""
    budget = budget or Budget()
    chunks = chunker.chunk(tokens, lexicon, nearness.clear if nearness else {}, today, budget)
    return Sentence(chunks, _spans(chunks, tokens), text, lexicon, today, nearness, budget)


def _spans(chunks: Sequence[Chunk], tokens: Sequence[Token]) -> list[Span]:
    return [Span(tokens[chunk.start].start, tokens[chunk.end - 1].end) for chunk in chunks]


def _condition(atom: Atom, parts: Clauses, sentence: Sentence) -> Condition:
    span = Span(sentence.spans[_first_chunk(atom, parts.pieces)].start, sentence.spans[atom.end - 1].end)
    alternatives = tuple(
        replace(other, confidence=round(other.confidence, 3))
        for other in atom.alternatives
        if checks.allows(sentence.catalog, other.test)
    )
    return Condition(atom.test, span, span.of(sentence.text), round(atom.confidence, 3), atom.source, alternatives)


def _first_chunk(atom: Atom, pieces: Sequence[Atom | Connective]) -> int:
    """Return the chunk with the "not" that governs the test, or else the test's own first one."""
    for previous, piece in pairwise(pieces):
        if isinstance(piece, Atom) and piece.start == atom.start:
            return previous.at if isinstance(previous, Connective) and previous.kind == "not" else atom.start
    return atom.start


def _asks_for_one_record(sentence: Sentence, tokens: Sequence[Token], parts: Clauses) -> bool:
    """Return whether the noun is singular: "the lightest car", not "the lightest cars"; without a noun, the article."""
    if not parts.superlative:
        return False
    nouns = [piece.at for piece in parts.pieces if isinstance(piece, Connective) and piece.kind == "noun"]
    if nouns:
        endings = sentence.language.plural_endings
        return all(not tokens[sentence.chunks[at].end - 1].norm.endswith(endings) for at in nouns)
    singular = sentence.language.numbers.singular
    return any(chunk.role("extreme") and tokens[chunk.start].norm in singular for chunk in sentence.chunks)


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


def _about_mismatch(mismatch: Mismatch | None, sentence: Sentence) -> Clarification | None:
    """Ask about an amount in another currency or unit than its field."""
    if not mismatch:
        return None
    quote = sentence.text_of(mismatch.start, mismatch.end)
    choices = (*(described(test, sentence.catalog) for test in mismatch.tests), "None of these")
    reason = mismatch.reason[:1].upper() + mismatch.reason[1:]
    return Clarification(f"What does “{quote}” mean? {reason}.", choices)
