"""Try the whole service with llama.cpp's server, and with the LiteLLM proxy in front of it: see `make llama`.

Thirty labelled texts become jobs. Every job must succeed, with a result of the documented form; what the model got
right is told. Without `LLAMA_GGUF`, the model is a tiny one with random weights, which is held to the schema and says
nonsense.
"""

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from nlp2filters.client import AsyncClient
from nlp2filters.core import catalog as catalogs
from nlp2filters.core.interpretation import from_json
from nlp2filters.core.schemas import Result
from nlp2filters.evaluation.cases import Case, Collection, read_cases, read_collections
from nlp2filters.evaluation.measures import judge
from tests.ports import free_port
from tests.service import Service, started

HERE = Path(__file__).parent
CASES = HERE.parent.parent / "tests" / "cases"
TEXTS = 30
START_TIMEOUT_S, JOB_TIMEOUT_S, LLM_TIMEOUT_S = 120, 600, 100
TODAY = "2026-11-24"
# The proxy starts with a key only, and llama.cpp takes any.
KEY = f"sk-{secrets.token_hex(16)}"


def main() -> int:
    """Run both trials. Returns 1 if a job did not end as it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environment", type=Path, help="the environment with xllamacpp, gguf and litellm")
    environment: Path = parser.parse_args().environment.absolute()
    cases, collections = _cases()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = os.environ.get("LLAMA_GGUF") or str(_tiny_model(environment, folder))
        url = stack.enter_context(_llama(environment, folder, model))
        proxy = stack.enter_context(_litellm(environment, folder, url))
        trials = {"llama.cpp": url, "LiteLLM before llama.cpp": proxy}
        return max(_trial(name, base_url, folder, cases, collections) for name, base_url in trials.items())


def _cases() -> tuple[list[Case], dict[str, Collection]]:
    """Return the first texts of each category, as many of each as it takes, and their catalogs."""
    collections = {
        name: collection
        for path in sorted(CASES.glob("catalogs*.json"))
        for name, collection in read_collections(path.read_bytes()).items()
    }
    groups = [read_cases(path.read_bytes(), collections) for path in sorted(CASES.glob("*.jsonl"))]
    in_turn = zip(*(group[:5] for group in groups if len(group) >= 5), strict=True)
    return [case for cases in in_turn for case in cases][:TEXTS], collections


def _tiny_model(environment: Path, folder: Path) -> Path:
    path = folder / "tiny.gguf"
    subprocess.run([environment / "bin/python", HERE / "tiny_model.py", path], check=True)
    return path


@contextmanager
def _llama(environment: Path, folder: Path, model: str) -> Iterator[str]:
    port = free_port()
    command: list[str | Path] = [environment / "bin/python", HERE / "server.py", model, str(port)]
    with _process(command, folder / "llama.log", f"http://127.0.0.1:{port}/health"):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def _litellm(environment: Path, folder: Path, url: str) -> Iterator[str]:
    port = free_port()
    config = folder / "litellm.yaml"
    parameters = {"model": "openai/llama", "api_base": url, "api_key": "none"}
    # JSON is YAML.
    models = [{"model_name": "llama", "litellm_params": parameters}]
    config.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": KEY}}))
    command: list[str | Path] = [
        environment / "bin/litellm",
        "--config",
        config,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with _process(command, folder / "litellm.log", f"http://127.0.0.1:{port}/health/liveliness"):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def _process(command: Sequence[str | Path], log: Path, health_url: str) -> Iterator[None]:
    """Run a server while inside, from when it says that it is healthy."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _is_healthy(health_url):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{command[0]} did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait()


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _trial(name: str, base_url: str, folder: Path, cases: Sequence[Case], collections: dict[str, Collection]) -> int:
    environment = {
        "OPENAI_BASE_URL": base_url,
        "OPENAI_API_KEY": KEY,
        "LLM_MODEL": "llama",
        "LLM_TIMEOUT_S": str(LLM_TIMEOUT_S),
        "LLM_CONCURRENCY": "2",
        "LLM_MAX_TOKENS": "1024",
    }
    logs = folder / name.split()[0]
    logs.mkdir()
    with started(logs, **environment) as service:
        outcomes = asyncio.run(_outcomes(service, cases, collections))
    faults = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    results = {case.id: outcome for case, outcome in zip(cases, outcomes, strict=True) if isinstance(outcome, Result)}
    _report(name, [case for case in cases if case.id in results], results, collections, faults)
    return 1 if faults else 0


async def _outcomes(
    service: Service, cases: Sequence[Case], collections: dict[str, Collection]
) -> list[Result | BaseException]:
    async with AsyncClient(service.url, trust_env=False, timeout=60) as client:

        async def ask(case: Case) -> Result:
            catalog = catalogs.to_json(collections[case.catalog].catalog)
            now = (case.today and case.today.isoformat()) or TODAY
            job = await client.jobs.submit(case.text, catalog, locale=case.locale, now=now)
            return await client.jobs.wait(job, timeout_s=JOB_TIMEOUT_S)

        return await asyncio.gather(*map(ask, cases), return_exceptions=True)


def _report(
    name: str,
    cases: Sequence[Case],
    results: dict[str, Result],
    collections: dict[str, Collection],
    faults: Sequence[BaseException],
) -> None:
    """Print how the jobs ended, and how many filters are right."""
    degraded = Counter(result.degraded_reason for result in results.values() if result.degraded)
    answered = [case for case in cases if not results[case.id].degraded]
    readings = {case.id: from_json(results[case.id].model_dump(mode="json", by_alias=True)) for case in answered}
    right = sum(judge(case, readings[case.id], collections[case.catalog]).exact for case in answered)
    tokens = Counter[str]()
    for result in results.values():
        tokens.update({kind: count for kind, count in (result.usage or {}).items() if isinstance(count, int)})
    print(f"{name}: {len(results)} of {len(results) + len(faults)} jobs succeeded.")
    print(f"  by the model: {len(answered)}, of which {right} are exactly right; by the draft: {dict(degraded)}")
    print(f"  tokens: {dict(tokens)}")
    for fault in faults:
        print(f"  FAILED: {type(fault).__name__}: {fault}")


if __name__ == "__main__":
    sys.exit(main())
