"""Models of the answers to operators, who see the whole service."""

from nlp2filters.core.schemas import Job, ProviderState, Strict


class WorkerActivity(Strict):
    """A worker as of its last heartbeat: it runs `running` entries of at most `slots`."""

    name: str
    running: int
    slots: int
    version: str | None
    since: str | None


class QueueActivity(Strict):
    """A queue: `due` of its entries wait for a worker, the first one for `overdue_s`."""

    entries: int
    due: int
    overdue_s: float
    workers: list[WorkerActivity]


class OwnedJob(Strict):
    """A job and its owner."""

    owner: str
    job: Job


class UndeliveredWebhook(Strict):
    """A webhook that was given up: of the job or batch `subject`, with the last attempt's status and error."""

    subject: str
    owner: str | None
    url: str | None
    at: str
    status: int | None
    error: str | None


class RedisState(Strict):
    """The memory and connections of Redis, and how long it took to answer; limits are 0 where there are none."""

    memory_bytes: int
    max_memory_bytes: int
    clients: int
    max_clients: int
    ping_s: float


class OperatorState(Strict):
    """The state of the whole service: at most 100 of the unfinished jobs, and the latest 100 failures of each sort."""

    version: str
    at: str
    unfinished: int
    counts: dict[str, int]
    queues: dict[str, QueueActivity]
    providers: dict[str, ProviderState]
    redis: RedisState
    unfinished_jobs: list[OwnedJob]
    failed_jobs: list[OwnedJob]
    undelivered: list[UndeliveredWebhook]
