"""Logging: one JSON object per line on stdout, with the job's id in every line written while working on a job."""

import logging
import logging.config
from contextlib import AbstractContextManager

import orjson
import structlog

_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
]


class WithoutQuery(logging.Filter):
    """A filter of uvicorn's lines that removes queries, as they may contain stream tokens, and drops debug lines."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Pass all lines except those for debugging, which would show complete requests."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                arg.partition("?")[0] if isinstance(arg, str) and arg.startswith("/") else arg for arg in record.args
            )
        return record.levelno > logging.DEBUG


def configure(level: str = "INFO") -> None:
    """Send the lines of all loggers, including those of uvicorn and ARQ, through one JSON formatter."""
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        "foreign_pre_chain": _SHARED,
    }
    handler = {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}
    quiet = ("httpx", "httpcore", "fastembed", "huggingface_hub", "arq", "uvicorn.access")  # We log requests ourselves.
    passed_on = ("uvicorn", "uvicorn.error")
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": formatter},
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


def about(**names: str) -> AbstractContextManager[None]:
    """Add `names`, such as `job_id`, to every line logged inside the context."""
    return structlog.contextvars.bound_contextvars(**names)


def _dumps(event: object, **options: object) -> str:
    return orjson.dumps(event, default=str).decode()
