"""Log lines for people: an event a line, with its traceback below, instead of JSON."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LEVELS = {"debug": "2", "info": "32", "warning": "33", "error": "1;31", "critical": "1;31"}
MAX_LEVEL = max(map(len, LEVELS))
DIM, RED = "2", "31"
# The process that `nlp2filters up` itself is, and one that runs by itself, have no colour of their own.
PLAIN = "1"
# These are for programs; `level` and the rest of the first row have places of their own in the line.
LEFT_OUT = {"at", "process", "level", "message", "exception", "stack"} | {
    *("logger", "request_id", "trace_id", "span_id", "worker"),
}
# Characters by which a user's text could do something to the terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_QUOTED = re.compile(r"[\s\"'=]")


def use_text(form: str, *, terminal: bool) -> bool:
    """Return True if `LOG_FORMAT` says so, or is `auto` and the lines go to a terminal."""
    return form == "text" or (form == "auto" and terminal)


def use_colours(environ: Mapping[str, str], *, terminal: bool) -> bool:
    """Return True on a terminal with colours, unless `NO_COLOR` or `FORCE_COLOR` says otherwise. https://no-color.org"""
    if environ.get("NO_COLOR"):
        return False
    return bool(environ.get("FORCE_COLOR")) or (terminal and environ.get("TERM") != "dumb")


@dataclass(frozen=True, slots=True)
class TextLines:
    """A renderer of events as they are in JSON lines: `at`, `level`, `message`, `process` and fields.

    The names of processes are padded to `width`.
    """

    colours: bool
    width: int = 0

    def render(self, event: Mapping[str, Any], colour: str = PLAIN) -> str:
        """Return the event's line, and below it its traceback, if any. `colour` is that of its process."""
        level = str(event.get("level", ""))
        words = [
            self._paint(DIM, _time(event.get("at"))),
            self._paint(colour, str(event.get("process", "")).ljust(self.width)),
            self._paint(LEVELS.get(level, ""), level.ljust(MAX_LEVEL)),
            _message(event),
            *(self._paint(DIM, f"{name}=") + text for name, text in _fields(event)),
        ]
        line = " ".join(filter(None, words)).rstrip()
        below = [text for name in ("exception", "stack") for text in str(event.get(name, "")).splitlines()]
        return "\n".join([line, *(self._paint(RED, f"    {_harmless(text)}") for text in below)])

    def _paint(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colours and colour and text else text


def _time(at: object) -> str:
    """Return the local time of an instant in ISO format."""
    try:
        return dt.datetime.fromisoformat(str(at)).astimezone().strftime("%H:%M:%S.%f")[:-3]
    except ValueError:
        return ""


def _message(event: Mapping[str, Any]) -> str:
    message = str(event.get("message", ""))
    if message == "request" and "method" in event:
        message = f"{event['method']} {event['path']} {event['status']}"
    return _harmless(message.replace("\n", "\\n"))


def _fields(event: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the fields that people look at, shortened: the job first, then in the order in which they were logged."""
    in_message = {"method", "path", "status"} if event.get("message") == "request" else set()
    fields = []
    for name, value in sorted(event.items(), key=lambda field: field[0] != "job_id"):
        if name in LEFT_OUT or name in in_message or value is None:
            continue
        if name == "job_id":
            fields.append(("job", _harmless(str(value).rpartition("_")[2][:8])))
        elif name == "duration_ms":
            fields.append(("duration", f"{value}ms"))
        else:
            text = str(value)
            fields.append((name, _harmless(repr(text) if not text or _QUOTED.search(text) else text)))
    return fields


def _harmless(text: str) -> str:
    """Return the text with control characters as escapes."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
