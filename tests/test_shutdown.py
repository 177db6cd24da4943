"""What a client sees when the web process it talks to is told to stop."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.service import STOP_TIMEOUT_S, Service, started


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with started(tmp_path, "web", "embedding") as service:
        yield service


def test_streams_end_so_that_clients_reconnect_elsewhere(service: Service) -> None:
    job_id = service.submit("8 cylinders")  # no llm worker: it will not end
    lines: list[str] = []
    first = threading.Event()

    def follow() -> None:
        with httpx.stream("GET", f"{service.url}/v1/jobs/{job_id}/events", timeout=60, trust_env=False) as response:
            for line in response.iter_lines():
                lines.append(line)
                first.set()

    follower = threading.Thread(target=follow)
    follower.start()
    assert first.wait(20)
    service.processes["web"].send_signal(signal.SIGTERM)
    service.processes["web"].wait(STOP_TIMEOUT_S)
    follower.join(5)
    assert not follower.is_alive()  # ended in good order, not by a broken connection
    assert "event: done" not in lines
    cursor = next(line.removeprefix("id: ") for line in reversed(lines) if line.startswith("id: "))

    service.start("web", "llm")
    service.wait_until_answering()
    headers = {"Last-Event-ID": cursor}
    with httpx.stream("GET", f"{service.url}/v1/jobs/{job_id}/events", timeout=60, headers=headers) as response:
        assert "event: done" in list(response.iter_lines())
