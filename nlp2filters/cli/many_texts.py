"""Many texts, a line each: one JSON result per line, in their order."""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from nlp2filters.cli import output
from nlp2filters.errors import NLP2FiltersError, SourceError

if TYPE_CHECKING:
    from nlp2filters.client import Client

# A service works on this many at once.
MAX_UNFINISHED = 20

# A text, and its result or the error that it ended with.
Outcome: TypeAlias = tuple[str, Any]


def lines(paths: Sequence[Path]) -> Iterator[str]:
    """Yield the lines of files that are not blank.

    Raises:
        SourceError: a file does not exist, may not be read, or is not UTF-8.
    """
    for path in paths:
        try:
            with path.open(encoding="utf-8") as file:
                yield from filter(None, map(str.strip, file))
        except (OSError, UnicodeDecodeError) as exc:
            raise SourceError(f"{path}: {getattr(exc, 'strerror', None) or 'It is not UTF-8'}.") from exc


def here(texts: Iterable[str], options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read the texts in this process, with models that are loaded once."""
    from nlp2filters.cli import offline  # It loads the parser, which is not needed with a service.
    from nlp2filters.settings import Settings

    logging.getLogger("nlp2filters").addHandler(logging.NullHandler())  # Errors are in the results.
    with asyncio.Runner() as runner:
        opening = offline.open_reader(Settings.read(os.environ))
        reader = runner.run(opening.__aenter__())
        try:
            for text in texts:
                try:
                    yield text, runner.run(reader.ask({"text": text, **options}))
                except NLP2FiltersError as exc:
                    yield text, exc
        finally:
            runner.run(opening.__aexit__(None, None, None))


def by_service(client: "Client", texts: Iterable[str], options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Let the service read the texts, some at once."""
    jobs: deque[tuple[str, Any]] = deque()
    for text in texts:
        try:
            jobs.append((text, client.jobs.submit(text, **options)))
        except NLP2FiltersError as exc:
            jobs.append((text, exc))
        if len(jobs) == MAX_UNFINISHED:
            yield _outcome(client, *jobs.popleft())
    while jobs:
        yield _outcome(client, *jobs.popleft())


def _outcome(client: "Client", text: str, job: Any) -> Outcome:
    if isinstance(job, NLP2FiltersError):
        return text, job
    try:
        return text, client.jobs.wait(job)
    except NLP2FiltersError as exc:
        return text, exc


def print_results(outcomes: Iterable[Outcome]) -> int:
    """Print a line of JSON for each text, with its result or error. Returns the exit code: 1 after an error."""
    code = 0
    for text, outcome in outcomes:
        if isinstance(outcome, NLP2FiltersError):
            code, answer = 1, {"error": str(outcome)}
        else:
            answer = {"result": output.plain(outcome)}
        print(orjson.dumps({"text": text, **answer}).decode(), flush=True)
    return code
