"""The open streams of a web process: limit their number per owner, and end some before their jobs end."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Self

from sse_starlette import EventSourceResponse

from nlp2filters import background
from nlp2filters.errors import TooManyStreams
from nlp2filters.storage.api_keys import ApiKeys, Caller
from nlp2filters.storage.errors import StorageError
from nlp2filters.storage.streams import Follower

CHECK_KEYS_S = 10.0

_log = logging.getLogger(__name__)


class Streams:
    """The open streams, counted by owner. Those of revoked API keys are ended, and all when the process is stopped.

    Use it as `async with Streams(api_keys, max_per_owner)`; the limit applies to callers with limits.
    """

    def __init__(self, api_keys: ApiKeys, max_per_owner: int) -> None:
        self._api_keys, self._max_per_owner = api_keys, max_per_owner
        self._open: dict[Follower, Caller] = {}
        self._counts: Counter[str] = Counter()
        self._stopping = False
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for work, name in ((self._end_those_of_revoked_keys, "stream-keys"), (self._end_all_at_exit, "streams-exit")):
            await self._stack.enter_async_context(background.running(work, name))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def opened(self, caller: Caller, follower: Follower) -> Iterator[None]:
        """Count one more stream of the caller while inside the context. There is no await between check and count.

        Raises:
            TooManyStreams: the caller has as many streams as allowed.
        """
        if caller.limited and self._counts[caller.owner] >= self._max_per_owner:
            raise TooManyStreams(self._max_per_owner)
        self._counts[caller.owner] += 1
        self._open[follower] = caller
        if self._stopping:
            follower.end()
        try:
            yield
        finally:
            del self._open[follower]
            self._counts[caller.owner] -= 1
            if not self._counts[caller.owner]:
                del self._counts[caller.owner]

    async def _end_those_of_revoked_keys(self) -> None:
        while True:
            await asyncio.sleep(CHECK_KEYS_S)
            try:
                revoked = await self._api_keys.revoked(
                    {caller.key_id for caller in self._open.values() if caller.key_id}
                )
            except StorageError as exc:
                _log.debug("could not check for revoked API keys: %s", exc)
                continue
            for follower, caller in self._open.items():
                if caller.key_id in revoked:
                    follower.end()

    async def _end_all_at_exit(self) -> None:
        # The end of the lifespan is too late: uvicorn first waits for all streams to close.
        await EventSourceResponse._listen_for_exit_signal()
        self._stopping = True
        for follower in self._open:
            follower.end()
