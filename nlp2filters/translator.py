"""Read a text: the built-in parser drafts a filter, the LLM, if any, translates, and the result is compiled.

Models and LLMs are passed in: a worker, the command line and the evaluation have their own.
"""

import datetime as dt
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from numpy.typing import NDArray

from nlp2filters.core import checks, dialects, drafting, filters, interpretation, ledger, prompt, refining
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.drafting import Embedded, Vectors
from nlp2filters.core.explain import explain
from nlp2filters.core.filters import Filter
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser import Tagged
from nlp2filters.core.prompt import Message
from nlp2filters.core.refining import Earlier
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.errors import InvalidAnswer, ProviderError
from nlp2filters.llm import Answer, Provider

# A job's record holds the LLM's answers in these fields.
ANSWERS = ("answer", "repaired_answer")

Complete = Callable[[str, Sequence[Message], Mapping[str, Any]], Awaitable[Answer]]

_log = logging.getLogger(__name__)


def moment(named: str | None, zone: ZoneInfo, otherwise_ms: int) -> dt.datetime:
    """Return the ISO 8601 time that a request gives as now, in its zone; otherwise the time of its submission."""
    if named is None:
        return dt.datetime.fromtimestamp(otherwise_ms / 1000, zone)
    found = dt.datetime.fromisoformat(named)
    return found.astimezone(zone) if found.tzinfo else found.replace(tzinfo=zone)


class TextParser(Protocol):
    """The parser for one catalog, in this process or in a child process that can be killed.

    Every method raises `TextTooComplex` if the text takes more work than allowed.
    """

    @property
    def indexed(self) -> Sequence[str]:
        """The catalog's names that have to be embedded."""

    @property
    def embedded(self) -> bool:
        """True if the embedding model understands the texts' language."""

    async def without_followup(self, text: str) -> str:
        """Replace the words about changing an earlier filter with blanks."""

    async def tag(self, text: str, embedded: Embedded, index: Vectors, today: dt.date) -> Sequence[str]:
        """Tag the text that is drafted next. Returns the phrases to embed for the draft."""

    async def draft(
        self, text: str, today: dt.date, earlier: Earlier | None, phrases: Vectors | None
    ) -> Interpretation:
        """Read a text. `phrases` are the vectors of what `tag` returned, if it was called."""


class LexiconParser:
    """A `TextParser` for one text, in this process."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._tagged: Tagged | None = None
        self._index: Vectors | None = None

    @property
    def indexed(self) -> Sequence[str]:
        """See `TextParser`."""
        return self._lexicon.indexed

    @property
    def embedded(self) -> bool:
        """See `TextParser`."""
        return self._lexicon.language.embedded

    async def without_followup(self, text: str) -> str:
        """See `TextParser`."""
        return drafting.without_followup(text, self._lexicon)

    async def tag(self, text: str, embedded: Embedded, index: Vectors, today: dt.date) -> Sequence[str]:
        """See `TextParser`."""
        self._index = index
        self._tagged = drafting.tag(text, self._lexicon, embedded, index, today=today)
        return self._tagged.phrases

    async def draft(
        self, text: str, today: dt.date, earlier: Earlier | None, phrases: Vectors | None
    ) -> Interpretation:
        """See `TextParser`."""
        tagged, index, nearness = self._tagged, self._index, None
        if tagged and index is not None and phrases is not None:
            nearness = drafting.near(tagged, phrases, self._lexicon, index)
        return drafting.draft(text, self._lexicon, today=today, earlier=earlier, tagged=tagged, nearness=nearness)


async def draft(
    text: str,
    lexicon: Lexicon,
    embedder: Embedder | None,
    name_vectors: Callable[[Lexicon], Awaitable[NDArray[Any] | None]],
    *,
    today: dt.date,
    earlier: Earlier | None = None,
) -> Interpretation:
    """Read a text with the built-in parser in this process, as a follow-up of `earlier` if given.

    Raises:
        TextTooComplex: the text takes more work than allowed.
    """
    parser, index = LexiconParser(lexicon), partial(name_vectors, lexicon)
    return await drafted(text, parser, embedder, index, today=today, earlier=earlier)


async def drafted(
    text: str,
    parser: TextParser,
    embedder: Embedder | None,
    load_index: Callable[[], Awaitable[NDArray[Any] | None]],
    *,
    today: dt.date,
    earlier: Earlier | None = None,
) -> Interpretation:
    """Read a text with the parser: by rules alone without a model, without a catalog index, and in some languages.

    Raises:
        TextTooComplex: the text takes more work than allowed.
    """
    phrases = None
    index = await load_index() if embedder and parser.embedded else None
    if embedder and index is not None:
        own = await parser.without_followup(text) if earlier else text
        embedded = Embedded(*await embedder.pieces(own))
        phrases = await embedder.embed(await parser.tag(own, embedded, index, today))
    return await parser.draft(text, today, earlier, phrases)


async def translation(
    request: Mapping[str, Any],
    catalog: Catalog,
    draft: Interpretation,
    provider: Provider | None,
    complete: Complete | None,
    *,
    today: dt.date,
    zone: ZoneInfo,
    earlier: Earlier | None = None,
) -> tuple[dict[str, Any], Interpretation]:
    """Translate a request: read it with the LLM, if there is one and it was requested, then compile the filter.

    Returns the result without its timings, and the reading itself, without the scope and with relative dates, which a
    later text may refine.

    Raises:
        ProviderError: only the LLM was allowed to answer, and it did not.
    """
    reading, answer, failure = draft, None, None
    if provider and complete and request["strategy"] != "builtin":
        try:
            reading, answer = await ask(
                complete, request["text"], catalog, draft, today=today, timezone=request["timezone"], earlier=earlier
            )
        except ProviderError as exc:
            if request["strategy"] == "llm":
                raise
            _log.warning("the LLM gave no usable answer, the draft stands: %s", exc)
            failure = exc
    if answer:
        reading = ledger.complete(reading, draft, request["text"])
    resolved = interpretation.resolve(reading, today)
    scoped = replace(resolved, filter=filters.all_of(_scope(request["scope"], catalog, today), resolved.filter))
    made = {
        **interpretation.to_json(scoped),
        "explanation": explain(resolved, catalog),
        "dialects": {name: dialects.compile(name, scoped, catalog, zone) for name in request["dialects"]},
        "draft": interpretation.to_json(interpretation.resolve(draft, today)) if answer else None,
        "degraded": failure is not None,
        "degraded_reason": failure and type(failure).__name__,
        "provider": provider.name if answer and provider else "builtin",
        "model": answer and answer.model,
        "usage": answer and answer.usage,
        "refines": _refined(earlier, resolved, catalog, today) if earlier else None,
    }
    return made, reading


def _refined(earlier: Earlier, resolved: Interpretation, catalog: Catalog, today: dt.date) -> dict[str, Any]:
    """Describe the refined job and the changes."""
    before = interpretation.resolve(earlier.reading, today)
    return {
        "job_id": earlier.job_id,
        "texts": earlier.said,
        "difference": refining.difference(before, resolved, catalog),
    }


async def ask(
    complete: Complete,
    text: str,
    catalog: Catalog,
    draft: Interpretation,
    *,
    today: dt.date,
    timezone: str,
    earlier: Earlier | None = None,
) -> tuple[Interpretation, Answer]:
    """Ask the LLM for its interpretation. A faulty answer is sent back once, with a list of its faults.

    `complete` gets the name of the answer (one of `ANSWERS`), the messages and the schema.

    Raises:
        ProviderError: the second answer is unusable too, or there was none.
    """
    messages = prompt.messages(text, catalog, draft, today=today, timezone=timezone, earlier=earlier)
    schema = prompt.answer_schema(catalog)
    first, second = ANSWERS
    answer = await complete(first, messages, schema)
    try:
        return prompt.read_answer(answer.content, text, catalog, earlier), answer
    except InvalidAnswer as exc:
        _log.info("asking the LLM to repair its answer: %s", exc)
        again = await complete(second, prompt.repair(messages, answer.content, str(exc)), schema)
        return prompt.read_answer(again.content, text, catalog, earlier), again


def _scope(asked: Any, catalog: Catalog, today: dt.date) -> Filter | None:
    """Return the conditions that catalog and caller impose on every text. No LLM sees them."""
    own = checks.check(filters.from_cql2(asked), catalog, trusted=True) if asked else None
    scope = filters.all_of(checks.own_scope(catalog), own)
    return filters.resolve(scope, today) if scope else None
