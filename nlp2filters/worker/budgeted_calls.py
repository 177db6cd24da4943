"""Calls of an LLM for one job that makes many: within its budget, put off while the LLM fails, and given up in time."""

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import orjson

from nlp2filters import fault_injection
from nlp2filters.clock import now_ms
from nlp2filters.core.llm import prompt
from nlp2filters.core.llm.messages import Message
from nlp2filters.errors import (
    BudgetSpent,
    InvalidAnswer,
    NotAffordable,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    PutOff,
    RateLimited,
)
from nlp2filters.llm import Answer, Provider
from nlp2filters.storage.call_budgets import CallBudget, Failing
from nlp2filters.worker.attempt import Attempt
from nlp2filters.worker.metering import Meter
from nlp2filters.worker.parts import PartAttempt

if TYPE_CHECKING:  # Workers of other queues use a part of this module only.
    from nlp2filters.worker.llm_services import LLMServices

# A token is about so many bytes of a prompt: rather too many tokens than too few.
BYTES_PER_TOKEN = 3
# While the LLM is out of reach, a call is put off for so long.
OUTAGE_WAIT_S = 5.0
# After so many rejected requests or useless answers, without a good one between, no further call is made for the job.
MAX_FAILURES = 5
# An LLM that fails like this may be back soon.
_TEMPORARY = (ProviderUnavailable, ProviderTimeout)

T = TypeVar("T")

_log = logging.getLogger(__name__)


class GivenUp(ProviderError):
    """The job's calls have failed for too long, or too often in a row: no further one is made."""

    summary = "The LLM has given no usable answer for too long"


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """The content of an answer, and the model that wrote it."""

    content: T
    model: str


class BudgetedCalls:
    """The calls for one attempt of a job, or of a part of it.

    `budget` is that of the job for all its calls, or the share of it that these may use.
    """

    def __init__(
        self, attempt: Attempt["LLMServices"] | PartAttempt["LLMServices"], provider: Provider, budget: CallBudget
    ) -> None:
        self._job_id, self._worker, self._provider, self._budget = attempt.job.id, attempt.worker, provider, budget
        self._budgets = attempt.worker.store.call_budgets
        self._meter = Meter(attempt, attempt.worker.services.prices)

    async def read(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        read: Callable[[str], T],
    ) -> "Reading[T]":
        """Ask, and read the answer. One that `read` refuses as `InvalidAnswer` is sent back once, with its fault.

        Raises:
            PutOff: the LLM limits the rate of calls, or is out of reach for now.
            BudgetSpent: the budget has no room for the call, or for another try.
            ProviderError: there is no answer of use, or the job's calls have failed for too long.
        """
        answer = await self._complete(messages, schema)
        try:
            content = read(answer.content)
        except InvalidAnswer as exc:
            _log.info("asking the LLM to repair its answer: %s", exc)
            answer = await self._complete(prompt.repair(messages, answer.content, str(exc)), schema)
            try:
                content = read(answer.content)
            except InvalidAnswer:
                await self._budgets.rejected(self._job_id)
                raise
        await self._budgets.accepted(self._job_id)
        return Reading(content, answer.model)

    async def usage(self) -> dict[str, Any] | None:
        """Return the usage of the job so far."""
        return await self._meter.total()

    async def _complete(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Answer:
        services = self._worker.services
        if self._is_over(await self._budgets.failing(self._job_id)):
            raise GivenUp
        await self._meter.check(services.max_daily_micros)
        requests: list[str] = []
        estimate = len(orjson.dumps([*messages, schema])) // BYTES_PER_TOKEN

        async def permit() -> None:
            request = uuid.uuid4().hex
            if not await self._budgets.reserve(self._job_id, request, estimate + services.answer_tokens, self._budget):
                raise BudgetSpent
            requests.append(request)

        try:
            async with asyncio.timeout(services.answer_timeout_s):
                answer = await self._provider.complete(messages, schema, None, permit)
        except TimeoutError as exc:
            raise await self._failed(ProviderTimeout("The provider's client did not end in time."), requests) from exc
        except ProviderError as exc:
            raise await self._failed(exc, requests) from exc
        fault_injection.reach(self._worker.faults, "llm-answered")
        tokens = (answer.usage or {}).get("total_tokens") or estimate + len(answer.content) // BYTES_PER_TOKEN
        await self._settle(requests, tokens)
        await self._budgets.answered(self._job_id)
        if services.log_answers:
            _log.info("the LLM's answer", extra={"answer": answer.content, "model": answer.model})
        callee = services.providers.get(answer.provider or "", self._provider)
        await self._meter.add(callee.name, callee.model, answer.usage, answered_by=answer.model)
        return answer

    async def _settle(self, requests: Sequence[str], tokens: int) -> None:
        """Correct the reserved tokens: those that all requests of a call took count for the last one."""
        for number, request in enumerate(reversed(requests)):
            await self._budgets.reserve(self._job_id, request, 0 if number else tokens, self._budget)

    async def _failed(self, exc: ProviderError, requests: Sequence[str]) -> Exception:
        """Count a call without an answer. Returns the error to raise."""
        await self._meter.add(self._provider.name, self._provider.model, exc.usage)
        await self._settle(requests, exc.usage.get("total_tokens", 0))
        if isinstance(exc, BudgetSpent | NotAffordable):
            return exc
        if not isinstance(exc, _TEMPORARY):
            await self._budgets.rejected(self._job_id)
            return exc
        limited = exc if isinstance(exc, RateLimited) else None
        if limited and limited.takes_calls:
            return PutOff(f"{self._provider.model} has reached its limit of calls", limited.wait_s, turn=True)
        failing = await self._budgets.unreachable(self._job_id, now_ms())
        if failing.is_first and not limited:
            return exc  # It may be this call's fault, so the attempt counts.
        wait_s = limited.wait_s if limited else OUTAGE_WAIT_S
        if self._is_over(failing, wait_s):
            given_up = GivenUp()
            given_up.__cause__ = exc
            return given_up
        return PutOff(f"{self._provider.model} is out of reach or limits calls", wait_s)

    def _is_over(self, failing: Failing, wait_s: float = 0.0) -> bool:
        """Return whether no further call is to be made for the job, or none after a wait."""
        patience_ms = 1000 * (self._worker.max_put_off_s - wait_s)
        return failing.rejected >= MAX_FAILURES or bool(failing.since and now_ms() - failing.since > patience_ms)
