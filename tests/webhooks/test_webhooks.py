"""Webhooks: signatures, addresses that are refused, and sending to a receiver that misbehaves in named ways."""

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import socket
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.errors import WebhookRefused
from nlp2filters.webhooks import addresses, network
from nlp2filters.webhooks.client import RETRY_SCHEDULE, Attempt, WebhookClient
from nlp2filters.webhooks.network import Resolve
from tests.peers import tls
from tests.peers import webhook as peer
from tests.peers.webhook import Receiver, Reply

NO_ADDRESS = "no public address was found for the host"
OWN = ["filters.example", "xn--bcher-kva.example:8443", "", "no host", "[::1"]
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture
async def sender() -> AsyncIterator[WebhookClient]:
    async with WebhookClient(allow_private=True, timeout_s=2) as sender:
        yield sender


async def send(sender: WebhookClient, url: str) -> Attempt:
    return await sender.send(url, message_id="msg_1", body=b'{"a":1}', secrets=[SECRET], timestamp=1_700_000_000)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "ftp://example.com/hook",
        "https:///hook",
        "https://user:pass@example.com/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://db.internal/",
        "https://printer.local/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://0.0.0.0/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://[::1]/",
        "https://[::]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[ff02::1]/",
        "https://[64:ff9b:1::1]/",
        "https://[2001:0:1::1]/",
        "https://192.88.99.1/",
        "https://198.18.0.1/",
        "https://192.0.2.1/",
        "https://203.0.113.9/",
        "https://240.0.0.1/",
        "https://[2001:db8::1]/",
        "https://[fec0::1]/",
        "https://example.com:99999/",
        "https://example.com:80/",
        "https://example.com:6379/",
        "https://filters.example/hook",
        "https://filters.example:443/hook",
        "https://FILTERS.example./hook",
        "https://bücher.example:8443/hook",
        "not an address",
        "https://example.com/" + "x" * 2000,
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(WebhookRefused):
        addresses.check_url(url, allow_private=False, own_hosts=OWN)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook?a=b",
        "https://8.8.8.8:8443/",
        "https://[2606:4700::1111]/",
        "https://filters.example:8443/",
        "https://other.filters.example/",
    ],
)
def test_addresses_that_are_allowed(url: str) -> None:
    addresses.check_url(url, allow_private=False, own_hosts=OWN)


def test_development_may_call_this_machine_but_not_the_service() -> None:
    addresses.check_url("http://127.0.0.1:9000/hook", allow_private=True, own_hosts=["127.0.0.1:8000"])
    with pytest.raises(WebhookRefused, match="this service"):
        addresses.check_url("http://127.0.0.1:8000/hook", allow_private=True, own_hosts=["127.0.0.1:8000"])


@given(
    st.ip_addresses(network="10.0.0.0/8") | st.ip_addresses(network="127.0.0.0/8") | st.ip_addresses(network="fc00::/7")
)
def test_no_private_address_is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert not addresses.is_public(address)
    if isinstance(address, ipaddress.IPv4Address):
        assert not addresses.is_public(ipaddress.IPv6Address(f"::ffff:{address}"))


async def test_what_the_receiver_gets(sender: WebhookClient, receiver: Receiver) -> None:
    receiver.script(peer.ok)
    attempt = await send(sender, receiver.url)
    assert (attempt.ok, attempt.status, attempt.error) == (True, 204, None)
    got = receiver.next()
    assert got.body == b'{"a":1}'
    assert (got.headers["webhook-id"], got.headers["webhook-timestamp"]) == ("msg_1", "1700000000")
    expected = hmac.digest(b"k" * 32, b'msg_1.1700000000.{"a":1}', hashlib.sha256)
    assert got.headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"
    assert got.headers["host"] == receiver.url.split("/")[2]
    assert got.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (peer.server_error, (500, False, False, None)),
        (peer.gone, (410, False, True, None)),
        (peer.rate_limited, (429, False, False, 7.0)),
        (Reply(429, {"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}), (429, False, False, 0.0)),
        (Reply(429, {"retry-after": "soon"}), (429, False, False, None)),
        (Reply(429, {"retry-after": "99999999"}), (429, False, False, None)),
        (peer.huge, (200, True, False, None)),
    ],
)
async def test_what_came_of_it(
    sender: WebhookClient, receiver: Receiver, reply: Reply, expected: tuple[int, bool, bool, float | None]
) -> None:
    receiver.script(reply)
    attempt = await send(sender, receiver.url)
    assert (attempt.status, attempt.ok, attempt.gone, attempt.retry_after_s) == expected


async def test_a_redirect_is_a_failure_and_not_followed(sender: WebhookClient, receiver: Receiver) -> None:
    receiver.script(peer.redirect(receiver.url), peer.ok)
    attempt = await send(sender, receiver.url)
    assert (attempt.status, attempt.ok) == (307, False)
    receiver.next()
    assert receiver.received.empty()


async def test_a_slow_receiver_is_left(receiver: Receiver) -> None:
    receiver.script(peer.slow)
    async with WebhookClient(allow_private=True, timeout_s=0.3) as sender:
        attempt = await send(sender, receiver.url)
    assert (attempt.status, attempt.error) == (None, "no answer within 0.3 s")


async def test_nobody_listens(sender: WebhookClient) -> None:
    attempt = await send(sender, "http://127.0.0.1:9/hook")
    assert (attempt.status, attempt.error) == (None, "no connection")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "::1", "fe80::1%eth0", "169.254.169.254"])
async def test_a_name_that_leads_inside_is_refused_when_it_is_called(address: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["93.184.216.34", address]

    async with WebhookClient(resolve=resolve, timeout_s=2) as sender:
        attempt = await send(sender, "https://example.com/hook")
    assert (attempt.ok, attempt.gone, attempt.error) == (False, False, NO_ADDRESS)


async def _does_not_exist(host: str, port: int) -> list[str]:
    raise OSError("Name or service not known")


async def _leads_nowhere(host: str, port: int) -> list[str]:
    return []


async def _never_answers(host: str, port: int) -> list[str]:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize("resolve", [_does_not_exist, _leads_nowhere, _never_answers])
async def test_names_without_an_address_look_like_those_that_lead_inside(
    resolve: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or whoever sees the attempts could ask our name server about the names of our network."""
    monkeypatch.setattr(network, "RESOLVE_TIMEOUT_S", 0.1)
    async with WebhookClient(resolve=resolve) as sender:
        attempt = await send(sender, "https://example.com/hook")
    assert (attempt.ok, attempt.gone, attempt.error) == (False, False, NO_ADDRESS)


async def test_names_that_hang_keep_nobody_elses_from_being_looked_up(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "RESOLVE_TIMEOUT_S", 0.5)
    over, look_up = threading.Event(), socket.getaddrinfo

    def hanging(host: str, *args: Any, **options: Any) -> Any:
        if host == "slow.example":
            over.wait(60)
        return look_up("127.0.0.1", *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    receiver.script(peer.ok)
    try:
        async with WebhookClient(allow_private=True) as sender:
            slow = await asyncio.gather(*(send(sender, "https://slow.example/hook") for _ in range(50)))
            assert {attempt.error for attempt in slow} == {NO_ADDRESS}
            assert (await send(sender, receiver.url.replace("127.0.0.1", "fast.example"))).ok
    finally:
        over.set()


SAID = b"SSH-2.0-canary\r\n"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (SAID, "the answer was not HTTP"),
        (b"", "the answer was not HTTP"),
        (b"HTTP/1.1 500 canary\r\nX-Canary: canary\r\nContent-Length: 6\r\n\r\ncanary", "answered 500"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\ncanary", "the answer was not HTTP"),
    ],
)
async def test_what_a_receiver_says_is_not_told(sender: WebhookClient, said: bytes, told: str) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        attempt = await send(sender, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook")
    assert attempt.error == told


async def test_what_is_wrong_with_a_certificate_is_told(sender: WebhookClient) -> None:
    async with tls.tls_proxy(9) as port:
        attempt = await send(sender, f"https://127.0.0.1:{port}/hook")
    assert attempt.error == "no TLS connection: unable to get local issuer certificate"


async def test_a_receiver_without_tls(sender: WebhookClient, receiver: Receiver) -> None:
    attempt = await send(sender, receiver.url.replace("http", "https"))
    assert attempt.error == "no TLS connection"


def test_the_schedule() -> None:
    waits = [RETRY_SCHEDULE.wait_s(failures) for failures in range(8)]
    for wait, planned in zip(waits, RETRY_SCHEDULE.waits_s, strict=False):
        assert wait is not None
        assert 0.8 * planned <= wait <= 1.2 * planned
    assert waits[6:] == [None, None]
