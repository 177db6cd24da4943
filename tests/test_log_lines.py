"""Log lines for people: one for an event, in colours on a terminal, and JSON everywhere else."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from nlp2filters.log_lines import TextLines, use_colours, use_text

AT = "2026-11-26T11:14:10.123456Z"
TIME = r"\d\d:\d\d:10\.123"  # in the time zone of this machine
COLOUR = re.compile(r"\x1b\[[\d;]+m")
LOGGED = """
import logging, os
from nlp2filters import logs
logs.configure("INFO", os.environ.get("LOG_FORMAT", "auto"), "llm")
log = logging.getLogger("test")
with logs.about(job_id="job_e873d39ffa1843bf8d61bef99b291a0a", stage="llm"):
    log.info("begun", extra={"attempt": 1})
try:
    1 / 0
except ZeroDivisionError:
    log.exception("it failed")
"""


def on_terminal(*command: str, **environment: str) -> str:
    """What a command prints on a terminal."""
    outer, inner = pty.openpty()
    names = ("NO_COLOR", "FORCE_COLOR", "LOG_FORMAT")
    environment = {name: value for name, value in os.environ.items() if name not in names} | environment
    with os.fdopen(inner, "wb") as terminal:
        process = subprocess.Popen(command, stdout=terminal, stderr=terminal, env={"TERM": "xterm", **environment})
    text = b""
    while True:
        try:
            chunk = os.read(outer, 65_536)
        except OSError:  # how a terminal ends on Linux
            break
        if not chunk:
            break
        text += chunk
    os.close(outer)
    assert process.wait(30) == 0, text.decode()
    return text.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ({"message": "ready", "level": "info", "process": "web"}, "web info     ready"),
        (
            {"message": "begun", "level": "info", "process": "llm", "job_id": "job_e873d39ffa1843", "attempt": 2},
            "llm info     begun job=e873d39f attempt=2",
        ),
        (
            {"message": "request", "method": "POST", "path": "/v1/jobs", "status": 202, "duration_ms": 3.1},
            "         POST /v1/jobs 202 duration=3.1ms",
        ),
        ({"message": "sent", "status": 500, "error": "answered 500"}, "         sent status=500 error='answered 500'"),
        ({"message": "two\nlines", "error": "a\nb"}, r"         two\nlines error='a\nb'"),
        ({"message": "no name", "error": None, "empty": ""}, "         no name empty=''"),
        (
            {"message": "for programs", "logger": "a", "trace_id": "b", "span_id": "c", "request_id": "d"},
            "         for programs",
        ),
    ],
)
def test_an_event_is_a_line(event: Mapping[str, Any], text: str) -> None:
    line = TextLines(colours=False).render({"at": AT, **event})
    time, _, rest = line.partition(" ")
    assert (re.fullmatch(TIME, time) is not None, rest) == (True, text)


def test_a_traceback_is_below_its_line() -> None:
    event = {"message": "it failed", "level": "error", "exception": "Traceback:\n  File x\nValueError: \x1b[2J"}
    assert TextLines(colours=False).render(event).splitlines()[1:] == [
        "    Traceback:", "      File x", r"    ValueError: \x1b[2J",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["message", "error", "job_id", "exception"])
def test_a_text_of_a_user_does_nothing_to_the_terminal(name: str) -> None:
    line = TextLines(colours=True).render({"at": AT, "message": "m", name: "\x1b]0;title\x07\x9b2J\r\u202e"})
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", COLOUR.sub("", line))


@pytest.mark.parametrize(
    ("form", "terminal", "text"),
    [("auto", True, True), ("auto", False, False), ("json", True, False), ("text", False, True)],
)
def test_the_form_of_lines(form: str, terminal: bool, text: bool) -> None:
    assert use_text(form, terminal=terminal) is text


@pytest.mark.parametrize(
    ("environ", "terminal", "colours"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colours(environ: Mapping[str, str], terminal: bool, colours: bool) -> None:
    assert use_colours(environ, terminal=terminal) is colours


def test_a_process_logs_text_on_a_terminal() -> None:
    begun, failed, *below = on_terminal(sys.executable, "-c", LOGGED).splitlines()
    assert COLOUR.search(begun)
    plain = COLOUR.sub("", begun)
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} llm info     begun job=e873d39f stage=llm attempt=1", plain), plain
    assert COLOUR.sub("", failed).endswith("llm error    it failed")
    assert COLOUR.sub("", below[-1]) == "    ZeroDivisionError: division by zero"


def test_text_without_colours() -> None:
    assert not COLOUR.search(on_terminal(sys.executable, "-c", LOGGED, NO_COLOR="1"))


@pytest.mark.parametrize("terminal", [True, False])
def test_json_is_for_programs(terminal: bool) -> None:
    command = (sys.executable, "-c", LOGGED)
    text = on_terminal(*command, LOG_FORMAT="json") if terminal else subprocess.check_output(command, text=True)
    begun, failed = [json.loads(line) for line in text.splitlines()]
    assert (begun["process"], begun["message"], begun["attempt"]) == ("llm", "begun", 1)
    assert "ZeroDivisionError" in failed["exception"]
