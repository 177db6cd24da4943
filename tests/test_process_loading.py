"""What each process of a service has loaded when it is ready: what it runs, and nothing of what others run."""

import importlib.util
import inspect
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from nlp2filters.worker import stages
from nlp2filters.worker.parts import PartWork

WEB = """
import asyncio, json, sys
from nlp2filters.app import create_app

async def main():
    app = create_app()
    async with app.router.lifespan_context(app):
        print(json.dumps(sorted(sys.modules)))

asyncio.run(main())
"""
WORKER = """
import asyncio, json, sys
from nlp2filters.worker import process
from worker_settings import WORKERS

async def main():
    settings = WORKERS[sys.argv[1]]
    ctx = {**settings.ctx, "redis": settings.redis_pool}
    await process.startup(ctx)
    print(json.dumps(sorted(sys.modules)))
    await process.shutdown(ctx)

asyncio.run(main())
"""
MODEL = {"numpy", "onnxruntime", "tokenizers", "fastembed", "huggingface_hub", "PIL", "nlp2filters.embedding.embedder"}
PARSER = {"pint", *(f"nlp2filters.core.{room}" for room in ("parser", "linking", "languages", "infer"))}
TABLES = {"sqlalchemy", "duckdb", "python_calamine", "nlp2filters.data", "nlp2filters.table_inference"}
CODE = {"tree_sitter", "pathspec", "pypdf", "nlp2filters.analysis.search", "nlp2filters.worker.analysis"}
WEB_ONLY = {"starlette", "uvicorn", "sse_starlette", "prometheus_client", "nlp2filters.api", "nlp2filters.app"}
SELDOM = MODEL | PARSER | TABLES | CODE | {"mcp", "av", "faster_whisper"}
UNNEEDED = {
    "web": SELDOM | {"httpx", "rich", "pygments", "snowballstemmer", "nlp2filters.llm.http", "nlp2filters.worker"},
    "llm": SELDOM | WEB_ONLY | {"httpx", "rich", "pygments", "nlp2filters.webhooks", "nlp2filters.llm.http"},
    "delivery": SELDOM | WEB_ONLY | {"rapidfuzz", "snowballstemmer", "nlp2filters.translator", "nlp2filters.llm.http"},
}
NEEDED = {
    "web": {"nlp2filters.api.jobs", "nlp2filters.core.requests"},
    "llm": {"nlp2filters.worker.filters", "nlp2filters.translator", "nlp2filters.core.explain"},
    "delivery": {"nlp2filters.worker.webhook_delivery", "nlp2filters.webhooks.client", "httpx"},
}


def loaded(process: str, redis_url: str) -> set[str]:
    script = WEB if process == "web" else WORKER
    run = subprocess.run(
        [sys.executable, "-c", script, process],
        capture_output=True,
        text=True,
        env={**os.environ, "REDIS_URL": redis_url, "LLM_MODEL": "", "KEY_PREFIX": f"loading-{process}"},
    )
    assert run.returncode == 0, run.stderr
    lines = [line for line in run.stdout.splitlines() if line.startswith("[")]
    return set(json.loads(lines[0]))


@pytest.mark.parametrize("process", UNNEEDED)
def test_a_process_loads_what_it_runs(process: str, redis_url: str) -> None:
    modules = loaded(process, redis_url)
    assert modules >= NEEDED[process]
    assert modules & UNNEEDED[process] == set()


def test_the_names_above_are_those_of_modules() -> None:
    names = {name for process in UNNEEDED for name in UNNEEDED[process] | NEEDED[process]}
    assert [name for name in names if importlib.util.find_spec(name) is None] == []


ROWS = [(f"{kind}-{stage}", row) for (kind, stage), row in stages.STAGES.items()]


@pytest.mark.parametrize("row", [row for _, row in ROWS], ids=[name for name, _ in ROWS])
async def test_a_row_names_functions_that_take_what_its_worker_opens(row: stages.Stage) -> None:
    work: Any = await stages.load(row.work)
    assert isinstance(work, PartWork) == row.splits
    functions = (work.split, work.join) if isinstance(work, PartWork) else (work,)
    opened = inspect.signature(await stages.load(row.worker.open)).return_annotation
    services = str(opened).rpartition("[")[2].rstrip("]'\">").rpartition(".")[2]
    for function in functions:
        assert inspect.iscoroutinefunction(function)
        assert services in str(next(iter(inspect.signature(function).parameters.values())).annotation)


@pytest.mark.parametrize("spec", stages.workers().values(), ids=lambda spec: spec.queue)
async def test_a_worker_names_functions(spec: stages.WorkerSpec[Any]) -> None:
    for work in (*spec.functions.values(), spec.abandon):
        assert inspect.iscoroutinefunction(await stages.load(work))
