"""Printing what the processes of `nlp2filters up` log, and its own messages: as text for people, or as JSON lines."""

import datetime as dt
import os
import sys
from collections.abc import Mapping
from typing import Any

import orjson
from honcho.printer import Message

from nlp2filters.log_lines import PLAIN, TextLines, use_colours, use_text

SELF = "up"


class LogPrinter:
    """A printer for honcho's manager, which sets `width` to that of the longest name of a process.

    Processes log JSON, as they write to pipes. What is no JSON, such as a traceback of the interpreter, is a message.
    """

    def __init__(self, form: str, environ: Mapping[str, str]) -> None:
        terminal = os.isatty(sys.stdout.fileno())
        self._text = use_text(form, terminal=terminal)
        self._colours = use_colours(environ, terminal=terminal)
        self.width = len(SELF)

    def say(self, text: str) -> None:
        """Print a message of the command's own."""
        self.write(message(text))

    def write(self, message: Message) -> None:
        """Print a line of a process, or lines of honcho's own, which come without a colour."""
        data = message.data.decode("utf-8", "replace") if isinstance(message.data, bytes) else message.data
        process = message.name if message.colour else SELF
        for line in data.splitlines():
            event = {**(_event(line) or _plain(line, process, message.time)), "process": process}
            print(self._render(event, message.colour or PLAIN), flush=True)

    def _render(self, event: Mapping[str, Any], colour: str) -> str:
        if self._text:
            return TextLines(self._colours, self.width).render(event, colour)
        return orjson.dumps(event).decode()


def message(text: str) -> Message:
    """Return a message of the command's own."""
    return Message(type="line", data=text, time=dt.datetime.now(), name=SELF, colour=None)


def _event(line: str) -> dict[str, Any] | None:
    """Return the event of a line that our logs have written; None for others."""
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return event if isinstance(event, dict) and {"at", "message"} <= event.keys() else None


def _plain(line: str, process: str, time: dt.datetime) -> dict[str, Any]:
    """Return an event of a line whose level only we know, if it is our own."""
    at = time.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    level = {"level": "info"} if process == SELF else {}
    return {"message": line, **level, "at": at}
