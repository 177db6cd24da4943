"""Searches in analysed code: entries of the embedding queue whose answers come by a stream, as a job's events do.

Nothing of a search is kept: its entry expires when nobody waits any more, and so does its answer. A search has no
record, so a worker that dies loses it, and its caller asks again.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from redis.asyncio import Redis

from nlp2filters.errors import Overloaded
from nlp2filters.storage import arq_format, scripts
from nlp2filters.storage.redis_keys import Keys

# The field of a job's record with the digest of its index, a blob.
SEARCH_INDEX = "search_index"
QUEUE = "embedding"
RETRY_AFTER_S = 5
# An answer is read at once, or never.
ANSWER_KEPT_MS = 60_000


@dataclass(frozen=True, slots=True)
class Search:
    """A question about the code whose index is the owner's blob `index`; `count` is the number of places to find."""

    id: str
    owner: str
    index: str
    question: str
    count: int

    @classmethod
    def of(cls, owner: str, index: str, question: str, count: int) -> "Search":
        """Create a search with an id of its own."""
        return cls(f"search_{secrets.token_hex(16)}", owner, index, question, count)


class Searches:
    """The searches that wait for a worker, and their answers."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._script = redis.register_script(scripts.QUEUE_SEARCH)

    async def request(self, search: Search, now_ms: int, *, wait_ms: int, backlog: int) -> None:
        """Queue a search in turn with the other work of its owner; nobody waits longer than `wait_ms` for it.

        Raises:
            Overloaded: the queue has `backlog` entries; nothing was written.
        """
        names = [self._keys.queue(QUEUE), arq_format.entry_key(QUEUE, search.id)]
        entry, data = arq_format.entry_id(QUEUE, search.id), arq_format.search_entry(asdict(search), now_ms)
        group = arq_format.group(search.owner)
        if not await self._script(keys=names, args=[entry, data, wait_ms, group, backlog]):
            raise Overloaded(RETRY_AFTER_S)

    async def withdraw(self, search: Search) -> None:
        """Forget a search that nobody waits for any more, with its answer: a worker that claims it does nothing."""
        await self._redis.delete(arq_format.entry_key(QUEUE, search.id), self._keys.events(search.id))

    async def answer(self, search: Search, results: Sequence[Mapping[str, Any]] | None) -> None:
        """Answer a search with the places, or with None if there is no index (any more) that can be read."""
        stream = self._keys.events(search.id)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.xadd(stream, {"event": "done", "data": orjson.dumps(results)})
            pipe.pexpire(stream, ANSWER_KEPT_MS)
            pipe.publish(stream, "")
            await pipe.execute()
