"""A receiver of webhooks that answers as its script says."""

import asyncio
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tests.peers.llm import serving


@dataclass(frozen=True)
class Reply:
    """One way to answer. `delay_s` comes before the first byte."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_s: float = 0.0


ok = Reply(204)
gone = Reply(410)
server_error = Reply(500)
rate_limited = Reply(429, {"retry-after": "7"})
slow = Reply(delay_s=30)
huge = Reply(body=b"x" * 1_000_000)


def redirect(to: str) -> Reply:
    """Elsewhere."""
    return Reply(307, {"location": to})


@dataclass(frozen=True)
class Received:
    """A request that came."""

    headers: dict[str, str]
    body: bytes


class Receiver:
    """The script: replies in order, the last of them for ever. What comes is in `received`, in order."""

    def __init__(self) -> None:
        self.url = ""
        self.received: queue.Queue[Received] = queue.Queue()
        self._script = [ok]

    def script(self, *replies: Reply) -> None:
        """Answer like this from now on, and forget what came so far."""
        self._script = list(replies)
        self.received = queue.Queue()

    def next(self, timeout_s: float = 20) -> Received:
        """The next request; waits for it."""
        return self.received.get(timeout=timeout_s)

    async def receive(self, request: Request) -> Response:
        """One request."""
        try:
            body = await request.body()
        except ClientDisconnect:  # the sender was killed
            return Response(status_code=400)
        self.received.put(Received(dict(request.headers), body))
        reply = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        await asyncio.sleep(reply.delay_s)
        return Response(reply.body, reply.status, reply.headers)


@contextmanager
def running(port: int = 0) -> Iterator[Receiver]:
    """The receiver on a port of loopback, by default a free one, while inside."""
    receiver = Receiver()
    with serving([Route("/hook", receiver.receive, methods=["POST"])], port) as url:
        receiver.url = f"{url}/hook"
        yield receiver
