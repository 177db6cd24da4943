"""The keys under which an LLM's answer is cached: digests of everything that the answer depends on.

The present is part of a key as finely as the text uses it: answers about "today" hold for a day, those about "the last
2 hours" for a minute, and those without relative dates are not cut at midnight. It is known only from the answer how
finely that is, so a question has a key for each case: an answer is stored under one, and looked up under all.

The scope is not part of it, since code adds it to the filter afterwards; nor are the dialects, since the filter is
compiled after that.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import orjson

from nlp2filters.core.catalog import Catalog
from nlp2filters.core.filters import (
    Between,
    Comparison,
    Filter,
    OneOf,
    RelativeDate,
    RelativeInstant,
    Scalar,
    leaves,
)
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.llm import prompt
from nlp2filters.core.llm.prompt import Candidates
from nlp2filters.core.query import Query

Present = Literal["none", "day", "minute"]


def keys(
    query: Query,
    catalog: Catalog,
    draft: Interpretation | None,
    candidates: Candidates | None,
    *,
    provider: str,
    model: str,
) -> dict[Present, str]:
    """Return the key of a question for each of the ways in which its answer may depend on the present.

    All that the LLM is told is part of it, apart from the present: the text, the reading that it refines, locale and
    time zone, the draft, and by its version the prompt. The owner is part of the name in the store.
    """
    question = prompt.question(query, catalog, draft, candidates)
    dependencies = {
        "provider": provider,
        "model": model,
        "prompt": prompt.VERSION,
        "catalog": catalog.fingerprint,
        "question": {name: member for name, member in question.items() if name not in prompt.PRESENT},
    }
    presents: Mapping[Present, str | None] = {
        "none": None,
        "day": query.today.isoformat(),
        "minute": query.now.isoformat(timespec="minutes"),
    }
    return {name: _digest({**dependencies, "present": present}) for name, present in presents.items()}


def present_in(reading: Interpretation, draft: Interpretation, text: str) -> Present:
    """Return how finely a reading depends on the present. In doubt it does.

    It does if the draft counts from now, if the LLM has a date that the draft does not have, and if a year is nowhere
    in the text.
    """
    relative = [value for value in _scalars(draft.filter) if isinstance(value, RelativeDate | RelativeInstant)]
    dates = {value for value in _scalars(reading.filter) if isinstance(value, dt.date)} - {*_scalars(draft.filter)}
    if any(isinstance(value, RelativeInstant) for value in relative) or any(map(_is_instant, dates)):
        return "minute"
    values = (*_scalars(reading.filter), *_scalars(draft.filter))
    years = {year for value in values for year in _years(value)}
    return "day" if relative or dates or any(year not in text for year in years) else "none"


def _is_instant(value: Scalar) -> bool:
    """Return whether a time of day is given: a model may write a day as its midnight."""
    return isinstance(value, dt.datetime) and value.time() != dt.time()


def _years(value: Scalar) -> list[str]:
    return re.findall(r"(?<!\d)(?:19|20)\d\d(?!\d)", str(value))


def _scalars(node: Filter | None) -> Iterator[Scalar]:
    for leaf in leaves(node):
        match leaf:
            case Comparison(value=value):
                yield value
            case Between(low=low, high=high):
                yield from (low, high)
            case OneOf(values=values):
                yield from values


def _digest(data: Any) -> str:
    return hashlib.sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).hexdigest()
