"""A query: a text to understand, with everything from its submission that its understanding depends on."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from nlp2filters.core.conversation import Conversation
from nlp2filters.core.cql2.reader import from_cql2
from nlp2filters.core.filters import Filter

Strategy = Literal["auto", "llm", "builtin"]
UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Query:
    """A text to understand. Its relative dates count from `today`, a day in `zone`, its instants from `time` on it.

    `dialects` are those to compile the filter for, `scope` is added to it, and `conversation` is what the text refines.
    """

    text: str
    today: dt.date
    zone: ZoneInfo = UTC
    locale: str = "en"
    strategy: Strategy = "auto"
    dialects: tuple[str, ...] = ()
    scope: Filter | None = None
    conversation: Conversation | None = None
    time: dt.time = dt.time()

    @property
    def now(self) -> dt.datetime:
        """The instant at which the query was asked."""
        return dt.datetime.combine(self.today, self.time, self.zone)

    @classmethod
    def from_request(cls, request: Mapping[str, Any], submitted_ms: int) -> Self:
        """Read a request: a validated submission as JSON data, or the one stored with a job, all parts attached.

        Raises:
            InvalidFilter: the scope is not CQL2-JSON.
        """
        zone = ZoneInfo(request["timezone"])
        now = resolve_now(request["now"], zone, submitted_ms)
        scope, conversation = request["scope"], request.get("earlier")
        return cls(
            text=request["text"],
            today=now.date(),
            time=now.time(),
            zone=zone,
            locale=request.get("locale", "en"),  # Requests of the first versions have none.
            strategy=request["strategy"],
            dialects=tuple(request["dialects"]),
            scope=from_cql2(scope) if scope else None,
            conversation=Conversation.from_json(conversation) if conversation else None,
        )


def resolve_now(now: str | None, zone: ZoneInfo, submitted_ms: int) -> dt.datetime:
    """Return the ISO 8601 time that a request gives as `now`, in its zone; otherwise the time of its submission."""
    if now is None:
        return dt.datetime.fromtimestamp(submitted_ms / 1000, zone)
    moment = dt.datetime.fromisoformat(now)
    return moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)
