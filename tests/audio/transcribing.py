"""Sending recordings to a service, and following what becomes of them."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import connect_sse

from tests.service import Service

PATH = "/v1/transcriptions"


def wait_for_audio(service: Service) -> None:
    deadline = time.monotonic() + 240
    while not service.client.get("/readyz").json()["workers"]["audio"]:
        assert time.monotonic() < deadline, "no audio worker came up"
        time.sleep(0.1)


def submit(client: httpx.Client, content: bytes, **fields: str) -> dict[str, Any]:
    response = client.post(PATH, files={"file": ("recording.wav", content)}, data=fields)
    assert response.status_code == 202, response.text
    job: dict[str, Any] = response.json()
    return job


def follow(
    client: httpx.Client, job: dict[str, Any], on_transcript: Callable[[dict[str, Any]], None] = lambda part: None
) -> list[tuple[str, dict[str, Any]]]:
    """The events of the job: name and data. A stream ends after 15 minutes, and is taken up again."""
    events: list[tuple[str, dict[str, Any]]] = []
    cursor: dict[str, str] = {}
    while not events or events[-1][0] != "done":
        with connect_sse(client, "GET", job["urls"]["events"], headers=cursor, timeout=240) as source:
            for event in source.iter_sse():
                if event.data:
                    cursor = {"Last-Event-ID": event.id}
                    events.append((event.event, json.loads(event.data)))
                    if event.event == "transcript":
                        on_transcript(events[-1][1])
    return events


def result(client: httpx.Client, job: dict[str, Any]) -> Any:
    _, data = follow(client, job)[-1]
    assert data["job"]["status"] == "succeeded", data["job"]["error"]
    return data["result"]


def spoken(text: str, folder: Path, *, voice: str = "en-us") -> bytes:
    if not (espeak := shutil.which("espeak-ng")):
        pytest.skip("there is no espeak-ng here")
    file = folder / "spoken.wav"
    subprocess.run([espeak, "-v", voice, "-s", "140", "-w", str(file), text], check=True)
    return file.read_bytes()
