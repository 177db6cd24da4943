"""Search analysed code by meaning: a worker looks through the index, while this process only waits."""

import asyncio
from contextlib import suppress
from typing import Any

import orjson
from starlette.responses import Response

from nlp2filters.api import admission, lookup
from nlp2filters.api.event_streams import end_on_disconnect
from nlp2filters.api.query import int_param
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import PREFER, Call, Operation
from nlp2filters.api.uploads import query_param
from nlp2filters.clock import now_ms
from nlp2filters.core import schemas
from nlp2filters.errors import InvalidRequest, NoAnswer, NoReport, NoSearchIndex, NoWorker, Violation
from nlp2filters.storage.errors import StorageError
from nlp2filters.storage.searches import QUEUE, SEARCH_INDEX, Search

# A question takes some milliseconds, unless all workers are at longer work. Heroku's router gives up after 30 s.
WAIT_S = 20
MAX_QUESTION = 1_000
RESULTS, MAX_RESULTS = 10, 50


async def search_code(call: Call, job_id: str) -> Response:
    """Find the places of an analysed codebase that answer a question, the best first.

    `q` is a question in plain language, or words and names to look for. Each search counts as one text against the
    caller's rate. With `Prefer: wait=N`, a busy service refuses after N seconds instead of 20.
    """
    services, owner = call.services, call.caller.owner
    question, count = _question(call), int_param(call.query, "k", default=RESULTS, maximum=MAX_RESULTS, minimum=1)
    job, fields = await lookup.succeeded_job(services.store, owner, job_id, SEARCH_INDEX)
    if job.kind != "analysis":
        raise NoReport(job_id)
    if not fields.get(SEARCH_INDEX):  # An earlier version analysed it.
        raise NoSearchIndex(job_id)
    limits, headers = await admission.admit(services, call.caller)
    if not (await services.store.stats.workers())[QUEUE]:
        raise NoWorker(QUEUE)
    search = Search.of(owner, fields[SEARCH_INDEX], question, count)
    wait_s = call.preferences.wait_s or WAIT_S
    await services.store.searches.request(search, now_ms(), wait_ms=1000 * wait_s, backlog=limits.backlog)
    results = await _answer(call, search, wait_s)
    if results is None:
        raise NoSearchIndex(job_id)
    return JSON({"results": results}, headers=headers)


def _question(call: Call) -> str:
    """Read the question.

    Raises:
        InvalidRequest: there is none, or it is too long.
    """
    question = call.query.get("q", "").strip()
    if not 0 < len(question) <= MAX_QUESTION:
        raise InvalidRequest([Violation("/query/q", f"Expected a question of 1 to {MAX_QUESTION:,} characters.")])
    return question


async def _answer(call: Call, search: Search, wait_s: int) -> list[dict[str, Any]] | None:
    """Wait for the answer, but no longer than the caller does. None means that there is no index to read.

    Raises:
        NoAnswer: it has not come in time.
        TooManyStreams: the caller waits for too many things at once.
    """
    services = call.services
    follower = services.events.follower(search.id)
    with services.streams.opened(call.caller, follower):
        watcher = asyncio.create_task(end_on_disconnect(call.request.receive, follower))
        try:
            async with asyncio.timeout(wait_s), follower:
                while not follower.ended:
                    for event in await follower.next(wait_s):
                        results: list[dict[str, Any]] | None = orjson.loads(event.data)
                        return results
        except TimeoutError:
            pass
        finally:
            watcher.cancel()
            with suppress(StorageError):  # It expires anyway.
                await services.store.searches.withdraw(search)
    raise NoAnswer


operations = [
    Operation(
        "GET",
        "/v1/jobs/{job_id}/search",
        search_code,
        "jobs:read",
        {200: schemas.CodeSearch},
        params=(
            query_param("q", "The question.", {"type": "string", "minLength": 1, "maxLength": MAX_QUESTION}),
            query_param(
                "k",
                "The maximum number of results.",
                {"type": "integer", "minimum": 1, "maximum": MAX_RESULTS, "default": RESULTS},
            ),
            PREFER,
        ),
        problems=(
            "job-not-found",
            "not-found",
            "job-not-finished",
            "job-failed",
            "result-expired",
            "invalid-request",
            "too-many-requests",
            "too-many-streams",
            "overloaded",
            "no-worker",
            "no-answer",
            "store-unavailable",
        ),
        headers={200: ("RateLimit", "RateLimit-Policy")},
    ),
]
