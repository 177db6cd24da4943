"""The calls for everything that a service keeps of an owner."""

from collections import Counter
from collections.abc import AsyncGenerator
from urllib.parse import quote

from nlp2filters.client.requests import Call, Requester
from nlp2filters.core.owner_schemas import OwnerDeletion, OwnerSummary, OwnerTotals

OPERATOR_PATH = "/v1/operator/owners"


class AsyncOwners:
    """The calls for everything of an owner: `client.owner`.

    It is the owner of the client's API key. With a key that has the scope `admin`, `owner` may name any.
    """

    def __init__(self, requester: Requester) -> None:
        self._requester = requester

    async def show(self, owner: str | None = None) -> OwnerSummary:
        """Show what is kept: the number and the bytes of each kind, and when the last of it expires."""
        return await self._requester.read(OwnerSummary, Call("GET", _path(owner)))

    async def export(self, owner: str | None = None) -> AsyncGenerator[bytes]:
        """Yield the ZIP file of everything that is kept, in pieces; docs/api.md describes it.

        Raises:
            ConnectionFailed: it broke off; the pieces so far cannot be read.
        """
        async for piece in self._requester.download(Call("GET", f"{_path(owner)}/export")):
            yield piece

    async def delete(self, owner: str | None = None) -> OwnerDeletion:
        """Delete everything that is kept, in as many requests as it takes. API keys stay valid.

        Returns how much of each kind was deleted. If nothing was there (any more), that is no error.
        """
        deleted: Counter[str] = Counter()
        while True:
            deletion = await self._requester.read(OwnerDeletion, Call("DELETE", _path(owner)))
            deleted += Counter(deletion.deleted)
            if deletion.complete:
                return deletion.model_copy(update={"deleted": dict(deleted)})

    async def list(self) -> OwnerTotals:
        """List the owners with the most bytes; for operators."""
        return await self._requester.read(OwnerTotals, Call("GET", OPERATOR_PATH))


def _path(owner: str | None) -> str:
    return "/v1/owner" if owner is None else f"{OPERATOR_PATH}/{quote(owner, safe='')}"
