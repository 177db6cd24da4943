"""Clients that send slowly, too much, nothing or nonsense, on real sockets to the real web process."""

import contextlib
import json
import re
import resource
import select
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect as follow

from nlp2filters.api.http_protocol import MAX_FIELDS, MAX_HEAD
from tests.service import STOP_TIMEOUT_S, Service, started, started_with_files

HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
BODY = json.dumps({"catalog": "cars", "text": "8 cylinders"}).encode()
CHUNKED = (
    b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
)
FILES = 1_024  # what systems allow a process
CROWD = 1_100


@pytest.fixture(scope="module", autouse=True)
def sockets_enough() -> Iterator[None]:
    """This process opens more than systems allow at first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, 2 * CROWD + 400)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A web process that waits a second for whatever its clients do."""
    folder = tmp_path_factory.mktemp("hasty")
    with started(folder, "web", HEADER_TIMEOUT_S="1", BODY_TIMEOUT_S="1") as service:
        yield service


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A web process with as few open files as are usual, and nothing to raise the limit to."""
    with started_with_files((FILES, FILES), tmp_path_factory.mktemp("crowded"), "web") as service:
        yield service


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A web process with 40 connections, 24 of which may be in use."""
    with started(tmp_path_factory.mktemp("small"), "web", MAX_CONNECTIONS="40") as service:
        yield service


@contextlib.contextmanager
def connected(service: Service, *data: bytes) -> Iterator[socket.socket]:
    """A connection, on which the data has been sent."""
    url = httpx.URL(service.url)
    with socket.create_connection((url.host, url.port or 80), timeout=20) as sock:
        for piece in data:
            sock.sendall(piece)
        yield sock


@contextlib.contextmanager
def many(service: Service, count: int, data: bytes = b"") -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connected(service, data)) for _ in range(count)]


def read_all(sock: socket.socket) -> bytes:
    """What comes until the other end closes the connection."""
    content = b""
    with contextlib.suppress(ConnectionError):
        while piece := sock.recv(65_536):
            content += piece
    return content


def read_answer(sock: socket.socket) -> tuple[int, bytes]:
    """The next answer on a connection: its status and body."""
    content = b""
    while b"\r\n\r\n" not in content:
        content += sock.recv(1)
    length = re.search(rb"content-length: (\d+)", content)
    body = b""
    while length and len(body) < int(length[1]):
        body += sock.recv(int(length[1]) - len(body))
    return int(content.split()[1]), body


def problem(answer: bytes) -> tuple[int, Any]:
    """The status, and the kind of problem, of an answer after which the connection is closed."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\nconnection: close\r\n" in head + b"\r\n"
    return int(head.split()[1]), json.loads(body)["type"].removeprefix("/problems/")


def ready(sock: socket.socket) -> bool:
    """Whether something has come, or the connection is closed."""
    poll = select.poll()  # `select` knows no file above 1,024
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def metric(service: Service, name: str) -> float:
    text = service.client.get("/metrics").text
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


def test_a_silent_connection_is_closed_without_a_word(hasty: Service) -> None:
    with connected(hasty) as sock:
        assert read_all(sock) == b""


@pytest.mark.parametrize(
    "start",
    [b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: aaa", b"\r\n", HEALTHZ[:-1]],
)
def test_half_a_head_is_refused_in_time(hasty: Service, start: bytes) -> None:
    with connected(hasty, start) as sock:
        assert problem(read_all(sock)) == (408, "request-timeout")


def drip(sock: socket.socket, data: bytes, pause_s: float = 0.05) -> bytes:
    """Send byte by byte until something is answered, or the connection is closed."""
    sock.settimeout(pause_s)
    began = time.monotonic()
    while time.monotonic() - began < 20:
        with contextlib.suppress(ConnectionError):
            sock.sendall(data)
        try:
            answer = sock.recv(65_536)
        except TimeoutError:
            continue
        except ConnectionError:
            return b""
        sock.settimeout(20)
        return answer + read_all(sock)
    raise AssertionError("neither answered nor closed")


@pytest.mark.parametrize(
    "start", [b"GET /", b"GET / HTTP/1.1\r\nX: ", HEALTHZ + b"GET / HTTP/1.1\r\nX: "], ids=["line", "header", "second"]
)
def test_a_head_that_drips_is_refused_in_time(hasty: Service, start: bytes) -> None:
    with connected(hasty, start) as sock:
        if start.startswith(HEALTHZ):
            assert read_answer(sock)[0] == 200
        assert problem(drip(sock, b"a")) == (408, "request-timeout")


def test_empty_lines_keep_no_connection_open(hasty: Service) -> None:
    with connected(hasty, HEALTHZ) as sock:
        assert read_answer(sock)[0] == 200
        assert problem(drip(sock, b"\r\n")) == (408, "request-timeout")


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"GET /", b"a" * 4_096),
        (b"GET / HTTP/1.1\r\nX: ", b"a" * 4_096),
        (b"GET / HTTP/1.1\r\nX", b"a" * 4_096),
        (b"GET / HTTP/1.1\r\n", b"a: b\r\n"),
        (CHUNKED + b"0\r\nX: ", b"a" * 4_096),
        (CHUNKED, b"0" * 4_096),
        (b"\r\n", b"\r\n" * 2_048),
    ],
    ids=["request line", "value", "name", "fields", "trailer", "size of a chunk", "empty lines"],
)
def test_what_has_no_end_is_refused(crowded: Service, start: bytes, more: bytes) -> None:
    deadline = time.monotonic() + 20
    with connected(crowded, start) as sock:
        while not ready(sock):
            assert time.monotonic() < deadline
            sock.sendall(more)
        assert problem(read_all(sock)) == (431, "headers-too-large")


def head(size: int, fields: int = 0) -> bytes:
    """A request of `/healthz` with so many more fields, and in all so many bytes of names, values and address."""
    more = b"".join(b"X-%d: a\r\n" % number for number in range(fields))
    start = HEALTHZ[:-2] + more + b"X-Long: "
    return start + b"a" * (size - len(start)) + b"\r\n\r\n"


def test_the_limit_of_headers_is_exact(crowded: Service) -> None:
    for request, status in [
        (head(MAX_HEAD - 4), 200),
        (head(MAX_HEAD + 500), 431),
        (head(1_000, MAX_FIELDS - 2), 200),
        (head(1_000, MAX_FIELDS - 1), 431),
    ]:
        with connected(crowded, request) as sock:
            assert read_answer(sock)[0] == status


def test_a_refused_request_is_told_why(crowded: Service) -> None:
    with connected(crowded, head(MAX_HEAD + 4_096)) as sock:
        assert problem(read_all(sock)) == (431, "headers-too-large")
    with connected(crowded, b"\x16\x03\x01 this is TLS\r\n\r\n") as sock:
        assert problem(read_all(sock)) == (400, "malformed-http")


def post(body: bytes, *, length: int | None = None, more: bytes = b"") -> bytes:
    size = len(body) if length is None else length
    start = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    return start % size + more + b"\r\n" + body


def test_a_large_body_that_comes_with_its_head_is_no_large_head(crowded: Service) -> None:
    padded = BODY + b" " * 500_000
    with connected(crowded, post(padded) + HEALTHZ) as sock:
        assert [read_answer(sock)[0] for _ in range(2)] == [202, 200]


def test_a_body_that_drips_is_refused_in_time(hasty: Service) -> None:
    with connected(hasty, post(b"{", length=1_000)) as sock:
        assert problem(drip(sock, b" ")) == (408, "request-timeout")


def test_a_body_that_does_not_come_is_refused_in_time(hasty: Service) -> None:
    with connected(hasty, post(b"", length=1_000)) as sock:
        assert problem(read_all(sock)) == (408, "request-timeout")


def test_a_slow_body_that_goes_on_is_read(hasty: Service) -> None:
    padded = BODY + b" " * 4_000
    with connected(hasty, post(b"", length=len(padded))) as sock:
        for start in range(0, len(padded), 200):
            sock.sendall(padded[start : start + 200])
            time.sleep(0.15)
        assert read_answer(sock)[0] == 202


def test_a_body_that_nobody_wants_is_not_waited_for(hasty: Service) -> None:
    stranger = post(b"{", length=1_000).replace(b"localhost", b"stranger.example")
    with connected(hasty, stranger) as sock:
        assert read_answer(sock)[0] == 401
        drip(sock, b" ")


def test_a_client_that_reads_nothing_is_let_go(hasty: Service) -> None:
    before = metric(hasty, 'nlp2filters_http_connections_closed_total{reason="stalled"}')
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.settimeout(20)
        url = httpx.URL(hasty.url)
        sock.connect((url.host, url.port))
        sock.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
        deadline = time.monotonic() + 20
        while metric(hasty, 'nlp2filters_http_connections_closed_total{reason="stalled"}') == before:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_requests_in_a_row_are_answered_in_order(hasty: Service) -> None:
    requests = [HEALTHZ, post(BODY), HEALTHZ, post(b"{"), HEALTHZ.replace(b"/healthz", b"/v1/nowhere")] * 10
    with connected(hasty, b"".join(requests)) as sock:
        assert [read_answer(sock)[0] for _ in requests] == [200, 202, 200, 400, 404] * 10


def test_nobody_queues_requests_without_end(crowded: Service) -> None:
    with connected(crowded, HEALTHZ * 1_000) as sock:
        assert read_all(sock).count(b"HTTP/1.1 ") <= 1


def test_a_connection_is_used_again_after_a_pause(hasty: Service) -> None:
    with connected(hasty) as sock, connected(hasty) as silent:
        for _ in range(2):
            sock.sendall(HEALTHZ)
            assert read_answer(sock)[0] == 200
            assert read_all(silent) == b""  # the time that a first request has is over


def test_a_body_may_be_announced(hasty: Service) -> None:
    with connected(hasty, post(b"", length=len(BODY), more=b"Expect: 100-continue\r\n")) as sock:
        assert read_answer(sock)[0] == 100
        sock.sendall(BODY)
        assert read_answer(sock)[0] == 202


def test_a_trailer_is_no_header(hasty: Service) -> None:
    body = b"%x\r\n%b\r\n0\r\nPrefer: return=minimal\r\n\r\n" % (len(BODY), BODY)
    with connected(hasty, CHUNKED + body) as sock:
        status, body = read_answer(sock)
        assert (status, json.loads(body)["status"]) == (202, "queued")


def test_streams_and_sockets_outlive_the_limits_of_requests(hasty: Service) -> None:
    job_id = hasty.submit("8 cylinders")
    socket_url = f"{hasty.url.replace('http', 'ws')}/v1/jobs/{job_id}/ws"
    with (
        hasty.client.stream("GET", f"/v1/jobs/{job_id}/events", timeout=30) as stream,
        follow(socket_url, proxy=None) as events,
    ):
        for _ in range(3):
            with connected(hasty) as silent:
                read_all(silent)
        hasty.client.post(f"/v1/jobs/{job_id}/cancel")
        assert [json.loads(event)["event"] for event in events] == ["snapshot", "done"]
        assert "event: done" in list(stream.iter_lines())


def test_a_handshake_that_cannot_be_read_is_not_waited_for(hasty: Service) -> None:
    upgrade = b"GET /v1/jobs/a/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    with connected(hasty, upgrade + b"X: " + b"a" * 20_000 + b"\r\n\r\n") as sock:
        read_all(sock)


@pytest.mark.parametrize("data", [b"", b"GET /healthz HTTP/1.1\r\n"], ids=["silent", "half-sent"])
def test_a_crowd_shuts_nobody_out(crowded: Service, data: bytes) -> None:
    with connected(crowded, HEALTHZ) as used, contextlib.ExitStack() as stack:
        assert read_answer(used)[0] == 200
        crowd = []
        for number in range(CROWD):
            crowd.append(stack.enter_context(connected(crowded, data)))
            if number % 50 == 0:
                assert httpx.get(f"{crowded.url}/healthz", trust_env=False, timeout=2).status_code == 200
        assert metric(crowded, "nlp2filters_http_connections ") <= FILES
        assert ready(crowd[0])
        assert not ready(crowd[-1])
        used.sendall(HEALTHZ)
        assert read_answer(used)[0] == 200


def test_a_crowd_that_asked_once_shuts_nobody_out(crowded: Service) -> None:
    with many(crowded, CROWD, HEALTHZ) as crowd:
        assert httpx.get(f"{crowded.url}/healthz", trust_env=False, timeout=5).status_code == 200
        assert read_answer(crowd[-1])[0] == 200


def test_files_for_a_crowd_take_no_open_files(crowded: Service) -> None:
    request = b"GET /static/page.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with many(crowded, 900) as crowd:
        for sock in crowd:
            sock.sendall(request)
        assert {read_answer(sock)[0] for sock in crowd} == {200}


def test_the_limit_of_open_files_is_raised(tmp_path: Path) -> None:
    with started_with_files((256, 2_048), tmp_path, "web") as service, many(service, 600) as crowd:
        assert service.client.get("/healthz", timeout=5).status_code == 200
        assert not any(map(ready, crowd))


def streams(service: Service, count: int) -> Sequence[bytes]:
    job_id = service.submit("8 cylinders")
    return [f"GET /v1/jobs/{job_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()] * count


def test_when_all_are_in_use_the_others_are_told(small: Service) -> None:
    with contextlib.ExitStack() as stack:
        statuses = []
        for request in streams(small, 40):
            sock = stack.enter_context(connected(small, request))
            answer = sock.recv(4_096)
            statuses.append(int(answer.split()[1]))
        assert statuses == [200] * 24 + [503] * 16
        assert b"\r\nretry-after: 5\r\n" in answer
        assert problem(answer + read_all(sock)) == (503, "too-many-connections")
        for path, status in (("/healthz", 200), ("/readyz", 200), ("/v1/jobs", 503)):
            assert httpx.get(f"{small.url}{path}", trust_env=False, timeout=5).status_code == status
        with pytest.raises((WebSocketException, OSError)):
            follow(f"{small.url.replace('http', 'ws')}/v1/jobs/a/ws", proxy=None)
    deadline = time.monotonic() + 20
    while httpx.get(f"{small.url}/v1/jobs", trust_env=False, timeout=5).status_code != 200:
        assert time.monotonic() < deadline


def test_it_stops_in_good_order_whoever_is_connected(tmp_path: Path) -> None:
    with started(tmp_path, "web") as service, contextlib.ExitStack() as stack:
        (stream,) = streams(service, 1)
        for data in (b"", b"GET /", HEALTHZ, HEALTHZ + b"GET /", stream, head(MAX_HEAD + 500)):
            stack.enter_context(connected(service, data))
        following = stack.enter_context(connected(service, stream))
        following.recv(4_096)
        service.processes["web"].terminate()
        assert service.processes["web"].wait(STOP_TIMEOUT_S) in (0, -15)
        assert read_all(following).endswith(b"0\r\n\r\n")


def test_a_client_that_goes_away_is_no_fault_of_ours(hasty: Service) -> None:
    with connected(hasty, post(b"{", length=1_000)) as sock:
        sock.sendall(b" ")
    deadline = time.monotonic() + 20
    while not (lines := [line for line in hasty.log_lines("web") if '"status":499' in line]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert json.loads(lines[0])["level"] == "info"
    log = "".join(hasty.log_lines("web"))
    assert "Traceback" not in log
    assert '"status":500' not in log
    assert metric(hasty, 'nlp2filters_http_requests_total{method="POST",route="/v1/jobs",status="500"}') == 0
