"""A query: a text to understand, with everything from its submission that its understanding depends on."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from nlp2filters.core.conversation import Conversation
from nlp2filters.core.cql2.reader import from_cql2
from nlp2filters.core.dialects import Options
from nlp2filters.core.dialects.lowering import Unknown
from nlp2filters.core.filters import Filter
from nlp2filters.core.mapping import EngineMapping

Strategy = Literal["auto", "llm", "builtin"]
UTC = ZoneInfo("UTC")

_mappings = TypeAdapter(Mapping[str, EngineMapping])


@dataclass(frozen=True, slots=True)
class Query:
    """A text to understand. Its relative dates count from `today`, a day in `zone`, its instants from `time` on it.

    `dialects` are those to compile it for, with `unknown` and `mappings` as options. `scope` is added to it, and
    `conversation` is what the text refines.
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
    unknown: Unknown = "exclude"
    mappings: Mapping[str, EngineMapping] = field(default_factory=dict)

    @property
    def now(self) -> dt.datetime:
        """The instant at which the query was asked."""
        return dt.datetime.combine(self.today, self.time, self.zone)

    @property
    def options(self) -> Options:
        """The options with which the filter is compiled."""
        return Options(self.zone, self.unknown, self.mappings)

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
            # Requests of earlier versions lack some members.
            locale=request.get("locale", "en"),
            unknown=request.get("unknown", "exclude"),
            mappings=_mappings.validate_python(request.get("mappings", {})),
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
