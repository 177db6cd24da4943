"""The indexes of analysed code that an embedding worker has loaded."""

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

from nlp2filters.storage.blobs.store import Blobs

if TYPE_CHECKING:
    from nlp2filters.analysis.search import SearchIndex

# So many indexes stay in memory: people ask several questions about one codebase. A large one takes about 60 MB.
LOADED_AT_ONCE = 4


class SearchIndexes:
    """The indexes that this process has loaded; the least recently used make room for others."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._loaded: OrderedDict[tuple[str, str], SearchIndex] = OrderedDict()

    async def load(self, blobs: Blobs, owner: str, digest: str) -> "SearchIndex":
        """Load an index of an owner.

        Raises:
            BlobGone: it is no longer kept.
            ForeignIndex: another version built it.
        """
        async with self._lock:  # Questions that come together wait for one copy.
            if (index := self._loaded.get((owner, digest))) is None:
                content = b"".join([chunk async for chunk in blobs.read(owner, digest)])
                index = self._loaded[owner, digest] = await asyncio.to_thread(_read, content)
            self._loaded.move_to_end((owner, digest))
            while len(self._loaded) > LOADED_AT_ONCE:
                self._loaded.popitem(last=False)
            return index


def _read(content: bytes) -> "SearchIndex":
    from nlp2filters.analysis.search import SearchIndex  # The first search in code loads it.

    return SearchIndex.from_bytes(content)
