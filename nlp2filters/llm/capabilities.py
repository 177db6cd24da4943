"""The optional features of models: a table of what is known about them, and what their servers turned out to lack.

A server's lack is learnt only when the same request succeeds without the feature, for one schema, and forgotten after
some minutes. So no error of one text changes anything for other texts or catalogs.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from nlp2filters.core.llm.schema_limits import SchemaLimits

LEARNT_FOR_S = 900.0
# What is learnt of the schemas that were used last is remembered, for this many.
MAX_SCHEMAS = 1_000

JSON_SCHEMA = "json_schema"
JSON_OBJECT = "json_object"
STREAM = "stream"
STREAM_USAGE = "stream_usage"
TEMPERATURE = "temperature"
MAX_COMPLETION_TOKENS = "max_completion_tokens"
MAX_TOKENS = "max_tokens"
EFFORT = "effort"
THINKING = "thinking"
DIMENSIONS = "dimensions"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """A row: the features that matching models of matching providers lack, and the limits of their schemas."""

    provider: str
    model: str
    lacks: frozenset[str] = frozenset()
    limits: SchemaLimits = field(default_factory=SchemaLimits)


# Anthropic publishes no limit of a schema's size besides this one; a grammar that grows too large is rejected.
# https://platform.claude.com/docs/en/build-with-claude/structured-outputs#schema-complexity-limits
ANTHROPIC = SchemaLimits(unions=16)
# What llama.cpp, Ollama and vLLM compile into a grammar takes time and memory, but has no limit of its own.
GRAMMAR = SchemaLimits(
    properties=100_000, depth=100, characters=1_000_000, enum_values=20_000, long_enum_characters=1_000_000
)

# The first row that matches counts. Models in none of them are tried with every feature.
CAPABILITIES: tuple[Capabilities, ...] = (
    Capabilities("openai", "gpt-5*", lacks=frozenset({TEMPERATURE, MAX_TOKENS})),
    Capabilities("openai", "o[1-9]*", lacks=frozenset({TEMPERATURE, MAX_TOKENS})),
    Capabilities("openai", "gpt-4-*", lacks=frozenset({JSON_SCHEMA})),
    Capabilities("openai", "gpt-3.5*", lacks=frozenset({JSON_SCHEMA})),
    Capabilities("responses", "gpt-5*", lacks=frozenset({TEMPERATURE})),
    Capabilities("responses", "o[1-9]*", lacks=frozenset({TEMPERATURE})),
    Capabilities("azure", "gpt-5*", lacks=frozenset({TEMPERATURE, MAX_TOKENS})),
    Capabilities("azure", "o[1-9]*", lacks=frozenset({TEMPERATURE, MAX_TOKENS})),
    Capabilities("anthropic", "claude-3-*", lacks=frozenset({JSON_SCHEMA, EFFORT}), limits=ANTHROPIC),
    Capabilities("anthropic", "claude-*-4-[01]*", lacks=frozenset({JSON_SCHEMA, EFFORT}), limits=ANTHROPIC),
    Capabilities("anthropic", "claude-*-4-2*", lacks=frozenset({JSON_SCHEMA, EFFORT}), limits=ANTHROPIC),
    Capabilities("anthropic", "*", limits=ANTHROPIC),
    Capabilities("mistral", "*", lacks=frozenset({MAX_COMPLETION_TOKENS, STREAM_USAGE})),
    Capabilities("together", "*", lacks=frozenset({MAX_COMPLETION_TOKENS})),
    Capabilities("vllm", "*", limits=GRAMMAR),
    Capabilities("llamacpp", "*", limits=GRAMMAR),
    Capabilities("lmstudio", "*", lacks=frozenset({JSON_OBJECT}), limits=GRAMMAR),
    Capabilities("ollama", "*", limits=GRAMMAR),
)


def capabilities(provider: str, model: str) -> Capabilities:
    """Return the row of a provider's model."""
    for row in CAPABILITIES:
        if fnmatchcase(provider, row.provider) and fnmatchcase(model, row.model):
            return row
    return Capabilities(provider, model)


@dataclass(frozen=True, slots=True)
class _Knowledge:
    """The features without which a server accepted a request with one schema; forgotten at a time."""

    expires_at: float
    lacks: frozenset[str]


class LearntFeatures:
    """The features of one provider's model, by the schema of the requests. `on_learnt` is called with each new lack."""

    def __init__(
        self,
        row: Capabilities,
        on_learnt: Callable[[str], None] = lambda feature: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = row.limits
        self._row, self._on_learnt, self._clock = row, on_learnt, clock
        self._schemas: OrderedDict[str, _Knowledge] = OrderedDict()

    def lacks(self, digest: str) -> frozenset[str]:
        """Return the features to do without in a request with the schema that has this digest."""
        knowledge = self._find(digest)
        return self._row.lacks | knowledge.lacks if knowledge else self._row.lacks

    def confirmed(self, digest: str) -> bool:
        """Return True if the server has lately accepted a request with this schema as it is built now."""
        return self._find(digest) is not None

    def learn(self, digest: str, lacks: frozenset[str]) -> None:
        """Note that the server accepted a request with this schema, and did so without the features `lacks`."""
        before = self.lacks(digest)
        if self.confirmed(digest) and lacks <= before:
            return
        self._schemas[digest] = _Knowledge(self._clock() + LEARNT_FOR_S, before | lacks)
        if len(self._schemas) > MAX_SCHEMAS:
            self._schemas.popitem(last=False)
        for feature in sorted(lacks - before):
            self._on_learnt(feature)

    def _find(self, digest: str) -> _Knowledge | None:
        knowledge = self._schemas.get(digest)
        if knowledge and self._clock() > knowledge.expires_at:
            del self._schemas[digest]
            return None
        return knowledge
