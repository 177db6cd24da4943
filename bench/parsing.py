"""Speed of the built-in parser without the embedding call: texts of the own set's kind against wide and deep catalogs.

By rules alone, and with the tagger, on vectors that are made up: its work does not depend on them. A catalog's first
use (reading it, and making its lexicon) is told apart: a worker keeps both for the texts that follow.
"""

import datetime as dt
import gc
import time
import tracemalloc
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from bench.report import Report, Table
from bench.sizes import size
from nlp2filters.core import catalog as catalogs
from nlp2filters.core.linking import Lexicon, Nearness
from nlp2filters.core.parser import parse, tag
from nlp2filters.core.parser.tagger import Array, FieldSide, Tagger, kinds

TODAY = dt.date(2026, 11, 24)
ROUNDS = size(20, 1)
WORDS = [
    start + end
    for start in ("am", "bel", "cor", "del", "fen", "gal", "hor")
    for end in ("ber", "don", "lina", "mark", "vet")
]
TEXTS = (
    "wireless ones under $80, not {value}, released this year",
    "between 20 and 50 kg, sorted by price descending",
    "{value} or {other}, at least 4 stars, the cheapest 10",
    "without a warranty but with free shipping, made after March 2024",
    "something quiet for a small kitchen, {typo} if possible, not over 300 euros",
    "the longest battery life, more than 20 but less than 40 hours",
)
MAX_TEXT = ("cheap {value} or {other} under $50 and not {typo}, ") * 90


async def main() -> Report:
    threadpool_limits(1, "blas")  # A worker has the same limit.
    header = ["catalog", "parse ms", "lexicon ms", "rules p50 ms", "p99 ms", "with the tagger p50 ms", "p99 ms"]
    rows = [
        [title, *_measure(data)]
        for title, data in (
            ("50 fields, 20 values each", wide_catalog(50, 20)),
            ("1 field, 10,000 values", wide_catalog(1, 10_000)),
            ("10,000 fields", wide_catalog(10_000, 0)),
        )
    ]
    return Report({"parsing": Table([*header, "4,000 characters ms", "kept MB"], rows)}, rounds=ROUNDS)


def _measure(data: dict[str, Any]) -> Sequence[str]:
    catalog, reading_ms = _timed(lambda: catalogs.parse(data))
    tracemalloc.start()
    lexicon = Lexicon.of(catalog)
    kept_mb = tracemalloc.get_traced_memory()[0] / 2**20
    tracemalloc.stop()
    _, lexicon_ms = _timed(lambda: Lexicon.of(catalog))
    random, texts = Random(7), [text for text in TEXTS for _ in range(ROUNDS)]
    filled = [_filled(text, data, random) for text in texts]
    for text in TEXTS:
        parse(_filled(text, data, random), lexicon, today=TODAY)
    gc.collect()
    spent = sorted(_timed(lambda text=text: parse(text, lexicon, today=TODAY))[1] for text in filled)  # type: ignore[misc]
    fields = Tagger.packaged().field_side(_vectors(len(lexicon.described), 2), kinds(lexicon))
    _tagged(filled[0], lexicon, fields)
    tagged = sorted(_tagged(text, lexicon, fields) for text in filled)
    _, longest_ms = _timed(lambda: parse(_filled(MAX_TEXT, data, random)[:4000], lexicon, today=TODAY))
    figures = (reading_ms, lexicon_ms, *_percentiles(spent), *_percentiles(tagged), longest_ms, kept_mb)
    return [f"{figure:.2f}" if figure < 10 else f"{figure:.0f}" for figure in figures]


def _percentiles(spent: Sequence[float]) -> tuple[float, float]:
    return spent[len(spent) // 2], spent[len(spent) * 99 // 100]


def _tagged(text: str, lexicon: Lexicon, fields: FieldSide) -> float:
    """Milliseconds to tag and read a text, without what the embedding model does in between."""
    pieces = [(token.start, token.end) for token in lexicon.language.tokenize(text)]
    vectors = _vectors(len(pieces))
    tagged, first = _timed(lambda: tag(text, lexicon, today=TODAY, pieces=pieces, vectors=vectors, fields=fields))
    phrases = tagged.phrases
    phrase_vectors, names = _vectors(len(phrases)), _vectors(len(lexicon.names))

    def read() -> None:
        nearness = Nearness.of(phrases, phrase_vectors, names, lexicon)
        parse(text, lexicon, today=TODAY, tagged=tagged, nearness=nearness)

    _, second = _timed(read)
    return first + second


def _vectors(*shape: int) -> Array:
    return np.random.default_rng(5).normal(0, 0.05, (*shape, 384)).astype(np.float32)


def _timed(run: Callable[[], Any]) -> tuple[Any, float]:
    began = time.thread_time()  # Machines are shared, so only the time of this thread counts.
    result = run()
    return result, 1000 * (time.thread_time() - began)


def _filled(text: str, data: dict[str, Any], random: Random) -> str:
    values = data["fields"][0]["values"] or ["japan", "korea"]
    typo = random.choice(values)
    return text.format(value=random.choice(values), other=random.choice(values), typo=typo[:-2] + typo[-1])


def wide_catalog(fields: int, values: int) -> dict[str, Any]:
    """A catalog of fields of every kind; the keywords have so many values each."""
    random = Random(11)
    kinds: Sequence[dict[str, Any]] = (
        {"type": "keyword", "closed": values > 0},
        {"type": "money", "currency": "USD"},
        {"type": "number", "unit": "kg"},
        {"type": "date"},
        {"type": "boolean"},
        {"type": "integer", "minimum": 0, "maximum": 500},
        {"type": "duration", "unit": "h"},
        {"type": "text"},
    )
    return {
        "name": "things",
        "fields": [
            {
                "name": f"{random.choice(WORDS)}_{random.choice(WORDS)}_{number}",
                **(kind := kinds[number % len(kinds)]),
                "values": _values(number, values) if kind["type"] == "keyword" else [],
            }
            for number in range(fields)
        ],
    }


def _values(seed: int, count: int) -> list[str]:
    random = Random(seed)
    found = dict.fromkeys(f"{random.choice(WORDS)} {random.choice(WORDS)}" for _ in range(count))
    return [*found, *(f"{random.choice(WORDS)} {number}" for number in range(count - len(found)))]
