"""States of the providers that workers call, as `/readyz` and the metrics show them."""

import math
from typing import Any

from nlp2filters.clock import now_ms
from nlp2filters.llm.breaker import Breaker
from nlp2filters.llm.limits import Limit
from nlp2filters.storage.store import Store


async def provider_states(store: Store) -> dict[str, dict[str, Any]]:
    """Return the members of `schemas.ProviderState` for each provider that has failed or refused a call lately."""
    now = now_ms() / 1000
    return {name: _state(state, now) for name, state in (await store.providers.read_all()).items()}


def _state(shared: Any, now: float) -> dict[str, Any]:
    limit, breaker = Limit.from_json(shared["limit"]), Breaker.from_json(shared["breaker"])
    window = limit.window if limit.is_known(now) else math.inf
    return {
        "breaker": breaker.state(now),
        "paused_s": round(max(0.0, limit.opens_at - now), 1),
        "window": None if math.isinf(window) else round(window, 1),
    }
