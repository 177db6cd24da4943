"""The usage of LLM and embedding APIs: token counts under one set of names, whatever the API calls them, and its cost.

`input_tokens`, `output_tokens` and `embedding_tokens` are whole numbers, `total_tokens` is their sum; `cached_tokens`
(read from the provider's cache) and `cache_write_tokens` are part of the first, `reasoning_tokens` of the second.
`audio_seconds` are those of sound that was transcribed by an API that reports no tokens. `calls` are the requests that
were sent, of which `failed_calls` gave no answer.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

Usage = Mapping[str, int]

AUDIO_SECONDS = "audio_seconds"

# Costs are whole numbers of millionths of the currency of the prices, so that sums are exact.
MICRO = 1_000_000


def total(usages: Iterable[Usage | None]) -> dict[str, int]:
    """Return the sum of usages; a missing one counts as nothing."""
    return dict(sum((Counter(usage or {}) for usage in usages), Counter[str]()))


def tokens(
    sent: Any = 0, received: Any = 0, *, cached: Any = 0, cache_write: Any = 0, reasoning: Any = 0, embedded: Any = 0
) -> dict[str, int]:
    """Return the usage of these counts as an API reports them: anything but a positive number counts as nothing."""
    counts = {
        "input_tokens": _count(sent),
        "cached_tokens": _count(cached),
        "cache_write_tokens": _count(cache_write),
        "output_tokens": _count(received),
        "reasoning_tokens": _count(reasoning),
        "embedding_tokens": _count(embedded),
    }
    counts["total_tokens"] = counts["input_tokens"] + counts["output_tokens"] + counts["embedding_tokens"]
    return {name: count for name, count in counts.items() if count}


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a million tokens of each sort; `sent` is also that of a million seconds of sound.

    Cached input costs as much as other input unless it has a price.
    """

    sent: float
    received: float = 0.0
    cached: float | None = None
    cache_write: float | None = None

    def micros(self, usage: Usage) -> int:
        """Return the cost of a usage in millionths."""
        cached, cache_write = usage.get("cached_tokens", 0), usage.get("cache_write_tokens", 0)
        uncached = max(0, usage.get("input_tokens", 0) - cached - cache_write) + usage.get("embedding_tokens", 0)
        return round(
            uncached * self.sent
            + cached * (self.sent if self.cached is None else self.cached)
            + cache_write * (self.sent if self.cache_write is None else self.cache_write)
            + usage.get("output_tokens", 0) * self.received
            + usage.get(AUDIO_SECONDS, 0) * self.sent
        )


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The prices of models, by patterns of their names; the first that matches counts. A model without one is free."""

    rows: tuple[tuple[str, Price], ...] = ()

    @classmethod
    def parse(cls, text: str) -> "PriceTable":
        """Read rows `pattern=input/output/cached/cache-write`, separated by commas. The last prices may be left out.

        Raises:
            ValueError: a row has another form; the message shows it.
        """
        return cls(tuple(_row(row.strip()) for row in text.split(",") if row.strip()))

    def micros(self, usage: Usage, *models: str) -> int | None:
        """Return the cost in millionths, by the first of these names of the model with a price; None without one."""
        for model in models:
            for pattern, price in self.rows:
                if fnmatchcase(model, pattern):
                    return price.micros(usage)
        return None

    def __bool__(self) -> bool:
        return bool(self.rows)


def _row(text: str) -> tuple[str, Price]:
    pattern, separator, prices = text.rpartition("=")
    try:
        numbers = [float(price) for price in prices.split("/")]
    except ValueError:
        numbers = []
    if not (separator and pattern.strip() and 1 <= len(numbers) <= 4 and all(0 <= price < 1e6 for price in numbers)):
        raise ValueError(
            f"{text!r} is not of the form model=input/output/cached/cache-write, in money per million tokens"
        )
    return pattern.strip(), Price(*numbers)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
