"""The output of commands, for people and for programs."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nlp2filters.core.schemas import Condition, Job, Result

# A table that goes to a file or another program is this wide.
PAGE_WIDTH = 160


def out() -> Console:
    """Return the console for answers: in colours on a terminal, otherwise plain."""
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else PAGE_WIDTH)


def err() -> Console:
    """Return the console for progress."""
    return Console(stderr=True, highlight=False, markup=False)


def as_json(data: Any) -> None:
    """Print JSON for programs."""
    print(orjson.dumps(plain(data), option=orjson.OPT_INDENT_2).decode())


def plain(data: Any) -> Any:
    """Return a model as JSON data."""
    return data.model_dump(mode="json") if isinstance(data, BaseModel) else data


def table(columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
    """Print a table without lines. Cells are plain text, never markup."""
    made = Table(*columns, box=None, pad_edge=False, header_style="bold", collapse_padding=True)
    for column in made.columns:
        column.overflow = "fold"
    for row in rows:
        made.add_row(*(Text(cell or "") for cell in row))
    out().print(made)


def result(found: Result) -> None:
    """Print the interpretation of a text, with the words that each part came from, and the compiled queries."""
    console = out()
    console.print(found.explanation, style="bold", soft_wrap=True)
    if found.refines:
        console.print(found.refines.difference.summary, soft_wrap=True)
    if found.degraded:
        console.print(f"The LLM failed ({found.degraded_reason}); the built-in parser answered.", style="red")
    grid = Table.grid(padding=(0, 2))
    for _ in range(4):
        grid.add_column(overflow="fold")
    for label, cells in _rows(found):
        grid.add_row(Text(label, style="bold"), *(Text(cell) for cell in cells))
    if grid.row_count:
        console.print()
        console.print(grid)
    for name, compiled in found.dialects.items():
        console.print(f"\n{name}", style="bold")
        console.print(_query(compiled), soft_wrap=True)


def any_result(found: Any) -> None:
    """Print the result of a job of any kind: as JSON, if there is no better form for it."""
    _PRINTERS.get(type(found), as_json)(found)


_PRINTERS: Mapping[type, Callable[[Any], None]] = {Result: result}


def _rows(found: Result) -> Iterable[tuple[str, Sequence[str]]]:
    for number, condition in enumerate(found.conditions):
        about = f"“{condition.quote}”" if condition.quote else ""
        yield "" if number else "Filter", (_test(condition), about, f"{round(100 * condition.confidence)} %")
    for sort in found.sort:
        yield "Sort", (f"{sort.field}, {'lowest' if sort.direction == 'asc' else 'highest'} first",)
    if found.limit is not None:
        yield "Limit", (str(found.limit),)
    if found.text:
        yield "Words", (f"“{found.text}”",)
    for part in found.ignored:
        yield "Ignored", (f"“{part.quote}”", part.reason)
    if found.clarification:
        yield "Question", (found.clarification.question,)
        for choice in found.clarification.choices:
            yield "", (f"- {choice}",)


def _test(condition: Condition) -> str:
    if condition.value is None:
        return f"{condition.field} {condition.op}"
    return f"{condition.field} {condition.op} {_value(condition.value)}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    if isinstance(value, dict) and len(value) == 1:  # Dates, times and timestamps are wrapped in an object.
        return str(next(iter(value.values())))
    return "yes" if value is True else "no" if value is False else str(value)


def _query(compiled: dict[str, Any]) -> str:
    if "error" in compiled:
        return str(compiled["error"]["detail"])
    if "statement" in compiled:
        params = [f":{name} = {orjson.dumps(value).decode()}" for name, value in compiled["params"].items()]
        return "\n".join([compiled["statement"], *params])
    return orjson.dumps(compiled, option=orjson.OPT_INDENT_2).decode()


def job(found: Job) -> None:
    """Print a job: its status and stage, its times, and its error if any."""
    rows = [
        ("id", found.id),
        ("status", state(found)),
        ("catalog", found.catalog or "(inline)"),
        ("created", moment(found.created_at)),
        ("finished", moment(found.finished_at)),
        ("error", found.error.detail if found.error else None),
        ("retry of", found.retry_of),
        ("refines", found.refines),
        ("batch", f"{found.batch_id}, {found.custom_id}" if found.batch_id else None),
        *((name, value) for name, value in found.metadata.items()),
    ]
    grid = Table.grid(padding=(0, 2))
    for name, value in rows:
        if value:
            grid.add_row(Text(name, style="bold"), Text(value))
    out().print(grid)


def state(found: Job) -> str:
    """Return the status, and for an unfinished job the stage."""
    return f"{found.status}, {found.stage}" if found.status in ("queued", "running", "canceling") else found.status


def moment(at: Any) -> str:
    """Format a time in the local time zone."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else ""
