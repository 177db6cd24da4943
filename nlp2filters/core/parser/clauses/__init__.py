"""Clauses: the chunks that together make one test, one order or one limit.

One walk goes along the sentence from left to right. At each place the first of `RULES` that fits reads the chunks that
it needs; the rest is left for the account of unused words.
"""

from collections.abc import Sequence
from functools import lru_cache

from nlp2filters.core.budget import CHUNK_STEPS
from nlp2filters.core.parser.chunker import Chunk
from nlp2filters.core.parser.clauses import (
    amounts,
    comparatives,
    comparisons,
    connectives,
    fields,
    ranges,
    ranks,
    sorting,
    strings,
)
from nlp2filters.core.parser.clauses.clause import (
    MATCH,
    NAME,
    QUOTED,
    STOPWORD,
    VALUE,
    WORD,
    Atom,
    BooleanHint,
    Clause,
    Clauses,
    Connective,
    Context,
    Mismatch,
    Rule,
)
from nlp2filters.core.parser.sentence import Sentence

__all__ = [
    "RULES",
    "Atom",
    "BooleanHint",
    "Clause",
    "Clauses",
    "Connective",
    "Context",
    "Mismatch",
    "Rule",
    "read",
    "rules_for",
]

RULES: tuple[Rule, ...] = (
    # A "no" that only answers would negate whatever follows it.
    connectives.TALK,
    # A name that was cut out of the text is one chunk, whatever its words mean otherwise.
    strings.OPEN_VALUE,
    # A number that counts records is no value of a field, and a superlative after it is a key: "the 10 cheapest".
    sorting.LIMIT,
    sorting.LATEST,
    # An adjective with a value after it compares; alone it is a sort key: "más caro que 5000", "más caro".
    comparatives.COMPARATIVE,
    # Sort keys name fields, so they come before all rules in which a field's name begins a test.
    sorting.RANKED_BY,
    sorting.SORTED_BY,
    sorting.SORT_VERB,
    sorting.DIRECTED,
    sorting.DIRECTION_FIRST,
    sorting.EXTREME_BY,
    sorting.SUPERLATIVE,
    sorting.HIGH,
    # The longer forms come first: both limits of a range would also be values of their own ("from 5 to 10"), and so
    # would the limit that takes its unit or its field from the one after it.
    ranks.RANKED,
    ranges.RANGE,
    comparisons.TWO_LIMITS,
    comparisons.COMPARISON,
    # The degrees come after the comparators, which contain some of the same words: "more than", "less".
    comparisons.MORE_THAN,
    sorting.ADJECTIVE,
    # A field that takes any words would take "unknown" for one of its values.
    fields.UNKNOWN_FIELD,
    fields.FIELD_UNKNOWN,
    # A word behind a value, or a zero before it, turns it into its opposite: "sugar-free".
    connectives.EXCLUDED_VALUE,
    connectives.OPPOSITE,
    connectives.ZERO,
    # A field takes the value after it, before that value may look for a field by itself, and stands alone if none
    # follows.
    fields.FIELD_AND_VALUE,
    fields.FIELD_ALONE,
    # Values that have no field before them. Two that have a field each, and a list, are read before the first alone.
    strings.KNOWN_PAIR,
    strings.KNOWN_VALUE,
    amounts.LIST,
    amounts.AMOUNT,
    # The noun comes after the fields and values that may be called the same: "rating" among ratings.
    connectives.NOUN,
    # Words without a meaning go to the only text field, if the writer has marked them.
    strings.IN_QUOTES,
    strings.EXCLUDED,
    # No rule could place the amount: it is accounted for with its unit.
    amounts.WITHOUT_FIELD,
    # The last resort: many of the connectives are part of something longer above, such as the "and" of a range.
    connectives.CONNECTIVE,
)


def read(sentence: Sentence, hints: Sequence[BooleanHint] = ()) -> Clauses:
    """Read the clauses of a sentence.

    `hints` are boolean fields that the tagger finds, unless something else has been read from the words for them.
    """
    clauses, at = Clauses(), 0
    while at < len(sentence.chunks):
        sentence.budget.spend(CHUNK_STEPS)
        if at and connectives.ends_sentence(sentence, at - 1):
            clauses.end_sentence()
        clause = _first(sentence, at, clauses.context)
        if clause:
            clauses.add(clause, at)
        at = clause.end if clause else at + 1
    for hint in [hint for hint in hints if hint.at not in clauses.used]:
        clauses.add_boolean(hint)
    return clauses


def _first(sentence: Sentence, at: int, context: Context) -> Clause | None:
    """Return what the first rule reads that fits at the place."""
    for rule in rules_for(_features(sentence.chunks[at])):
        if clause := rule.read(sentence, at, context):
            return clause
    return None


def _features(chunk: Chunk) -> frozenset[str]:
    """Return the roles of a chunk, and what else it may be."""
    features = set(chunk.roles)
    if chunk.candidates:
        features.add(MATCH)
    if chunk.is_value:
        features.add(VALUE)
    if chunk.is_stopword:
        features.add(STOPWORD)
    if chunk.quoted:
        features.add(QUOTED)
    if chunk.name:
        features.add(NAME)
    return frozenset(features or {WORD})


@lru_cache(maxsize=1024)
def rules_for(features: frozenset[str]) -> Sequence[Rule]:
    """Return the rules that a chunk with these roles and features may begin, in order."""
    return [rule for rule in RULES if rule.first & features]
