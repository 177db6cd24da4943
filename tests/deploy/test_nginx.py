"""A real nginx with deploy/nginx.conf in front of the service."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from httpx_sse import connect_sse
from websockets.sync.client import connect

from tests.ports import free_port
from tests.service import ANSWERING, ROOT, Service, started

pytestmark = pytest.mark.skipif(not shutil.which("nginx"), reason="needs nginx")

TIMEOUT_S = 60
MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/nlp2filters.conf;
}}
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with started(tmp_path_factory.mktemp("service"), *ANSWERING) as service:
        yield service


@pytest.fixture(scope="module")
def url(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of nginx."""
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    ours = (ROOT / "deploy" / "nginx.conf").read_text()
    for change in (("127.0.0.1:8000", service.url.removeprefix("http://")), ("listen 80", f"listen 127.0.0.1:{port}")):
        assert change[0] in ours
        ours = ours.replace(*change)
    (folder / "nlp2filters.conf").write_text(ours)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    nginx = subprocess.Popen(command)
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        nginx.terminate()
        nginx.wait()


def _wait_until_ready(url: str) -> None:
    while True:
        try:
            httpx.get(f"{url}/healthz", trust_env=False).raise_for_status()
        except httpx.ConnectError:
            time.sleep(0.02)
        else:
            return


def submitted(url: str) -> dict[str, Any]:
    request = {"catalog": "cars", "text": "8 cylinders"}
    answer = httpx.post(f"{url}/v1/jobs", json=request, timeout=TIMEOUT_S, trust_env=False)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


def test_events_come_through_one_by_one(service: Service, url: str) -> None:
    """Nothing holds events back until the stream ends: the first one is there before the job can be done."""
    service.processes["embedding"].terminate()
    service.processes["embedding"].wait()
    job = submitted(url)
    with (
        httpx.Client(trust_env=False, timeout=TIMEOUT_S) as client,
        connect_sse(client, "GET", f"{url}/v1/jobs/{job['id']}/events") as stream,
    ):
        events = stream.iter_sse()
        assert next(events).event == "snapshot"
        service.start("embedding")
        assert [event.event for event in events][-1] == "done"


def test_web_sockets(url: str) -> None:
    job = submitted(url)
    with connect(f"{url.replace('http', 'ws', 1)}/v1/jobs/{job['id']}/ws", proxy=None) as socket:
        assert '"done"' in list(socket)[-1]


def test_a_table_of_many_megabytes(url: str) -> None:
    table = b"name,size\n" + b"".join(b"item %d,%d\n" % (n % 50, n % 97) for n in range(900_000))
    assert len(table) > 8 * 1024 * 1024
    answer = httpx.post(
        f"{url}/v1/catalogs/infer",
        content=table,
        headers={"Content-Type": "text/csv", "Prefer": "respond-async"},
        timeout=TIMEOUT_S,
        trust_env=False,
    )
    assert answer.status_code == 202, answer.text
    httpx.post(url + answer.json()["urls"]["cancel"], trust_env=False).raise_for_status()  # nobody needs its catalog
