"""The whole service as real processes: the Procfile's commands on free ports, with a Redis of their own."""

import os
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from nlp2filters.core.kinds import AUDIO
from nlp2filters.storage.embedded_server import running
from tests.ports import free_port

ROOT = Path(__file__).parent.parent
START_TIMEOUT_S = 240
STOP_TIMEOUT_S = 25
ANSWERING = ("web", "embedding", "llm")  # the processes that a question passes; no webhook tells of its end


def commands(root: Path = ROOT, *, audio: bool = False) -> dict[str, str]:
    """The processes of a checkout's Procfile; that of recordings, which needs much memory, only on request."""
    lines = (root / "Procfile").read_text().splitlines()
    processes = {name: command for name, _, command in (line.partition(": ") for line in lines if line)}
    return {name: command for name, command in processes.items() if audio or name != AUDIO}


class Service:
    """Processes by their Procfile names; their logs are in `logs`, a file each."""

    def __init__(
        self, logs: Path, *, port: int, environment: Mapping[str, str], files: tuple[int, int] | None = None
    ) -> None:
        self.url = f"http://127.0.0.1:{port}"
        # One for all requests, since reading certificates would cost each 20 ms of CPU. It leaves no connection open.
        alone = httpx.Limits(max_keepalive_connections=0)
        self.client = httpx.Client(base_url=self.url, timeout=30, limits=alone, trust_env=False, verify=False)
        self.logs = logs
        self.files = files
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        # The LLM is asked, and asked again, unless a test is about sparing calls.
        calling = {"LLM_SKIP_CERTAIN": "false", "LLM_CACHE_S": "0"}
        self.environment = {**os.environ, **calling, "PATH": path, "PORT": str(port), **environment}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """Start the named processes, or all."""
        for name, command in commands(audio=AUDIO in names).items():
            if names and name not in names:
                continue
            self.start_command(name, command)

    def start_command(self, name: str, command: str) -> None:
        """Start a process, which may be none of the Procfile's."""
        words = shlex.split(command)
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                words,
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=self._limit_files if self.files else None,
            )

    def _limit_files(self) -> None:
        assert self.files
        resource.setrlimit(resource.RLIMIT_NOFILE, self.files)

    def wait_until_ready(self) -> None:
        """Until jobs are accepted and every queue has a worker."""
        self._wait("/readyz?workers=true")

    def wait_until_answering(self) -> None:
        """Until jobs are accepted."""
        self._wait("/readyz")

    def _wait(self, path: str) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"{name} ended at once:\n{(self.logs / f'{name}.log').read_text()}")
            with suppress(httpx.TransportError):
                if self.client.get(path).status_code == 200:
                    return
            time.sleep(0.05)
        raise TimeoutError(f"not ready after {START_TIMEOUT_S} s; logs in {self.logs}")

    def stop(self) -> dict[str, int]:
        """Stop everything with SIGTERM; returns the exit codes."""
        for process in self.processes.values():
            process.terminate()
        try:
            return {name: process.wait(STOP_TIMEOUT_S) for name, process in self.processes.items()}
        finally:
            for process in self.processes.values():
                process.kill()

    def log_lines(self, name: str) -> list[str]:
        """What a process has logged."""
        return (self.logs / f"{name}.log").read_text().splitlines()

    def submit(self, text: str, catalog: str | dict[str, Any] = "cars", **options: Any) -> str:
        """Submit a text; returns the job's id."""
        body = {"catalog": catalog, "text": text, **options}
        response = self.client.post("/v1/jobs", json=body)
        assert response.status_code == 202, response.text
        job_id: str = response.json()["id"]
        return job_id

    def ended(self, job_id: str) -> dict[str, Any]:
        """Follow the job to its end; returns the job."""
        with self.client.stream("GET", f"/v1/jobs/{job_id}/events") as response:
            for _ in response.iter_lines():
                pass
        job: dict[str, Any] = self.client.get(f"/v1/jobs/{job_id}").json()
        return job

    def result(self, job_id: str) -> dict[str, Any]:
        """Follow the job to its end; returns its result."""
        self.ended(job_id)
        response = self.client.get(f"/v1/jobs/{job_id}/result")
        assert response.status_code == 200, response.text
        result: dict[str, Any] = response.json()
        return result


@contextmanager
def started(folder: Path, *names: str, **environment: str) -> Iterator[Service]:
    """The named processes, or all, with a Redis of their own; they accept jobs, and all work on them, while inside."""
    with started_with_files(None, folder, *names, **environment) as service:
        yield service


@contextmanager
def started_with_files(
    files: tuple[int, int] | None, folder: Path, /, *names: str, **environment: str
) -> Iterator[Service]:
    """The same; `files` are the soft and the hard limit of open files for each process."""
    with running(folder / "redis", free_port()) as server:
        service = Service(folder, port=free_port(), environment={"REDIS_URL": server.url, **environment}, files=files)
        service.start(*names)
        try:
            service.wait_until_answering() if names else service.wait_until_ready()
            yield service
        finally:
            service.stop()
