"""A draft: the built-in parser's reading of a text, helped by the embedding model, and merged into a conversation."""

import datetime as dt

from nlp2filters.core import clarification, contradictions, parser, refinement
from nlp2filters.core.budget import Budget
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.linking import Lexicon, Nearness
from nlp2filters.core.parser import Tagged, followup, tagger
from nlp2filters.core.parser.tagger import FieldSide, Tagger
from nlp2filters.core.text_vectors import TextVectors, Vectors


def without_followup(text: str, lexicon: Lexicon, budget: Budget | None = None) -> str:
    """Replace the words that change an earlier filter with blanks.

    Raises:
        TextTooComplex: it takes more work than the budget allows.
    """
    return followup.read(text, lexicon, budget).rest


def field_side(lexicon: Lexicon, index: Vectors) -> FieldSide:
    """Compute the tagger's side of a catalog. `index` has a vector for each of `lexicon.indexed`."""
    return Tagger.packaged().field_side(lexicon.vectors_of_fields(index), tagger.kinds(lexicon))


def tag(
    text: str,
    lexicon: Lexicon,
    text_vectors: TextVectors,
    fields: FieldSide,
    *,
    today: dt.date,
    budget: Budget | None = None,
) -> Tagged:
    """Tag a text. `fields` is the `field_side` of the catalog.

    Raises:
        TextTooComplex: it takes more work than the budget allows.
    """
    return parser.tag(
        text,
        lexicon,
        today=today,
        pieces=text_vectors.pieces,
        vectors=text_vectors.vectors,
        fields=fields,
        budget=budget,
    )


def near(
    tagged: Tagged, vectors: Vectors, lexicon: Lexicon, index: Vectors, api_index: Vectors | None = None
) -> Nearness:
    """Compare the phrases of a tagged text, each with its row of `vectors`, to the names of the catalog by meaning.

    If the vectors are those of an embedding API, `api_index` is its counterpart of `index`.
    """
    own = index[: len(lexicon.names)]
    if api_index is None:
        return Nearness.of(tagged.phrases, vectors, own, lexicon)
    return Nearness.of(tagged.phrases, vectors, api_index[: len(lexicon.names)], lexicon, like=own)


def draft(
    text: str,
    lexicon: Lexicon,
    *,
    today: dt.date,
    conversation: Conversation | None = None,
    tagged: Tagged | None = None,
    nearness: Nearness | None = None,
    budget: Budget | None = None,
) -> Interpretation:
    """Read a text. If it refines a `conversation`, `tagged` and `nearness` must be of the text `without_followup`.

    Raises:
        TextTooComplex: it takes more work than the budget allows.
    """
    budget = budget or (tagged.sentence.budget if tagged else Budget())
    if conversation is None:
        return parser.parse(text, lexicon, today=today, tagged=tagged, nearness=nearness, budget=budget)
    if settled := clarification.settle(conversation, text, lexicon.catalog):
        return contradictions.with_question(settled, lexicon.catalog, today)
    changes = followup.read(text, lexicon, budget)
    addition = parser.parse(changes.rest, lexicon, today=today, tagged=tagged, nearness=nearness, budget=budget)
    merged = refinement.merge(conversation, addition, changes, today=today)
    return contradictions.with_question(merged, lexicon.catalog, today)
