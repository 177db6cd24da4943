"""Send signed webhooks, to public addresses only.

The owner of a webhook sees its attempts, so they reveal neither the addresses of a name, nor more of an answer than its
status.
"""

import asyncio
import base64
import hashlib
import hmac
import logging
import ssl
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

import httpcore
import httpx

from nlp2filters import tracing
from nlp2filters.core import signatures
from nlp2filters.core.jobs import ANONYMOUS
from nlp2filters.retry import Schedule, parse_retry_after
from nlp2filters.webhooks import network
from nlp2filters.webhooks.addresses import check_url, parse_url
from nlp2filters.webhooks.network import PinnedNetworkBackend, ResolutionRefused, Resolve

TIMEOUT_S = 15.0
# A hanging name server blocks a thread for half a minute, long after we have given up on the name.
RESOLVE_THREADS = 200
# At most this many bytes of a receiver's answer are read.
MAX_ANSWER = 64_000
# A receiver that asks for a longer wait is not taken seriously.
MAX_RETRY_AFTER_S = 10_000_000
RETRY_SCHEDULE = Schedule((5, 300, 1800, 7200, 18_000, 36_000), jitter=0.2)

_FAILURES = (
    *(ResolutionRefused, OSError),
    *(httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException),
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The outcome of one attempt: the answer's status, or the error if there was no answer."""

    status: int | None
    error: str | None
    duration_ms: int
    retry_after_s: float | None = None

    @property
    def ok(self) -> bool:
        """True if the receiver accepted the message."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """True if the receiver wants no more messages."""
        return self.status == 410


class WebhookClient:
    """A client that sends webhooks. Open it with `async with`.

    `timeout_s` bounds an attempt from the DNS lookup to the answer. Webhooks to `own_hosts` are refused.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        own_hosts: Collection[str] = (),
        timeout_s: float = TIMEOUT_S,
        resolve: Resolve | None = None,
    ) -> None:
        self._allow_private, self._own_hosts = allow_private, own_hosts
        self._threads = ThreadPoolExecutor(RESOLVE_THREADS, "resolve")
        self._timeout_s = timeout_s
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=100,
            max_keepalive_connections=0,
            network_backend=PinnedNetworkBackend(
                resolve or partial(network.resolve, self._threads), allow_private=allow_private
            ),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.aclose()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def send(self, url: str, *, message_id: str, body: bytes, secrets: Sequence[str], timestamp: int) -> Attempt:
        """Send once, signed if there are `secrets`. It follows no redirects, and ignores proxies of the environment.

        Raises:
            WebhookRefused: the URL must not be called.
        """
        check_url(url, allow_private=self._allow_private, own_hosts=self._own_hosts)
        headers = {
            "content-type": "application/json",
            "user-agent": "NLP2Filters",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
        }
        if secrets:
            headers["webhook-signature"] = signatures.sign(secrets, message_id, timestamp, body)
        # The address is the owner's secret, so it is not part of the span.
        with tracing.span("POST", "CLIENT", {"http.request.method": "POST"}) as span:
            attempt = await self._attempt(parse_url(url), {**headers, **tracing.context()}, body)
            if attempt.status:
                span.set({"http.response.status_code": attempt.status})
            if not attempt.ok:
                span.fail(str(attempt.status or "no_answer"))
            return attempt

    async def _attempt(self, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> Attempt:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                status, retry_after_s = await self._post(url, headers, body)
        except TimeoutError:
            return Attempt(None, f"no answer within {self._timeout_s:g} s", _since_ms(began))
        except _FAILURES as exc:
            _log.info("no answer of a webhook: %.300r", exc)
            return Attempt(None, _public_error(exc), _since_ms(began))
        error = None if 200 <= status < 300 else f"answered {status}"
        return Attempt(status, error, _since_ms(began), retry_after_s)

    async def _post(self, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> tuple[int, float | None]:
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        raw_headers = [(b"host", url.netloc), *((name.encode(), value.encode()) for name, value in headers.items())]
        async with self._pool.stream("POST", target, headers=raw_headers, content=body) as response:
            size = 0
            async for chunk in response.aiter_stream():
                size += len(chunk)
                if size > MAX_ANSWER:
                    break
        retry_after_s = parse_retry_after(dict(response.headers).get(b"retry-after", b"").decode("latin-1"))
        if retry_after_s is not None and retry_after_s >= MAX_RETRY_AFTER_S:
            retry_after_s = None
        return response.status, retry_after_s


def _public_error(exc: Exception) -> str:
    """Describe a failure for the webhook's owner in our own words, so that nothing of the receiver's is revealed."""
    match exc:
        case ResolutionRefused():
            return "no public address was found for the host"
        case httpcore.ConnectError(args=[ssl.SSLCertVerificationError(verify_message=reason)]):
            return f"no TLS connection: {reason}"
        case httpcore.ConnectError(args=[ssl.SSLError()]):
            return "no TLS connection"
        case httpcore.ConnectError():
            return "no connection"
        case httpcore.ProtocolError():
            return "the answer was not HTTP"
    return "the connection broke off"


def derive_secret(secret: str, owner: str) -> str:
    """Derive the secret that signs an owner's webhooks from the service's, so that no owner can sign for another."""
    if owner == ANONYMOUS:
        return secret
    digest = hmac.digest(signatures.key(secret), f"nlp2filters webhook of {owner}".encode(), hashlib.sha256)
    return "whsec_" + base64.b64encode(digest).decode()


def _since_ms(began: float) -> int:
    return round(1000 * (time.monotonic() - began))
