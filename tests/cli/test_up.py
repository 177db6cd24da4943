"""`nlp2filters up`: everything from one command, and nothing left behind."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.ports import free_port

READY = re.compile(r"NLP2Filters is ready at (http://\S+)")
STOP_TIMEOUT_S = 30
COLOUR = re.compile(r"\x1b\[([\d;]+)m")


PROCESSES = ("web", "embedding", "llm", "delivery")


class Up:
    """A run of the command, with its data in a folder of the test's own, which prints to a `terminal` or a pipe."""

    def __init__(self, data: Path, *, terminal: bool = False, **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "PORT")}
        home = {"XDG_DATA_HOME": str(data), "PORT": str(free_port()), "COLUMNS": "200", "TERM": "xterm"}
        outer, inner = pty.openpty() if terminal else os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nlp2filters", "up"],
            env={**kept, **home, **environment},
            stdout=inner,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        os.close(inner)
        self._output = self._read(outer)
        self.lines: list[str] = []
        self.mark = f"XDG_DATA_HOME={data}".encode()

    def ready(self) -> str:
        """The address, once it has been printed."""
        for line in self._output:
            if found := READY.search(line):
                return found[1]
        lines = "\n".join(self.lines)
        raise AssertionError(f"it ended with {self.process.wait()}:\n{lines}")

    def stop(self, signal_: signal.Signals = signal.SIGINT) -> int:
        """Stop it, as Ctrl-C does; returns the exit code."""
        self.process.send_signal(signal_)
        return self.end()

    def end(self) -> int:
        """Wait until it has ended; returns the exit code."""
        for _ in self._output:
            pass
        return self.process.wait(STOP_TIMEOUT_S)

    def _read(self, descriptor: int) -> Iterator[str]:
        """What it prints, also into `lines`."""
        with os.fdopen(descriptor, "rb") as output, suppress(OSError):  # so a terminal ends
            for line in output:
                self.lines.append(line.decode().rstrip())
                yield self.lines[-1]

    def alive(self, command: str = "") -> list[int]:
        """Processes of this run that live, by a part of their command: those that have its data folder."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                of_this_run = self.mark in (folder / "environ").read_bytes().split(b"\0")
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if of_this_run and line and command in line:
                found.append(int(folder.name))
        return found


@pytest.fixture
def data(tmp_path: Path, model_folder: Path) -> Iterator[Path]:
    yield tmp_path


def test_jobs_outlive_a_restart_of_everything(data: Path) -> None:
    first = Up(data)
    url = first.ready()
    job = httpx.post(f"{url}/v1/jobs", json={"catalog": "cars", "text": "8 cylinders"}).json()
    with httpx.stream("GET", url + job["urls"]["events"], timeout=20) as stream:
        assert "event: done" in list(stream.iter_lines())
    result = httpx.get(url + job["urls"]["result"]).json()
    assert first.stop() == 0
    assert first.alive() == []
    assert not any("Traceback" in line for line in first.lines)
    events = [json.loads(line) for line in first.lines]
    assert {event["process"] for event in events} == {"up", *PROCESSES}

    second = Up(data, terminal=True)
    url = second.ready()
    assert httpx.get(url + job["urls"]["result"]).json() == result
    assert second.stop(signal.SIGTERM) == 0
    assert second.alive() == []
    plain = [COLOUR.sub("", line) for line in second.lines]
    lines = [re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} (\w+) +(\w+) +(\S.*)", line) for line in plain]
    assert None not in lines, plain
    assert any(line and line[3].startswith(f"GET {job['urls']['result']} 200 job=") for line in lines)
    colours = {line[1]: COLOUR.findall(text)[2] for line, text in zip(lines, second.lines, strict=True) if line}
    assert len({colours[name] for name in PROCESSES}) == len(PROCESSES)


def test_jobs_that_redis_6_2_kept_are_still_there(data: Path) -> None:
    shutil.copytree(
        Path(__file__).parent.parent / "storage" / "data" / "redis-6.2" / "rewritten", data / "nlp2filters" / "redis"
    )
    up = Up(data)
    url = up.ready()
    result = httpx.get(f"{url}/v1/jobs/job_e873d39ffa1843bf8d61bef99b291a0a/result").json()
    assert result["conditions"][0]["quote"] == "european"
    assert up.stop() == 0


def test_data_that_the_server_cannot_read_are_told(data: Path) -> None:
    folder = data / "nlp2filters" / "redis"
    folder.mkdir(parents=True)
    (folder / "appendonly.aof").write_bytes(b"REDIS0012\xfa\x09redis-ver\x058.0.1\xff")
    up = Up(data)
    assert up.end() == 1
    rest = "\n".join(up.lines)
    assert "written by Redis 8.0.1" in rest
    assert "Traceback" not in rest
    assert [file.name for file in folder.iterdir()] == ["appendonly.aof"]


def test_a_taken_port_is_left_to_its_owner(data: Path) -> None:
    one = Up(data / "one", PORT="")
    first = one.ready()
    other = Up(data / "other", PORT="")
    try:
        assert first != other.ready()
    finally:
        assert (one.stop(), other.stop()) == (0, 0)


def test_a_process_that_dies_ends_everything(data: Path) -> None:
    up = Up(data)
    up.ready()
    (worker,) = up.alive("worker llm")
    os.kill(worker, signal.SIGKILL)
    assert up.end() != 0, up.lines
    assert up.alive() == []


def test_a_model_that_is_not_there_is_told(data: Path) -> None:
    up = Up(data, MODEL_PATH=str(data / "nothing"))
    assert up.end() == 1
    rest = "\n".join(up.lines)
    assert "nothing" in rest
    assert "Traceback" not in rest
