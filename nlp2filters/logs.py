"""Logging: one JSON object per line on stdout, with the job's id in every line written while working on a job.

On a terminal, the same lines are text for people.

Whoever logs only puts the line into a queue. A thread formats and writes the lines, so that a slow reader of stdout
never stops the event loop.
"""

import logging
import logging.config
import os
import queue
import threading
from contextlib import AbstractContextManager
from typing import Any

import orjson
import structlog

from nlp2filters import tracing
from nlp2filters.log_lines import TextLines, use_colours, use_text

# While stdout takes no lines, this many wait, and further ones are dropped.
MAX_WAITING = 10_000
# At the end of the process, waiting lines get this long to be written.
FLUSH_TIMEOUT_S = 2.0


def _add_context(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Add the names of `about`, as they were when the line was logged."""
    record: logging.LogRecord = event["_record"]
    return {**record.__dict__.pop("context"), **event}


_SHARED: list[structlog.typing.Processor] = [
    _add_context,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
]


STDOUT = 1  # the file descriptor


class WithoutQuery(logging.Filter):
    """A filter of uvicorn's lines that removes queries, as they may contain stream tokens, and drops debug lines.

    It also removes the copies of messages that have colours.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Pass all lines except those for debugging, which would show complete requests."""
        vars(record).pop("color_message", None)
        if isinstance(record.args, tuple):
            record.args = tuple(
                arg.partition("?")[0] if isinstance(arg, str) and arg.startswith("/") else arg for arg in record.args
            )
        return record.levelno > logging.DEBUG


class BackgroundHandler(logging.Handler):
    """A handler whose thread formats the lines and writes them to stdout.

    Closing it, which `logging.shutdown` does at the end of a process, waits a while until all have been written.
    """

    def __init__(self) -> None:
        super().__init__()
        self._records: queue.SimpleQueue[logging.LogRecord | None] = queue.SimpleQueue()
        self._dropped = 0
        self._thread = threading.Thread(target=self._write_all, name="logs", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Put a line into the queue, with its arguments and context as they are now."""
        if self._records.qsize() >= MAX_WAITING:
            self._dropped += 1
            return
        record.context = {**structlog.contextvars.get_contextvars(), **tracing.log_fields()}
        record.msg, record.args = record.getMessage(), None
        self._records.put(record)

    def close(self) -> None:
        """Write what is waiting, unless stdout takes no lines."""
        self._records.put(None)
        self._thread.join(FLUSH_TIMEOUT_S)
        super().close()

    def _write_all(self) -> None:
        while record := self._records.get():
            try:
                self._write(record)
                if dropped := self._dropped:
                    self._dropped -= dropped
                    self._write(_warning(f"{dropped} log lines were dropped: stdout took them too slowly"))
            except Exception:
                self.handleError(record)

    def _write(self, record: logging.LogRecord) -> None:
        line = memoryview(f"{self.format(record)}\n".encode())
        while line:
            # A lock of `sys.stdout` that this thread holds for ever would keep the process from ending.
            line = line[os.write(STDOUT, line) :]


def _warning(message: str) -> logging.LogRecord:
    level = logging.WARNING
    return logging.makeLogRecord(
        {"name": __name__, "levelno": level, "levelname": logging.getLevelName(level), "msg": message, "context": {}}
    )


def configure(level: str = "INFO", form: str = "json", process: str | None = None) -> None:
    """Send the lines of all loggers, including those of uvicorn and ARQ, through one formatter.

    `form` is that of `LOG_FORMAT`; each line names the `process`.
    """

    def name_process(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {"process": process, **event} if process else event

    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            _renderer(form),
        ],
        "foreign_pre_chain": [*_SHARED, name_process],
    }
    handler = {"()": BackgroundHandler, "formatter": "lines"}
    quiet = ("httpx", "httpcore", "fastembed", "huggingface_hub", "arq", "uvicorn.access")  # We log requests ourselves.
    passed_on = ("uvicorn", "uvicorn.error")
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"lines": formatter},
            "filters": {"without-query": {"()": WithoutQuery}},
            "handlers": {"stdout": handler},
            "root": {"handlers": ["stdout"], "level": level},
            "loggers": {
                **{
                    name: {"handlers": [], "propagate": True, "level": "NOTSET", "filters": ["without-query"]}
                    for name in passed_on
                },
                **{name: {"level": "WARNING"} for name in quiet},
            },
        }
    )


def _renderer(form: str) -> structlog.typing.Processor:
    terminal = os.isatty(STDOUT)
    if not use_text(form, terminal=terminal):
        return structlog.processors.JSONRenderer(serializer=_dumps)
    lines = TextLines(use_colours(os.environ, terminal=terminal))
    return lambda _, __, event: lines.render(event)


def about(**names: str) -> AbstractContextManager[None]:
    """Add `names`, such as `job_id`, to every line logged inside the context."""
    return structlog.contextvars.bound_contextvars(**names)


def _dumps(event: object, **options: object) -> str:
    return orjson.dumps(event, default=str).decode()
