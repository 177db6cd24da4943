"""The owners of Redis keys: a row for each kind of key that holds data of an owner, and why the others hold none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nlp2filters.storage.redis_keys import Keys


@dataclass(frozen=True, slots=True)
class KeyKind:
    """A kind of keys, whose names begin with the prefix and `label`. Owners see it under `name`.

    `told_by` says where the owner of a key is found: `name`: after the label, with `parts_after` further parts after
    it; `subject`: after the label is the id of a job or batch, which has an owner; `value`: a member of the JSON. Keys
    that are `counted_only` have numbers for the limits of an owner, which outlive a deletion: it is no way around them.
    """

    label: str
    name: str
    told_by: Literal["name", "subject", "value"]
    parts_after: int = 0
    counted_only: bool = False

    def owner_in(self, rest: str) -> str:
        """Return the owner in a key's name after the label; empty if there is none."""
        parts = rest.rsplit(":", self.parts_after)
        return parts[0] if len(parts) == self.parts_after + 1 else ""


OWNED = (
    KeyKind("job", "jobs", "subject"),
    KeyKind("events", "events", "subject"),
    KeyKind("parts", "parts_of_jobs", "subject"),
    KeyKind("usage-of-job", "usage", "subject"),
    KeyKind("call-budget", "call_budgets", "subject"),
    KeyKind("known", "known_ids", "subject"),
    KeyKind("batch", "batches", "subject"),
    KeyKind("batch-open", "unfinished_batches", "subject"),
    KeyKind("message", "webhook_messages", "subject"),
    KeyKind("deliveries", "webhook_attempts", "subject"),
    KeyKind("jobs", "list_of_jobs", "name"),
    KeyKind("pending", "unfinished_jobs", "name"),
    KeyKind("once", "idempotency_keys", "name", 1),
    KeyKind("catalogs", "list_of_catalogs", "name"),
    KeyKind("catalog", "catalogs", "name", 2),
    KeyKind("part", "parts_of_requests", "name", 1),
    KeyKind("derived", "derived_results", "name", 1),
    KeyKind("answer", "llm_answers", "name", 1),
    KeyKind("vectors", "indexes", "name", 1),
    KeyKind("blob-upload", "unfinished_uploads", "name", 1),
    KeyKind("token", "stream_tokens", "value"),
    KeyKind("added", "added_bytes", "name", counted_only=True),
    KeyKind("added-blobs", "added_file_bytes", "name", counted_only=True),
    KeyKind("added-derived", "added_derived_bytes", "name", counted_only=True),
    KeyKind("rate", "submissions_per_minute", "name", 1, counted_only=True),
)
BY_LABEL = {kind.label: kind for kind in OWNED}

# All other kinds of keys, and why no owner's data are in them.
NOT_OWNED: Mapping[str, str] = {
    "blob": "the blob store lists and deletes its files itself, wherever it keeps them",
    "api-keys": "keys are access, not data: `nlp2filters keys` manages them",
    "usage-of-key": "counts of an API key, for the operator's bill",
    "usage": "counts of the service",
    "stats": "counts of the service",
    "counts": "counts of the service",
    "part-stats": "counts of the service",
    "open": "ids of unfinished work, which an erasure removes",
    "failed": "ids of failed jobs, which an erasure removes",
    "split-jobs": "ids of split jobs, which an erasure removes",
    "queue": "ids in a queue, which an erasure removes",
    "rescue": "the name of a worker",
    "workers": "names of workers",
    "activity": "numbers of workers",
    "health": "numbers of workers",
    "providers": "the state of providers",
    "web": "a channel without content",
}


@dataclass(frozen=True, slots=True)
class OwnedKey:
    """A key of an owner. `rest` is its name after the label: the id of a job, for example."""

    kind: KeyKind
    name: str
    rest: str

    @property
    def subject(self) -> str:
        """The job or batch that the key is about, if its kind is told by the subject."""
        return self.rest.partition(":")[0]


def parse(keys: Keys, name: str) -> OwnedKey | None:
    """Parse the name of a key; None if it is of no kind that owners have."""
    label, _, rest = name.removeprefix(f"{keys.prefix}:").partition(":")
    kind = BY_LABEL.get(label)
    return OwnedKey(kind, name, rest) if kind else None
