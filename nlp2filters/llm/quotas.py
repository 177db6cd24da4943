"""The rest of a provider's quotas, and the waits that it asks for, in the headers of its responses.

OpenAI: https://platform.openai.com/docs/guides/rate-limits (also Azure, Groq and others). Anthropic:
https://docs.anthropic.com/en/api/rate-limits. Both refill quotas steadily, and report when they will be full.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nlp2filters.llm.limits import Quota
from nlp2filters.retry import parse_retry_after

_UNITS_S = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|[dhms]))+")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[dhms])")


def parse_duration(value: str) -> float | None:
    """Read a duration such as `1m6.5s` or `120ms`, or a number of seconds; None if it is neither."""
    if _DURATION.fullmatch(value):
        return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(value))
    return parse_retry_after(value)


def parse_moment(value: str) -> float | None:
    """Read a moment in RFC 3339 as the seconds until then; None if it is none."""
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - dt.datetime.now(dt.UTC)).total_seconds())


@dataclass(frozen=True, slots=True)
class _Row:
    """The headers of one quota. `reset` gives the time until it is full; it counts tokens if `tokens`, else calls."""

    limit: str
    remaining: str
    reset: str
    seconds: Callable[[str], float | None]
    tokens: bool


def _openai(what: str, *, tokens: bool) -> _Row:
    prefix = "x-ratelimit"
    return _Row(
        f"{prefix}-limit-{what}", f"{prefix}-remaining-{what}", f"{prefix}-reset-{what}", parse_duration, tokens
    )


def _anthropic(what: str, *, tokens: bool) -> _Row:
    prefix = f"anthropic-ratelimit-{what}"
    return _Row(f"{prefix}-limit", f"{prefix}-remaining", f"{prefix}-reset", parse_moment, tokens)


_ROWS = (
    _openai("requests", tokens=False),
    _openai("tokens", tokens=True),
    _anthropic("requests", tokens=False),
    _anthropic("tokens", tokens=True),
    _anthropic("input-tokens", tokens=True),
)


def quota(headers: Mapping[str, str], tokens: int) -> Quota | None:
    """Return the tightest quota that a response reports, for calls of about so many `tokens`; None without any."""
    if not any("ratelimit" in name for name in headers):
        return None
    quotas = [quota for row in _ROWS if (quota := _quota(row, headers, max(1, tokens)))]
    return min(quotas, key=lambda quota: quota.calls_left, default=None)


def _quota(row: _Row, headers: Mapping[str, str], tokens: int) -> Quota | None:
    limit, remaining = (_number(headers.get(name)) for name in (row.limit, row.remaining))
    full_s = row.seconds(headers.get(row.reset, ""))
    if limit is None or remaining is None or full_s is None:
        return None
    cost = tokens if row.tokens else 1
    used = max(1, limit - remaining)
    return Quota(remaining // cost, min(full_s, full_s * cost / used))


def _number(value: str | None) -> int | None:
    return int(value) if value and re.fullmatch(r"[0-9]{1,15}", value) else None


def wait_s(headers: Mapping[str, str]) -> float | None:
    """Return the wait that a refusal asks for: `retry-after-ms`, `retry-after`, or until an empty quota is refilled."""
    if milliseconds := _number(headers.get("retry-after-ms")):
        return milliseconds / 1000
    named_s = parse_retry_after(headers.get("retry-after"))
    if named_s is not None:
        return named_s
    rest = quota(headers, 1)
    return rest.refill_s if rest and rest.calls_left == 0 else None
