"""Questions about packages whose answers were noted beforehand: the right file has to be among the first results."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import orjson

from chaos.trials import Finding
from tests.service import ROOT

FOLDER = ROOT / "tests" / "analysis" / "questions"
RESULTS = 3
MIN_SHARE = 0.8


async def right_files(name: str, get: Callable[[str], Awaitable[dict[str, Any]]]) -> list[Finding]:
    """Ask what is to be asked about a package, if anything; `get` reads a path of its job."""
    file = FOLDER / f"{name}.json"
    if not file.exists():
        return []
    questions = orjson.loads(file.read_bytes())
    right = [await _is_right(question, get) for question in questions]
    share = sum(right) / len(right)
    promise = "… questions have the right file among the first three results"
    return [Finding(promise, len(right), f"{sum(right)} of {len(right)}", share >= MIN_SHARE)]


async def _is_right(question: dict[str, Any], get: Callable[[str], Awaitable[dict[str, Any]]]) -> bool:
    answer = await get(f"/search?{urlencode({'q': question['question'], 'k': RESULTS})}")
    paths = [f"/{result['path']}" for result in answer["results"]]
    return any(path.endswith(f"/{file}") for path in paths for file in question["files"])
