"""Calls of providers by workers: how long they may take, and counting them."""

from nlp2filters.core.counts import duration, name_of
from nlp2filters.settings import Settings
from nlp2filters.storage.store import Store

# While a provider limits the rate of calls, a job keeps its slot for so long, and is then put off.
HOLD_S = 1.0


def answer_timeout_s(settings: Settings) -> float:
    """Return the time that one answer of an LLM may take, with the wait for the provider's limit of the rate."""
    return max(1, len(settings.llms)) * (settings.llm_timeout_s + HOLD_S) + 1.0


def count_call(store: Store, operation: str, provider: str, outcome: str, seconds: float) -> None:
    """Count a call of a provider for the metrics."""
    store.counts.add({name_of("llm_calls", operation, provider, outcome): 1})
    store.counts.add(duration("llm_call", operation, provider, ms=1000 * seconds))
