"""An LLM that reviews code: it answers an analysis with true quotes, and with whatever it is told to add."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tests.peers.llm import Reply, good

# So many lines of a file lie between its findings.
STEP = 40

Finding = dict[str, Any]


def excerpts(request: dict[str, Any]) -> list[dict[str, Any]]:
    """The code that a request asks about; none if it asks about the whole."""
    question = next(message["content"] for message in request["messages"] if message["role"] == "user")
    found: list[dict[str, Any]] = json.loads(question).get("excerpts", [])
    return found


def places(request: dict[str, Any]) -> list[tuple[str, int, str]]:
    """The path, number and text of each line of code in a request."""
    lines = []
    for excerpt in excerpts(request):
        for line in excerpt["code"].split("\n"):
            number, _, text = line.partition(": ")
            lines.append((excerpt["path"], int(number), text))
    return lines


def finding(path: str, line: int, quote: str, **members: Any) -> Finding:
    """A finding in the form that is asked for."""
    about = {"severity": "medium", "category": "bug", "message": "It fails on an empty list.", "confidence": 0.7}
    return {"path": path, "start_line": line, "end_line": line, "quote": quote, **about, **members}


def true_findings(request: dict[str, Any]) -> list[Finding]:
    """Findings about some lines that stand in the request."""
    lines = [place for place in places(request) if len(place[2].strip()) > 12]
    return [finding(path, line, text.strip()) for path, line, text in lines[::STEP]][:5]


def nothing(request: dict[str, Any]) -> Sequence[Finding]:
    """No findings."""
    return ()


def reviewer(
    more: Callable[[dict[str, Any]], Sequence[Finding]] = nothing,
    usual: Callable[[dict[str, Any]], Sequence[Finding]] = true_findings,
) -> Callable[[dict[str, Any]], Reply]:
    """Answers of a reviewer that has its `usual` findings about a request, and `more`."""

    def respond(request: dict[str, Any]) -> Reply:
        members = request["response_format"]["json_schema"]["schema"]["properties"]
        answer: dict[str, Any] = {}
        if "summary" in members:
            answer["summary"] = "It checks things." if excerpts(request) else "A whole that checks things."
        if "findings" in members:
            answer["findings"] = [*usual(request), *more(request)]
        if "answer" in members:
            question = json.loads(request["messages"][-1]["content"])
            path, code = (question["places"][0][name] for name in ("path", "code"))
            number, _, text = code.split("\n")[0].partition(": ")
            quote = {"path": path, "start_line": int(number), "end_line": int(number), "quote": text}
            answer |= {"answer": "Here it is.", "quotes": [quote, {**quote, "quote": "invented = 'words'"}]}
        sent, received = len(json.dumps(request["messages"])) // 4, len(json.dumps(answer)) // 4
        usage = {"prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received}
        return replace(good(answer), usage=usage)

    return respond
