"""Sharing the gates of providers with other workers.

Before a call, a worker looks at what others have learnt, at most once a second. It tells them of a refusal or an outage
at once. While it cannot reach Redis, it goes by what it knows.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nlp2filters import background
from nlp2filters.llm.breaker import Breaker
from nlp2filters.llm.gate import Gate
from nlp2filters.llm.limits import Limit
from nlp2filters.storage.errors import StorageError
from nlp2filters.storage.provider_states import ProviderStates

# Calls go by what was read at most this long ago.
STALE_S = 1.0
# News are told at most this often.
INTERVAL_S = 0.1
TIMEOUT_S = 0.5

_log = logging.getLogger(__name__)


class _SharedGate:
    """The exchange of one gate's state."""

    def __init__(self, gate: Gate, states: ProviderStates) -> None:
        self._gate = gate
        self._states = states
        self._news = asyncio.Event()
        self._read_at = 0.0
        self._lock = asyncio.Lock()
        gate.refresh, gate.on_change = self.refresh, self._news.set

    async def refresh(self) -> None:
        """Read what others have learnt, unless that has just been done."""
        if time.monotonic() - self._read_at < STALE_S:
            return
        async with self._lock:
            if time.monotonic() - self._read_at >= STALE_S:
                await self._exchange()

    async def tell_news(self) -> None:
        """Tell the others, whenever there is something new."""
        while True:
            await self._news.wait()
            self._news.clear()
            async with self._lock:
                await self._exchange()
            await asyncio.sleep(INTERVAL_S)

    async def _exchange(self) -> None:
        """Combine the gate's state with the shared one. The next exchange repairs what another worker overwrites."""
        gate = self._gate
        self._read_at = time.monotonic()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                shared = await self._states.read(gate.name)
                gate.clock_ahead_s, gate.workers = shared.now - time.time(), shared.workers
                limit, breaker = gate.limit, gate.breaker
                if shared.state:
                    limit = limit.merged(Limit.from_json(shared.state["limit"]))
                    breaker = breaker.merged(Breaker.from_json(shared.state["breaker"]))
                gate.adopt(limit, breaker)
                if limit != Limit() or breaker.changed_at:
                    state = {"limit": limit.to_json(), "breaker": breaker.to_json()}
                    if not shared.state or any(shared.state[name] != state[name] for name in state):
                        await self._states.write(gate.name, state)
        except (StorageError, OSError, TimeoutError) as exc:
            _log.info("the state of %s is not shared for now: %r", gate.name, exc)


@asynccontextmanager
async def sharing(gate: Gate, states: ProviderStates) -> AsyncIterator[None]:
    """Share the gate's state while inside the context."""
    async with background.running(_SharedGate(gate, states).tell_news, f"gate-{gate.name}"):
        yield
