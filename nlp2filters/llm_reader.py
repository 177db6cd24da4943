"""Let an LLM read a text: ask it, have a faulty answer repaired once, and reuse the answer to the same question."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from nlp2filters.core.catalog import Catalog
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.llm import answer_keys, prompt
from nlp2filters.core.llm.answer_reader import read_answer
from nlp2filters.core.llm.answer_schema import answer_schema
from nlp2filters.core.llm.messages import Message
from nlp2filters.core.llm.prompt import Candidates
from nlp2filters.core.query import Query
from nlp2filters.errors import InvalidAnswer
from nlp2filters.llm import ANSWERS, Answer, Provider

# Gets the LLM's answer of a name in `ANSWERS` to the messages, in JSON of the schema.
Complete = Callable[[str, Sequence[Message], Mapping[str, Any]], Awaitable[Answer]]

_log = logging.getLogger(__name__)


class AnswerCache(Protocol):
    """A store of answers, as JSON data, by digests of what they depend on."""

    async def load(self, digests: Sequence[str]) -> dict[str, Any] | None:
        """Load the first answer that is stored under one of the digests."""

    async def save(self, digest: str, answer: dict[str, Any]) -> None:
        """Store an answer."""


@dataclass(frozen=True, slots=True)
class LLMReading:
    """An LLM's reading of a text, and the answer that it was read from; `cached` if it was given before."""

    reading: Interpretation
    answer: Answer
    cached: bool = False


class LLMReader:
    """A reader of texts by an LLM. The schema of the answers is within the provider's limits."""

    def __init__(self, llm: Provider) -> None:
        self.llm = llm

    async def read(
        self,
        query: Query,
        catalog: Catalog,
        draft: Interpretation | None,
        *,
        candidates: Candidates | None = None,
        complete: Complete | None = None,
        cache: AnswerCache | None = None,
    ) -> LLMReading:
        """Get the LLM's interpretation. A faulty answer is sent back once, with a list of its faults.

        `draft` and `candidates` are for the LLM to start from. `complete`, if given, calls the LLM; it may store the
        answers, and return stored ones. With a `cache`, a question that was asked before is not asked again.

        Raises:
            ProviderError: the second answer is unusable too, or there was none.
        """
        if cache is None:
            return LLMReading(*await self._ask(query, catalog, draft, candidates, complete))
        llm = self.llm
        keys = answer_keys.keys(query, catalog, draft, candidates, provider=llm.name, model=llm.model)
        stored = await cache.load(list(keys.values()))
        if stored and (recalled := _recalled(stored, query, catalog)):
            return recalled
        reading, answer = await self._ask(query, catalog, draft, candidates, complete)
        present = answer_keys.present_in(reading, draft or Interpretation(), query.text)
        if answer.provider in (None, llm.name):  # Another of a chain may answer while the first is out of reach.
            await cache.save(keys[present], {"content": answer.content, "model": answer.model})
        return LLMReading(reading, answer)

    async def _ask(
        self,
        query: Query,
        catalog: Catalog,
        draft: Interpretation | None,
        candidates: Candidates | None,
        complete: Complete | None,
    ) -> tuple[Interpretation, Answer]:
        complete = complete or self.complete
        messages = prompt.messages(query, catalog, draft, candidates)
        schema = answer_schema(catalog, self.llm.schema_limits)
        first, second = ANSWERS
        answer = await complete(first, messages, schema)
        try:
            return read_answer(answer.content, query.text, catalog, query.conversation), answer
        except InvalidAnswer as exc:
            _log.info("asking the LLM to repair its answer: %s", exc)
            answer = await complete(second, prompt.repair(messages, answer.content, str(exc)), schema)
            return read_answer(answer.content, query.text, catalog, query.conversation), answer

    async def complete(self, _: str, messages: Sequence[Message], schema: Mapping[str, Any]) -> Answer:
        """Call the LLM. It is the default of `read`."""
        return await self.llm.complete(messages, schema)


def _recalled(stored: Mapping[str, Any], query: Query, catalog: Catalog) -> LLMReading | None:
    """Read a stored answer. One that can no longer be read, since the rules have changed, is as good as none."""
    try:
        reading = read_answer(stored["content"], query.text, catalog, query.conversation)
    except InvalidAnswer as exc:
        _log.info("a cached answer is of no use any more: %s", exc)
        return None
    return LLMReading(reading, Answer(stored["content"], stored["model"]), cached=True)
