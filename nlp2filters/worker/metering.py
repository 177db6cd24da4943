"""Metering: what the calls of providers for one attempt take is counted for its job, its API key and the service."""

import asyncio
import logging
from collections import Counter
from typing import Any

from nlp2filters.clock import now_ms
from nlp2filters.core.usage import MICRO, PriceTable, Usage
from nlp2filters.errors import NotAffordable
from nlp2filters.storage.spending import COST, Spender
from nlp2filters.worker.attempt import CHECKPOINT_TIMEOUT_S, Attempt
from nlp2filters.worker.parts import PartAttempt

_log = logging.getLogger(__name__)


class Meter:
    """The meter of one attempt at a stage or a part. `prices` are those of models."""

    def __init__(self, attempt: Attempt[Any] | PartAttempt[Any], prices: PriceTable) -> None:
        self._spending = attempt.worker.store.spending
        self._spender = Spender(attempt.job.id, attempt.request.get("api_key"))
        self._prices = prices
        self._of_job: Usage | None = None

    async def check(self, max_daily_micros: int) -> None:
        """Check that another call for the job's API key is allowed; 0 for no limit.

        Raises:
            NotAffordable: the key has cost as much today as it may.
        """
        key_id = self._spender.key_id
        if max_daily_micros and key_id and await self._spending.cost_today(key_id, now_ms()) >= max_daily_micros:
            raise NotAffordable

    async def add(self, provider: str, model: str, usage: Usage | None, *, answered_by: str = "") -> None:
        """Count a call of a model. If one of another name answered (`answered_by`), its price is looked up first."""
        usage = {name: count for name, count in (usage or {}).items() if count}
        if not usage:
            return
        micros = self._prices.micros(usage, *filter(None, (answered_by, model)))
        try:
            async with asyncio.timeout(CHECKPOINT_TIMEOUT_S):
                self._of_job = await self._spending.add(self._spender, provider, model, usage, micros, now_ms())
        except TimeoutError:
            _log.warning("Redis does not count the usage of a call now: going on without it")

    async def total(self) -> dict[str, Any] | None:
        """Return the usage of the job so far, over all its stages and attempts; None if no call was made."""
        usage = Counter(self._of_job if self._of_job is not None else await self._spending.of_job(self._spender.job_id))
        if not usage:
            return None
        cost = {"cost": usage[COST] / MICRO} if COST in usage else {}
        return {**{name: count for name, count in sorted(usage.items()) if name != COST}, **cost}
