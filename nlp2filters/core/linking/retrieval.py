"""Retrieval: the known values of a field that a text may mean, for a prompt that has no room for all of them.

Recall counts, not precision: the LLM decides. Values are found by their words, by a similar spelling and by meaning,
and each way contributes its best, so that none crowds out the others.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, zip_longest

import numpy as np

from nlp2filters.core.catalog import MAX_LISTED_VALUES, STRINGS, Catalog, Field
from nlp2filters.core.linking.lexicon import Lexicon
from nlp2filters.core.linking.similarity import Nearness
from nlp2filters.core.linking.value_index import MAX_BEST

# Values by the name of their field.
Candidates = Mapping[str, Sequence[str]]

# A value must be at least this near in meaning (cosine).
MIN_COSINE = 0.4


def large_fields(catalog: Catalog, listed: int = MAX_LISTED_VALUES) -> list[Field]:
    """Return the fields with more values than a prompt lists."""
    return [field for field in catalog.fields if field.type in STRINGS and len(field.values) > listed]


def retrieve(
    text: str,
    lexicon: Lexicon,
    nearness: Nearness | None = None,
    *,
    listed: int = MAX_LISTED_VALUES,
    limit: int = MAX_BEST,
) -> Candidates:
    """Return the values of large fields that a text may mean, the likeliest first.

    The first `listed` values of a field are left out. `nearness` compares phrases of the text with the catalog's names
    by meaning.
    """
    retrieved = {
        field.name: list(islice(_values(field, text, lexicon, nearness, listed), limit))
        for field in large_fields(lexicon.catalog, listed)
    }
    return {name: values for name, values in retrieved.items() if values}


def _values(field: Field, text: str, lexicon: Lexicon, nearness: Nearness | None, listed: int) -> Iterator[str]:
    """Yield values, each once: in turn the next best by words, by spelling and by meaning."""
    index = lexicon.value_index(field)
    without = {value.value for value in field.values[:listed]}
    rankings = (index.by_words(text), index.by_spelling(text), _by_meaning(field, lexicon, nearness))
    ranked = dict.fromkeys(value for values in zip_longest(*rankings) for value in values)
    yield from (value for value in ranked if value is not None and value not in without)


def _by_meaning(field: Field, lexicon: Lexicon, nearness: Nearness | None) -> list[str]:
    places, targets = lexicon.values_of.get(field.name, (None, ()))
    if nearness is None or places is None or not nearness.phrases:
        return []
    cosines = nearness.cosines[:, places].max(axis=0)
    nearest = np.argsort(-cosines)[:MAX_BEST]
    return [str(targets[at].value) for at in nearest if cosines[at] >= MIN_COSINE]
