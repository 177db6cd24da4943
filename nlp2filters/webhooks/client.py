"""Webhooks: refuse addresses that are not public, and send messages.

A callback URL comes from an untrusted client. Its hostname is resolved at every attempt, every address behind it must
be public, and the connection goes to the very address that was checked, so that no second lookup can lead elsewhere.
The client sees the attempts, so they reveal neither the addresses of a name, nor more of an answer than its status.
"""

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import logging
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

import httpcore
import httpx

from nlp2filters.core import signatures
from nlp2filters.core.jobs import ANONYMOUS
from nlp2filters.errors import WebhookRefused
from nlp2filters.retry import Schedule, parse_retry_after

TIMEOUT_S = 15.0
RESOLVE_TIMEOUT_S = 5.0
# A hanging name server blocks a thread for half a minute, long after we have given up on the name.
RESOLVE_THREADS = 200
PORTS = (443, 8443)
MAX_URL = 2000
# At most this many bytes of a receiver's answer are read.
MAX_ANSWER = 64_000
# A receiver that asks for a longer wait is not taken seriously.
MAX_RETRY_AFTER_S = 10_000_000
RETRY_SCHEDULE = Schedule((5, 300, 1800, 7200, 18_000, 36_000), jitter=0.2)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]

_BLOCKED = [  # These addresses lead to others, or are global according to some versions of Python.
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24", "192.88.99.0/24", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32",
        "2002::/16", "3fff::/20", "5f00::/16",
    )
]  # fmt: skip
_log = logging.getLogger(__name__)
_LOCAL_NAMES = ("localhost", "local", "internal", "localdomain", "home.arpa")


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


def check_url(url: str, *, allow_private: bool, own: Collection[str] = ()) -> None:
    """Check that a callback URL may be called at all. Hostnames are not resolved here.

    `own` are the hosts of this service, with their ports if not the default ones.

    Raises:
        WebhookRefused: the URL must not be called; the message gives the reason.
    """
    parsed = _parse(url)
    if parsed.scheme != "https" and not (allow_private and parsed.scheme == "http"):
        raise WebhookRefused("A webhook's address must begin with https://.")
    if not parsed.host or not 0 < (443 if parsed.port is None else parsed.port) < 65_536:
        raise WebhookRefused("A webhook's address needs a host and a valid port.")
    if parsed.userinfo:
        raise WebhookRefused("A webhook's address must not hold a user or password; check its signature instead.")
    if _place(parsed) in [_place_of(host, parsed.scheme) for host in own]:
        raise WebhookRefused("A webhook's address must not be that of this service.")
    if allow_private:
        return
    if parsed.port not in (None, *PORTS):
        raise WebhookRefused("A webhook's address must be at port 443 or 8443.")
    host = parsed.host.rstrip(".").lower()
    if host.rpartition(".")[2] in _LOCAL_NAMES or host.endswith(".home.arpa"):
        raise WebhookRefused(f"{host!r} is a local name; a webhook's address must be public.")
    literal = _literal(host)
    if literal and not is_public(literal):
        raise WebhookRefused(f"{host!r} is not a public address.")


def is_public(address: Address) -> bool:
    """Return True if an address is public. An address that wraps another one is not, except IPv4 in IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address.is_site_local:
            return False
    if any(address in network for network in _BLOCKED):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


class Sender:
    """A sender of messages. Open it with `async with`. `timeout_s` bounds an attempt from DNS lookup to answer."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        own: Collection[str] = (),
        timeout_s: float = TIMEOUT_S,
        resolve: Resolve | None = None,
    ) -> None:
        self._allow_private, self._own = allow_private, own
        self._threads = ThreadPoolExecutor(RESOLVE_THREADS, "resolve")
        self._timeout_s = timeout_s
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=100,
            max_keepalive_connections=0,
            network_backend=_CheckedNetwork(resolve or partial(_resolve, self._threads), allow_private=allow_private),
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
        check_url(url, allow_private=self._allow_private, own=self._own)
        headers = {
            "content-type": "application/json",
            "user-agent": "NLP2Filters",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
        }
        if secrets:
            headers["webhook-signature"] = signatures.sign(secrets, message_id, timestamp, body)
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                status, retry_after_s = await self._post(_parse(url), headers, body)
        except TimeoutError:
            return Attempt(None, f"no answer within {self._timeout_s:g} s", _since_ms(began))
        except (_NoAddress, OSError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as exc:
            _log.info("no answer of a webhook: %.300r", exc)
            return Attempt(None, _told(exc), _since_ms(began))
        error = None if 200 <= status < 300 else f"answered {status}"
        return Attempt(status, error, _since_ms(began), retry_after_s)

    async def _post(self, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> tuple[int, float | None]:
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        sent = [(b"host", url.netloc), *((name.encode(), value.encode()) for name, value in headers.items())]
        async with self._pool.stream("POST", target, headers=sent, content=body) as response:
            read = 0
            async for chunk in response.aiter_stream():
                read += len(chunk)
                if read > MAX_ANSWER:
                    break
        retry_after_s = parse_retry_after(dict(response.headers).get(b"retry-after", b"").decode("latin-1"))
        if retry_after_s is not None and retry_after_s >= MAX_RETRY_AFTER_S:
            retry_after_s = None
        return response.status, retry_after_s


class _NoAddress(Exception):
    """A hostname has no address, or one that is not public. The webhook's owner does not learn which."""


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """A network backend that connects only to addresses that it has resolved and checked."""

    def __init__(self, resolve: Resolve, *, allow_private: bool) -> None:
        self._resolve = resolve
        self._allow_private = allow_private
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the name that httpcore gives
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT_S):
                addresses = await self._resolve(host, port)
        except (OSError, TimeoutError) as exc:
            raise _NoAddress(f"{host!r}: {exc!r}") from exc
        inside = [] if self._allow_private else [one for one in addresses if not is_public(_address(one))]
        if inside or not addresses:
            raise _NoAddress(f"{host!r} leads to {addresses}")
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (OSError, httpcore.NetworkError) as exc:
                failure = exc
        raise httpcore.ConnectError(f"{host!r} does not answer") from failure

    async def connect_unix_socket(self, *args: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        raise WebhookRefused("A webhook's address must be one of the internet.")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _resolve(threads: ThreadPoolExecutor, host: str, port: int) -> list[str]:
    """Resolve all addresses of a hostname."""
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(threads, look_up)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _address(text: str) -> Address:
    return ipaddress.ip_address(text.partition("%")[0])


def _told(exc: Exception) -> str:
    """Describe a failure for the webhook's owner in our own words, so that nothing of the receiver's is revealed."""
    match exc:
        case _NoAddress():
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


def _place(url: httpx.URL) -> tuple[str, int]:
    """Return normalized host and port."""
    return url.host.rstrip(".").lower(), url.port or {"http": 80, "https": 443}.get(url.scheme, 0)


def _place_of(host: str, scheme: str) -> tuple[str, int] | None:
    """Return normalized host and port of a `Host` header; None if it is invalid."""
    try:
        return _place(httpx.URL(f"{scheme}://{host}"))
    except httpx.InvalidURL:
        return None


def _parse(url: str) -> httpx.URL:
    if len(url) > MAX_URL:
        raise WebhookRefused(f"A webhook's address may have {MAX_URL} characters.")
    try:
        return httpx.URL(url)
    except httpx.InvalidURL as exc:
        raise WebhookRefused(f"This is not an address: {exc}") from exc


def _literal(host: str) -> Address | None:
    """Parse the address that a host spells, also as 127.1, 0x7f000001 or 2130706433; None for a name."""
    try:
        return _address(host.strip("[]"))
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def secret_of(secret: str, owner: str) -> str:
    """Derive the secret that signs an owner's webhooks from the service's, so that no owner can sign for another."""
    if owner == ANONYMOUS:
        return secret
    derived = hmac.digest(signatures.key(secret), f"nlp2filters webhook of {owner}".encode(), hashlib.sha256)
    return "whsec_" + base64.b64encode(derived).decode()


def _since_ms(began: float) -> int:
    return round(1000 * (time.monotonic() - began))
