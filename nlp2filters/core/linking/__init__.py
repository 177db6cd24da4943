"""Linking: the fields and values of a catalog that the words of a text mean.

In order of trust: the name itself, a synonym, a similar spelling (edit distance), a similar meaning (cosine of
embeddings). Values come from the catalog only, so that no text can mean one outside a closed enum.

    catalog ─ vocabulary.py: phrases with their meanings ─ matching.py: indexes ─ lexicon.py: Lexicon ─ similarity.py
"""

from nlp2filters.core.linking.absence import yes_no
from nlp2filters.core.linking.lexicon import MAX_FIELDS, Lexicon
from nlp2filters.core.linking.matching import MAX_CANDIDATES
from nlp2filters.core.linking.similarity import MAX_PHRASE, MOST_MARGIN, Nearness, Similar, phrase_of, phrases
from nlp2filters.core.linking.targets import (
    AdjectiveTarget,
    Candidate,
    FieldTarget,
    Match,
    NounTarget,
    OppositeTarget,
    Target,
    ValueTarget,
)
from nlp2filters.core.linking.vocabulary import embeddable

__all__ = [
    "MAX_CANDIDATES",
    "MAX_FIELDS",
    "MAX_PHRASE",
    "MOST_MARGIN",
    "AdjectiveTarget",
    "Candidate",
    "FieldTarget",
    "Lexicon",
    "Match",
    "Nearness",
    "NounTarget",
    "OppositeTarget",
    "Similar",
    "Target",
    "ValueTarget",
    "embeddable",
    "phrase_of",
    "phrases",
    "yes_no",
]
