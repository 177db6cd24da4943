"""Every import keeps to the tables under "Rooms" in docs/architecture.md."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "nlp2filters"
ROOMS_SECTION = (ROOT / "docs" / "architecture.md").read_text("utf-8").split("\n## Rooms\n")[1]
MODULES = [
    path
    for path in (*sorted((ROOT / PACKAGE).rglob("*.py")), ROOT / "worker_settings.py")
    if path != ROOT / PACKAGE / "__init__.py"
]


def table(first_column: str) -> list[list[str]]:
    """The rows below the header that begins with this column."""
    lines = ROOMS_SECTION.split(f"| {first_column} |")[1].splitlines()[2:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def room(path: str) -> str:
    """`core` for `core/` and `core/jobs.py`, `errors` for `errors.py`."""
    return path.partition("/")[0].removesuffix(".py")


ALLOWED = {room(names(first)[0]): set(names(last)) for first, _, last in table("room")}
ONLY_IN = {library: names(places) for libraries, places in table("library") for library in names(libraries)}


def place(path: Path) -> str:
    """Where a module is, as the tables name it."""
    below = ROOT / PACKAGE if path.is_relative_to(ROOT / PACKAGE) else ROOT
    return path.relative_to(below).as_posix()


def imports(source: str) -> Iterator[str]:
    """The dotted names of what a module imports, at its top or anywhere within."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def wrong(where: str, source: str, allowed: Mapping[str, set[str]], only_in: Mapping[str, list[str]]) -> list[str]:
    """The imports of a module that the tables do not allow."""
    wrong = []
    for name in imports(source):
        library, _, rest = name.partition(".")
        target = library if library in allowed else room(rest.replace(".", "/"))
        if library == PACKAGE or library in allowed:
            permitted = target in {room(where), "__version__"} or target in allowed[room(where)]
        else:
            permitted = library not in only_in or any(where.startswith(place) for place in only_in[library])
        if not permitted:
            wrong.append(name)
    return wrong


def test_the_table_names_the_rooms_that_there_are() -> None:
    assert set(ALLOWED) == {room(place(path)) for path in MODULES}


def test_a_room_imports_from_earlier_rows_only() -> None:
    order = list(ALLOWED)
    assert [
        (name, other) for name, others in ALLOWED.items() for other in others if other not in order[: order.index(name)]
    ] == []


def test_every_library_is_used_where_the_table_has_it() -> None:
    used = {(place(path), name.partition(".")[0]) for path in MODULES for name in imports(path.read_text("utf-8"))}
    assert [
        (library, where)
        for library, places in ONLY_IN.items()
        for where in places
        if not any(module.startswith(where) and name == library for module, name in used)
    ] == []


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_a_module_imports_what_its_room_may(path: Path) -> None:
    assert wrong(place(path), path.read_text("utf-8"), ALLOWED, ONLY_IN) == []


@pytest.mark.parametrize(
    ("where", "source"),
    [
        ("core/jobs.py", "from nlp2filters.settings import Settings"),
        ("core/jobs.py", "def f():\n    from nlp2filters import settings"),
        ("api/jobs.py", "from nlp2filters.worker.stages import embed"),
        ("api/jobs.py", "import nlp2filters.worker.stages"),
        ("api/jobs.py", "import worker_settings"),
        ("storage/store.py", "from nlp2filters.embedding.weights import locate"),
        ("api/jobs.py", "from redis.exceptions import RedisError"),
        ("worker/stages.py", "import redis.asyncio as client"),
        ("storage/store.py", "from arq.constants import job_key_prefix"),
        ("cli/worker.py", "from arq.utils import import_string"),
    ],
)
def test_a_forbidden_import_is_seen(where: str, source: str) -> None:
    assert len(wrong(where, source, ALLOWED, ONLY_IN)) == 1


@pytest.mark.parametrize(
    ("where", "source"),
    [
        ("api/jobs.py", "from nlp2filters.storage.store import Store"),
        ("api/jobs.py", "from nlp2filters import __version__, demo, logs"),
        ("storage/retrying_redis.py", "from arq.connections import ArqRedis\nfrom redis.asyncio import Redis"),
        ("worker/parsing/pool.py", "from nlp2filters.worker.parsing import process"),
        ("core/jobs.py", "import json"),
    ],
)
def test_an_allowed_import_passes(where: str, source: str) -> None:
    assert wrong(where, source, ALLOWED, ONLY_IN) == []
