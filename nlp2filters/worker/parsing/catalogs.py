"""The parser for one catalog, in child processes; stages call it."""

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any, TypeVar

from nlp2filters.core.conversation import Conversation
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.linking.retrieval import Candidates
from nlp2filters.core.text_vectors import Meanings, TextVectors, Vectors
from nlp2filters.storage.index_requests import digest_of
from nlp2filters.worker.parsing.caches import Cache
from nlp2filters.worker.parsing.operations import Call, CatalogRef, IndexRef, Phrases, Ref, Summary, Tagging, TextRef
from nlp2filters.worker.parsing.pool import Content, Pool
from nlp2filters.worker.parsing.process import Process

# The catalogs whose summaries are cached have at most this many names in total.
MAX_NAMES = 100_000

R = TypeVar("R", bound=Ref)


class CatalogParser:
    """A `TextParser` for one text of an owner, in the pool's processes."""

    def __init__(
        self, pool: Pool, owner: str, catalog: CatalogRef, source: Content, summary: Summary, number: int
    ) -> None:
        self._pool, self._owner, self._catalog = pool, owner, catalog
        self._contents: dict[Ref, Content] = {catalog: source}
        self._summary, self._text = summary, TextRef(number)
        self._index: IndexRef | None = None
        # The phrases of the text and their vectors, and the index that they are compared with.
        self._phrases = Phrases((), None)
        self._vectors: Vectors | None = None
        self._compared: IndexRef | None = None
        self._process: Process | None = None

    @property
    def indexed(self) -> Sequence[str]:
        """See `translator.TextParser`."""
        return self._summary.indexed

    @property
    def uses_embedding(self) -> bool:
        """See `translator.TextParser`."""
        return self._summary.uses_embedding

    async def without_followup(self, text: str) -> str:
        """See `translator.TextParser`."""
        rest: str = await self._call("without_followup", text)
        return rest

    async def tag(self, text: str, text_vectors: TextVectors, index: Vectors, today: dt.date) -> Sequence[str]:
        """See `translator.TextParser`."""
        self._index = self._refer(IndexRef(digest_of(self.indexed)), index)
        tagging = Tagging(self._catalog, today, text, text_vectors, self._index)
        self._refer(self._text, tagging)
        self._phrases = await self._call("tag", self._text, tagging)
        return self._phrases.phrases

    async def draft(
        self,
        text: str,
        today: dt.date,
        conversation: Conversation | None = None,
        meanings: Meanings | None = None,
    ) -> Interpretation:
        """See `translator.TextParser`."""
        api_index = None
        if meanings and meanings.index is not None:
            api_index = self._refer(IndexRef(meanings.digest), meanings.index)
        self._vectors, self._compared = meanings.phrases if meanings else None, api_index or self._index
        if self._phrases.draft and not conversation:
            return self._phrases.draft
        ref = self._text if self._index else None
        arguments = (today, text, conversation, ref, self._index, self._vectors, api_index)
        reading: Interpretation = await self._call("draft", *arguments)
        return reading

    async def candidates(self, text: str) -> Candidates:
        """See `translator.TextParser`."""
        if not self._summary.has_large_fields:
            return {}
        retrieved: Candidates = await self._call("retrieve", text, self._phrases.phrases, self._vectors, self._compared)
        return retrieved

    def _refer(self, ref: R, value: Any) -> R:
        """Return a reference to a value, which is sent to a process that does not have it."""

        async def content() -> Any:
            return value

        self._contents[ref] = content
        return ref

    async def _call(self, operation: str, *arguments: Any) -> Any:
        call = Call(operation, self._catalog, arguments)
        answer, self._process = await self._pool.run(self._owner, call, self._contents, self._process)
        return answer


class CatalogParsers:
    """The catalogs in the pool. Their summaries, which the worker needs, are cached here."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._summaries: Cache[CatalogRef, Summary] = Cache(MAX_NAMES)
        self._numbers = count()

    async def open(self, owner: str, digest: str, locale: str, source: Callable[[], Awaitable[bytes]]) -> CatalogParser:
        """Open the parser for one text about a catalog; `source` loads its JSON, which has this digest.

        Raises:
            TextTooComplex: reading the catalog takes more work than allowed.
            ParserFailed: the catalog cannot be read.
        """
        catalog = CatalogRef(digest, locale)
        if (summary := self._summaries.get(catalog)) is None:
            summary, _ = await self._pool.run(owner, Call("describe", catalog), {catalog: source})
            self._summaries.put(catalog, summary, 1 + len(summary.indexed))
        return CatalogParser(self._pool, owner, catalog, source, summary, next(self._numbers))
