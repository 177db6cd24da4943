"""The queues, one per stage, in ARQ's own format: what an entry is called and how it is written."""

from importlib.resources import files
from typing import Any

import orjson
from arq.constants import in_progress_key_prefix, job_key_prefix
from arq.jobs import serialize_job

MAIN, QUICK = "main", "quick"  # lanes of a queue
SEPARATOR = "\x1f"  # as in lua/queue.lua
FUNCTIONS = {"embedding": "embed", "llm": "translate", "delivery": "deliver"}


def lua(*names: str) -> str:
    """The text of a script: that of the named files, of which the earlier ones hold functions for the later."""
    folder = files(__package__) / "lua"
    return "".join(folder.joinpath(f"{name}.lua").read_text() for name in names)


def entry_id(stage: str, job_id: str, number: int | str = 0) -> str:
    """ARQ's id of a job's entry in the queue of a stage. ARQ's ids are global over queues, hence the stage.

    `number` tells an entry from every other one of the job in that queue: a late command about an earlier entry, by a
    worker that was frozen, changes nothing of this one.
    """
    return f"{job_id}:{stage}" + (f"-{number}" if number else "")


def entry_key(stage: str, job_id: str, number: int | str = 0) -> str:
    """The Redis key under which ARQ looks for the entry."""
    return str(job_key_prefix) + entry_id(stage, job_id, number)


def lease_key(stage: str, job_id: str, number: int | str = 0) -> str:
    """The Redis key of the lease on the entry, ARQ's sign that a worker runs it."""
    return str(in_progress_key_prefix) + entry_id(stage, job_id, number)


def index_entry_id(digest: str) -> str:
    """ARQ's id of the entry that has a catalog index built."""
    return f"index-{digest}:embedding"


def index_entry_key(digest: str) -> str:
    """The Redis key under which ARQ looks for that entry."""
    return str(job_key_prefix) + index_entry_id(digest)


def index_entry(digest: str, now_ms: int) -> bytes:
    """What ARQ reads when it runs that entry."""
    return _serialized("index", digest, now_ms)


def job_of(entry_id: str) -> str:
    """The job that an entry is about."""
    return entry_id.rpartition(":")[0]


def wake_key(queue_name: str, lane: str = MAIN) -> str:
    """The sorted set whose one member tells an idle worker to look at that lane of the queue."""
    return f"{queue_name}:wake:{lane}"


def all_key(queue_name: str) -> str:
    """The sorted set of all entries of a queue, by the time in ms since which they are due."""
    return f"{queue_name}:all"


def group(owner: str, *, lane: str = MAIN, receiver: str = "") -> str:
    """The name of a group of entries, which take turns with other groups: those of an owner, in a lane.

    Deliveries have a group for each `receiver`, too.
    """
    return SEPARATOR.join((lane, owner, receiver))


def lane_of(group: str) -> str:
    """The lane of a group."""
    return group.partition(SEPARATOR)[0]


def entry(stage: str, job_id: str, now_ms: int) -> bytes:
    """What ARQ reads when it runs the entry: the stage's function with the job id, nothing else."""
    return _serialized(FUNCTIONS[stage], job_id, now_ms)


def _serialized(function: str, argument: str, now_ms: int) -> bytes:
    data = serialize_job(function, (argument,), {}, None, now_ms, serializer=dumps)
    assert isinstance(data, bytes)
    return data


def dumps(data: Any) -> bytes:
    """ARQ's serializer: JSON, never pickle. An exception as a job's result is kept as its repr."""
    return orjson.dumps(data, default=repr)


def loads(data: bytes) -> Any:
    """ARQ's deserializer."""
    return orjson.loads(data)
