"""Models of the answers about everything that is kept of an owner."""

from pydantic import AwareDatetime as Timestamp

from nlp2filters.core.schemas import Strict


class KindTotals(Strict):
    """The records or files of one kind, such as `jobs`; the last of them expires at `expires_at`, or never."""

    kind: str
    count: int
    bytes: int
    expires_at: Timestamp | None


class OwnerSummary(Strict):
    """Everything that is kept of an owner, and its API keys that are valid."""

    owner: str
    bytes: int
    kinds: list[KindTotals]
    api_keys: int


class OwnerDeletion(Strict):
    """The numbers of what was deleted, by kind. Unless it is `complete`, the same request goes on.

    `api_keys` remain valid.
    """

    owner: str
    deleted: dict[str, int]
    complete: bool
    api_keys: int


class OwnerTotal(Strict):
    """The totals of an owner; `jobs` are those that can still be read."""

    owner: str
    jobs: int
    files: int
    bytes: int


class OwnerTotals(Strict):
    """The owners with the most bytes, up to 100 of `total` ones."""

    owners: list[OwnerTotal]
    total: int
