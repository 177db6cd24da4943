"""The queues, one per stage, in ARQ's own format: names and encoding of their entries."""

from collections.abc import Mapping
from typing import Any

import orjson
from arq.constants import in_progress_key_prefix, job_key_prefix
from arq.jobs import serialize_job

# A queue may have these lanes.
MAIN, QUICK, SLOW, PARTS = "main", "quick", "slow", "parts"
# The entries of parts call this function.
PART_FUNCTION = "part"
# Those of searches in analysed code call this one.
SEARCH_FUNCTION = "search"
# The same value is in lua/queue.lua.
SEPARATOR = "\x1f"
# Entries of these queues have called these functions since before functions were named after their queues.
_FUNCTIONS = {"embedding": "embed", "llm": "translate", "delivery": "deliver"}


def entry_id(stage: str, job_id: str, number: int | str = 0) -> str:
    """Return ARQ's id of a job's entry in the queue of a stage. It contains the stage, as all queues share ARQ's ids.

    `number` distinguishes the job's entries in that queue: a late command about an earlier entry, from a worker that
    was frozen, does not affect this one.
    """
    return f"{job_id}:{stage}" + (f"-{number}" if number else "")


def entry_key(stage: str, job_id: str, number: int | str = 0) -> str:
    """Return the Redis key under which ARQ looks for the entry."""
    return str(job_key_prefix) + entry_id(stage, job_id, number)


def lease_key(stage: str, job_id: str, number: int | str = 0) -> str:
    """Return the Redis key of the lease on the entry, ARQ's sign that a worker runs it."""
    return str(in_progress_key_prefix) + entry_id(stage, job_id, number)


def index_entry_id(index_id: str) -> str:
    """Return ARQ's id of the entry for building a catalog index."""
    return f"index-{index_id}:embedding"


def index_entry_key(index_id: str) -> str:
    """Return the Redis key under which ARQ looks for that entry."""
    return str(job_key_prefix) + index_entry_id(index_id)


def index_entry(index_id: str, now_ms: int) -> bytes:
    """Encode the content of that entry for ARQ."""
    return _serialized("index", index_id, now_ms)


def job_of(entry_id: str) -> str:
    """Return the id of an entry's job."""
    return entry_id.rpartition(":")[0]


def part_subject(job_id: str, digest: str) -> str:
    """Return what the entry of a part is about, in place of the id of a job."""
    return f"{job_id}/{digest}"


def part_of(subject: str) -> tuple[str, str] | None:
    """Return the job and the digest of a part; None if the subject is a job or batch."""
    job_id, slash, digest = subject.partition("/")
    return (job_id, digest) if slash else None


def wake_key(queue_name: str, lane: str = MAIN) -> str:
    """Return the key of the sorted set whose only member tells an idle worker to look at that lane of the queue."""
    return f"{queue_name}:wake:{lane}"


def more_key(queue_name: str, lane: str = MAIN) -> str:
    """Return the key of the sorted set whose only member tells a worker that another one had to pass over entries."""
    return f"{queue_name}:more:{lane}"


def turns_key(queue_name: str, lane: str = MAIN) -> str:
    """Return the key of the sorted set of a lane's groups with due entries, scored by their turns."""
    return f"{queue_name}:turns:{lane}"


def ready_key(queue_name: str, group: str) -> str:
    """Return the key of the sorted set of a group's due entries."""
    return f"{queue_name}:ready:{group}"


def all_key(queue_name: str) -> str:
    """Return the key of the sorted set of a queue's entries, scored by the time in ms since which they are due."""
    return f"{queue_name}:all"


def group(owner: str, *, lane: str = MAIN, receiver: str = "") -> str:
    """Return the name of a group: the entries of an owner in a lane, which take turns with those of other groups.

    Deliveries also have a group for each `receiver`.
    """
    return SEPARATOR.join((lane, owner, receiver))


def lane_of(group: str) -> str:
    """Return the lane of a group."""
    return group.partition(SEPARATOR)[0]


def entry(stage: str, job_id: str, now_ms: int) -> bytes:
    """Encode an entry for ARQ: only the stage's function and the job id."""
    return _serialized(function_of(stage), job_id, now_ms)


def part_entry(subject: str, now_ms: int) -> bytes:
    """Encode the entry of a part for ARQ."""
    return _serialized(PART_FUNCTION, subject, now_ms)


def search_entry(search: Mapping[str, Any], now_ms: int) -> bytes:
    """Encode the entry of a search for ARQ: all of it, as it has no record."""
    return _serialized(SEARCH_FUNCTION, search, now_ms)


def function_of(queue: str) -> str:
    """Return the name of the function that the entries of a queue call."""
    return _FUNCTIONS.get(queue, queue)


def _serialized(function: str, argument: Any, now_ms: int) -> bytes:
    data = serialize_job(function, (argument,), {}, None, now_ms, serializer=dumps)
    assert isinstance(data, bytes)
    return data


def dumps(data: Any) -> bytes:
    """Serialize for ARQ: as JSON, never pickle. An exception as a job's result is kept as its repr."""
    return orjson.dumps(data, default=repr)


def loads(data: bytes) -> Any:
    """Deserialize for ARQ."""
    return orjson.loads(data)
