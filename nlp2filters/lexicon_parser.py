"""The built-in parser in this process, for the command line and the evaluation; workers have it in child processes."""

import datetime as dt
from collections.abc import Sequence

from nlp2filters.core import drafting
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.linking import Lexicon, Nearness
from nlp2filters.core.linking.retrieval import retrieve
from nlp2filters.core.llm.prompt import Candidates
from nlp2filters.core.parser import Tagged
from nlp2filters.core.text_vectors import Meanings, TextVectors, Vectors


class LexiconParser:
    """A `TextParser` in this process."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._tagged: Tagged | None = None
        self._index: Vectors | None = None
        self._nearness: Nearness | None = None

    @property
    def indexed(self) -> Sequence[str]:
        """See `translator.TextParser`."""
        return self._lexicon.indexed

    @property
    def uses_embedding(self) -> bool:
        """See `translator.TextParser`."""
        return self._lexicon.language.embedded

    async def without_followup(self, text: str) -> str:
        """See `translator.TextParser`."""
        return drafting.without_followup(text, self._lexicon)

    async def tag(self, text: str, text_vectors: TextVectors, index: Vectors, today: dt.date) -> Sequence[str]:
        """See `translator.TextParser`."""
        self._index = index
        fields = drafting.field_side(self._lexicon, index)
        self._tagged = drafting.tag(text, self._lexicon, text_vectors, fields, today=today)
        return self._tagged.phrases

    async def draft(
        self,
        text: str,
        today: dt.date,
        conversation: Conversation | None = None,
        meanings: Meanings | None = None,
    ) -> Interpretation:
        """See `translator.TextParser`."""
        lexicon, tagged, nearness = self._lexicon, self._tagged, None
        if tagged and self._index is not None and meanings:
            nearness = drafting.near(tagged, meanings.phrases, lexicon, self._index, meanings.index)
        self._nearness = nearness
        return drafting.draft(text, lexicon, today=today, conversation=conversation, tagged=tagged, nearness=nearness)

    async def candidates(self, text: str) -> Candidates:
        """See `translator.TextParser`."""
        return retrieve(text, self._lexicon, self._nearness)
