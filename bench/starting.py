"""The start of each process: CPU time to load its code and to be ready, and memory, idle and after 100 jobs.

CPU seconds and memory are those of a process with its children. Memory is the resident set (RSS), by which hosts
count. The code is compiled beforehand, as an installation does. STARTING_PEER names another checkout to be measured in
turn with this one.
"""

import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.machine import redis_server
from bench.report import Report, Table
from bench.text import number
from tests.ports import free_port

ROUNDS = 5
SERVICES = 3
JOBS = 100
READY_TIMEOUT_S = 120
STEP_S = 0.02
HERE = Path(__file__).parent.parent
PROCESSES = {
    "web": ("web",),
    "embedding worker": ("worker", "embedding"),
    "llm worker": ("worker", "llm"),
    "delivery worker": ("worker", "delivery"),
}
# An import ends without Python's shutdown, which takes 0.1 s and more: servers are ended in other ways.
RUNS = {
    "import nlp2filters.app": ("-c", "import os, nlp2filters.app; os._exit(0)"),
    "import worker_settings": ("-c", "import os, worker_settings; os._exit(0)"),
    "nlp2filters --help": ("-m", "nlp2filters", "--help"),
    "nlp2filters ask": ("-m", "nlp2filters", "ask", "--catalog", "cars", "japanese cars under 2,500 lbs"),
}
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


async def main() -> Report:
    """Measure the commands, then the processes; return the tables, and the figures of this checkout."""
    checkouts = {"this": HERE}
    if peer := os.environ.get("STARTING_PEER"):
        checkouts["peer"] = Path(peer)
    for path in checkouts.values():
        compile_ = [sys.executable, "-m", "compileall", "-q", "nlp2filters", "worker_settings.py"]
        await asyncio.to_thread(subprocess.run, compile_, cwd=path, check=True)
    commands = {
        command: _medians([[[_cpu_of(words, path)] for path in checkouts.values()] for _ in range(ROUNDS)])
        for command, words in RUNS.items()
    }
    rounds = [[await asyncio.to_thread(_start, path) for path in checkouts.values()] for _ in range(SERVICES)]
    processes = {
        process: _medians([[figures[process] for figures in of_round] for of_round in rounds]) for process in PROCESSES
    }
    columns = ("CPU s", "ready s", "MB", f"MB after {JOBS} jobs")
    tables = {
        "starting-commands": _table("command", checkouts, ("CPU s",), commands),
        "starting": _table("process", checkouts, columns, processes),
    }
    _, ready, _, memory = range(len(columns))
    figures = {
        "import_cpu_s": commands["import nlp2filters.app"][0],
        "web_ready_s": processes["web"][ready],
        "worker_ready_s": max(processes[name][ready] for name in PROCESSES if name != "web"),
        "web_mb": processes["web"][memory],
        "llm_mb": processes["llm worker"][memory],
        "delivery_mb": processes["delivery worker"][memory],
    }
    return Report(tables, figures, rounds=SERVICES)


def _table(
    subject: str, checkouts: Iterable[str], columns: Sequence[str], rows: Mapping[str, Sequence[float]]
) -> Table:
    header = [f"{name}: {column}" for name in checkouts for column in columns]
    if len(header) == len(columns):  # Nothing is compared.
        header = list(columns)
    return Table((subject, *header), [(name, *map(number, row)) for name, row in rows.items()])


def _medians(rounds: Sequence[Sequence[Sequence[float]]]) -> list[float]:
    """Return the median of each figure of each checkout, over the rounds."""
    return [
        statistics.median(values)
        for at in range(len(rounds[0]))
        for values in zip(*(of_round[at] for of_round in rounds), strict=True)
    ]


def _environment(checkout: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(checkout), **more}


def _cpu_of(words: Sequence[str], checkout: Path) -> float:
    """CPU seconds of a run of Python."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *words], cwd=checkout, env=_environment(checkout), check=True, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _start(checkout: Path) -> dict[str, list[float]]:
    """Start one process after the other, each when the one before is ready, and give all of them jobs."""
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, redis_server() as url:
        environment = _environment(checkout, REDIS_URL=url, PORT=str(free_port()), LLM_MODEL="")
        base = f"http://127.0.0.1:{environment['PORT']}"
        running: dict[str, subprocess.Popen[bytes]] = {}
        with _stopping(running):
            for name, words in PROCESSES.items():
                log = Path(folder) / name
                with log.open("wb") as file:
                    began = time.perf_counter()
                    running[name] = subprocess.Popen(
                        [sys.executable, "-m", "nlp2filters", *words], cwd=checkout, env=environment, stdout=file
                    )
                _wait(lambda name=name, log=log: _is_up(base) if name == "web" else b'"ready"' in log.read_bytes())
                ready_s = time.perf_counter() - began
                family = _family(running[name].pid)
                figures[name] = [sum(map(_cpu_s, family)), ready_s, _memory_mb(family)]
            _run_jobs(base)
            for name, process in running.items():
                figures[name].append(_memory_mb(_family(process.pid)))
    return figures


@contextmanager
def _stopping(processes: Mapping[str, subprocess.Popen[bytes]]) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait()


def _wait(is_ready: object) -> None:
    assert callable(is_ready)
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not is_ready():
        assert time.monotonic() < deadline, "a process did not become ready"
        time.sleep(STEP_S)


def _is_up(base: str) -> bool:
    try:
        return httpx.get(f"{base}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _run_jobs(base: str) -> None:
    with httpx.Client(base_url=base, trust_env=False, timeout=60) as client:
        for number in range(JOBS):
            body = {"catalog": "cars", "text": f"japanese cars with over {number} hp"}
            client.post("/v1/jobs", json=body, headers={"Prefer": "wait=30"}).raise_for_status()


def _family(pid: int) -> list[int]:
    """The process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(descendant for child in children for descendant in _family(int(child)))]


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def _memory_mb(pids: Sequence[int]) -> float:
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Rss:")) / 1024
