"""No webhook reaches inside: whatever its address says and wherever its name leads, no connection is made."""

import asyncio
import ipaddress
import random
import socket
from typing import Any

import httpcore
import pytest

from nlp2filters.errors import WebhookRefused
from nlp2filters.webhooks.client import Attempt, WebhookClient
from nlp2filters.webhooks.network import Resolve

PUBLIC = "93.184.216.34"

# Names, and the addresses that the resolver of these tests gives for them.
NAMES = {
    "public.example": [PUBLIC],
    "filters.example": [PUBLIC],
    "loopback.example": ["127.0.0.1"],
    "loopback6.example": ["::1"],
    "metadata.example": ["169.254.169.254"],
    "intranet.example": ["10.0.0.7"],
    "first-public.example": [PUBLIC, "192.168.1.1"],
    "last-public.example": ["172.16.0.1", PUBLIC],
    "public4-private6.example": [PUBLIC, "fd00::1"],
    "mapped.example": ["::ffff:10.0.0.1"],
    "nat64.example": ["64:ff9b::a00:1"],
    "scoped.example": ["fe80::1%eth0"],
    "unspecified.example": ["0.0.0.0"],
    "ip6-localhost": ["::1"],
    "nothing.example": [],
}

VECTORS = {
    "plain http": "http://public.example/hook",
    "another scheme": "ftp://public.example/hook",
    "a file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
    "dict": "dict://127.0.0.1:11211/stat",
    "a WebSocket": "wss://public.example/hook",
    "a Unix socket": "unix:/var/run/docker.sock",
    "http over a Unix socket": "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "no scheme": "//127.0.0.1/hook",
    "no host": "https:///hook",
    "nothing": "",
    "port 0": "https://public.example:0/hook",
    "a port that is none": "https://public.example:99999/hook",
    "another port": "https://public.example:22/hook",
    "the port of Redis": "https://public.example:6379/hook",
    "plain http's port": "https://public.example:80/hook",
    "our own host": "https://filters.example/v1/jobs/job_1/cancel",
    "our own host in capitals, with its dot and port": "https://FILTERS.example.:443/hook",
    "a user and password": "https://user:password@public.example/",
    "a public name as the user": "https://public.example@127.0.0.1/",
    "a public name and port as the user": "https://public.example:443@127.0.0.1/",
    "a public name in the fragment": "https://127.0.0.1#@public.example/",
    "a public name behind a backslash": "https://127.0.0.1\\@public.example/",
    "a line break in the host": "https://127.0.0.1\r\n.public.example/",
    "localhost": "https://localhost/",
    "localhost in capitals": "https://LocalHost/",
    "localhost with its dot": "https://localhost./",
    "a name under localhost": "https://public.localhost/",
    "a name under local": "https://printer.local/",
    "a name under internal": "https://metadata.google.internal/computeMetadata/v1/",
    "a name under localdomain": "https://db.localdomain/",
    "a name under home.arpa": "https://router.home.arpa/",
    "a name of /etc/hosts": "https://ip6-localhost/",
    "loopback": "https://127.0.0.1/",
    "loopback with a dot": "https://127.0.0.1./",
    "the end of loopback": "https://127.255.255.254/",
    "loopback in two parts": "https://127.1/",
    "loopback in three parts": "https://127.0.1/",
    "loopback as one number": "https://2130706433/",
    "loopback in hexadecimal": "https://0x7f000001/",
    "loopback in hexadecimal parts": "https://0x7f.0x0.0x0.0x1/",
    "loopback in octal": "https://0177.0.0.1/",
    "loopback as one octal number": "https://017700000001/",
    "loopback in full width": "https://１２７.０.０.１/",
    "loopback in circled digits": "https://①②⑦.⓪.⓪.①/",
    "loopback with other dots": "https://127。0。0。1/",
    "loopback percent-encoded": "https://%31%32%37.0.0.1/",
    "this host": "https://0.0.0.0/",
    "this host as a number": "https://0/",
    "private, 10": "https://10.0.0.1/",
    "private, 172.16": "https://172.16.0.1/",
    "private, 172.31": "https://172.31.255.255/",
    "private, 192.168": "https://192.168.1.1/",
    "metadata of AWS, Google and Azure": "https://169.254.169.254/latest/meta-data/",
    "metadata as a number": "https://2852039166/",
    "metadata of ECS": "https://169.254.170.2/v2/credentials",
    "metadata of Alibaba": "https://100.100.100.200/latest/meta-data/",
    "metadata of Oracle": "https://192.0.0.192/latest/",
    "shared by carriers": "https://100.64.0.1/",
    "for measuring": "https://198.18.0.1/",
    "for documents, 192.0.2": "https://192.0.2.1/",
    "for documents, 198.51.100": "https://198.51.100.1/",
    "for documents, 203.0.113": "https://203.0.113.1/",
    "relays of 6to4": "https://192.88.99.1/",
    "multicast": "https://224.0.0.1/",
    "reserved": "https://240.0.0.1/",
    "broadcast": "https://255.255.255.255/",
    "IPv6 loopback": "https://[::1]/",
    "IPv6 loopback in full": "https://[0:0:0:0:0:0:0:1]/",
    "IPv6 unspecified": "https://[::]/",
    "IPv4 mapped into IPv6": "https://[::ffff:127.0.0.1]/",
    "IPv4 mapped in hexadecimal": "https://[::ffff:a9fe:a9fe]/",
    "IPv4 compatible IPv6": "https://[::127.0.0.1]/",
    "NAT64": "https://[64:ff9b::7f00:1]/",
    "NAT64 of one's own": "https://[64:ff9b:1::1]/",
    "6to4": "https://[2002:7f00:1::]/",
    "Teredo": "https://[2001:0:1::1]/",
    "IPv6 for documents": "https://[2001:db8::1]/",
    "IPv6 for documents, long": "https://[3fff::1]/",
    "segment routing": "https://[5f00::1]/",
    "discarded": "https://[100::1]/",
    "unique local": "https://[fc00::1]/",
    "metadata of AWS by IPv6": "https://[fd00:ec2::254]/latest/meta-data/",
    "link-local": "https://[fe80::1]/",
    "link-local with a zone": "https://[fe80::1%25eth0]/",
    "site-local": "https://[fec0::1]/",
    "IPv6 multicast": "https://[ff02::1]/",
    **{f"the name {name}": f"https://{name}/hook" for name in NAMES if NAMES[name] != [PUBLIC]},
}

INSIDE = [
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("::/96", "::ffff:10.0.0.0/104", "::ffff:127.0.0.0/104", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64"),
        *("2001::/32", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10"),
        "ff00::/8",
    )
]


async def by_table(host: str, port: int) -> list[str]:
    """Names by the table, numbers as the system reads them, also the odd ones; nobody else is asked."""
    if host in NAMES:
        return NAMES[host]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return [str(address[0]) for *_, address in found]


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses to which a connection was begun. None is ever made."""
    addresses: list[str] = []

    async def connect_tcp(self: Any, host: str, *args: Any) -> None:
        addresses.append(host)
        raise OSError("not in this test")

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect_tcp)
    return addresses


async def send(sender: WebhookClient, url: str) -> Attempt | None:
    """What came of it; None when it was refused."""
    try:
        return await sender.send(url, message_id="msg_1", body=b"{}", secrets=[], timestamp=1_700_000_000)
    except WebhookRefused:
        return None


def answering(*answers: list[str]) -> tuple[Resolve, list[str]]:
    """A resolver that gives one answer after the other; and the names that it was asked."""
    left, asked = list(answers), []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return left.pop(0)

    return resolve, asked


def test_there_are_enough() -> None:
    assert len(VECTORS) >= 60


@pytest.mark.parametrize("url", VECTORS.values(), ids=VECTORS.keys())
async def test_no_connection_by_any_way_in(url: str, reached: list[str]) -> None:
    async with WebhookClient(resolve=by_table, own_hosts=["filters.example"]) as sender:
        attempt = await send(sender, url)
    assert reached == []
    assert attempt is None or (attempt.status is None and attempt.error)


async def test_the_watch_sees_a_connection(reached: list[str]) -> None:
    """The tests here would notice: a public address is connected to, by its number."""
    async with WebhookClient(resolve=by_table) as sender:
        attempt = await send(sender, "https://public.example/hook")
    assert attempt
    assert attempt.error
    assert reached == [PUBLIC]


def inside(count: int) -> list[str]:
    """Random addresses that are not of the open internet."""
    rng = random.Random(11)
    networks = rng.choices(INSIDE, k=count)
    return [str(network[rng.randrange(min(network.num_addresses, 1 << 100))]) for network in networks]


async def test_no_connection_to_ten_thousand_random_addresses_inside(reached: list[str]) -> None:
    async with WebhookClient(resolve=by_table) as sender:
        for address in inside(10_000):
            host = f"[{address}]" if ":" in address else address
            assert await send(sender, f"https://{host}/hook") is None, address
    assert reached == []


async def test_no_connection_to_random_addresses_inside_by_name(reached: list[str]) -> None:
    resolve, asked = answering(*([address] for address in inside(1_000)))
    async with WebhookClient(resolve=resolve) as sender:
        for number in range(1_000):
            attempt = await send(sender, f"https://{number}.example/hook")
            assert (attempt and attempt.error) == "no public address was found for the host"
    assert len(asked) == 1_000
    assert reached == []


async def test_a_name_is_looked_up_once_an_attempt_and_what_was_checked_is_called(reached: list[str]) -> None:
    resolve, asked = answering([PUBLIC], ["127.0.0.1"])
    async with WebhookClient(resolve=resolve) as sender:
        assert await send(sender, "https://rebinding.example/hook")
        assert (asked, reached) == (["rebinding.example"], [PUBLIC])
        attempt = await send(sender, "https://rebinding.example/hook")
        assert (attempt and attempt.error) == "no public address was found for the host"
    assert (len(asked), reached) == (2, [PUBLIC])


async def test_a_name_that_changes_all_the_time(reached: list[str]) -> None:
    rng = random.Random(12)
    answers = [rng.choice([[PUBLIC], ["10.0.0.1"], [PUBLIC, "::1"], ["169.254.169.254", PUBLIC]]) for _ in range(200)]
    resolve, asked = answering(*answers)
    async with WebhookClient(resolve=resolve) as sender:
        await asyncio.gather(*(send(sender, "https://rebinding.example/hook") for _ in answers))
    assert len(asked) == 200
    assert reached == [PUBLIC] * answers.count([PUBLIC])
