"""The name of every Redis key, channel and queue."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """Names under one prefix, so that several services can share a server. ARQ's own keys begin with `arq:`."""

    prefix: str = "n2f"

    def job(self, job_id: str) -> str:
        """Hash: `seq`, `record`, `request`, later `draft`, `answer`, `reading` (a text may go on from it), `result`."""
        return f"{self.prefix}:job:{job_id}"

    def events(self, job_id: str) -> str:
        """Stream: `event`, `data`. Also the pub/sub channel that is told of each addition."""
        return f"{self.prefix}:events:{job_id}"

    def deliveries(self, job_id: str) -> str:
        """List of the attempts to deliver a job's webhook, as JSON."""
        return f"{self.prefix}:deliveries:{job_id}"

    def index(self, owner: str) -> str:
        """Sorted set of an owner's job ids by creation time in ms."""
        return f"{self.prefix}:jobs:{owner}"

    def pending(self, owner: str) -> str:
        """Sorted set of an owner's jobs that have not ended, by the time in ms until which they count."""
        return f"{self.prefix}:pending:{owner}"

    def known(self, job_id: str) -> str:
        """The owner of a job; outlives the job, so that one that has been is told from one that never was."""
        return f"{self.prefix}:known:{job_id}"

    def once(self, owner: str, key: str) -> str:
        """What an owner's idempotency key stands for: the SHA-256 of the request, `:`, the id of what it made."""
        return f"{self.prefix}:once:{owner}:{key}"

    def message(self, job_id: str) -> str:
        """What a job's webhook is told, as JSON: it outlives a job that was deleted."""
        return f"{self.prefix}:message:{job_id}"

    def batch(self, batch_id: str) -> str:
        """Hash: `record` of a batch."""
        return f"{self.prefix}:batch:{batch_id}"

    def batch_open(self, batch_id: str) -> str:
        """Set of the jobs of a batch that have not ended."""
        return f"{self.prefix}:batch-open:{batch_id}"

    def catalogs(self, owner: str) -> str:
        """Hash of an owner's catalogs: name to a summary with the hash of the content."""
        return f"{self.prefix}:catalogs:{owner}"

    def catalog(self, owner: str, name: str, digest: str) -> str:
        """A catalog's content, as JSON."""
        return f"{self.prefix}:catalog:{owner}:{name}:{digest}"

    def part(self, owner: str, digest: str) -> str:
        """A large part of an owner's requests, as JSON, by its SHA-256."""
        return f"{self.prefix}:part:{owner}:{digest}"

    def added(self, owner: str) -> str:
        """Hash of the bytes that an owner's requests have added, by the number of a window of time."""
        return f"{self.prefix}:added:{owner}"

    def vectors(self, digest: str) -> str:
        """Hash of a catalog index: packed vectors by the number of their chunk, and `names` until all are there."""
        return f"{self.prefix}:vectors:{digest}"

    def rate(self, owner: str, window: int) -> str:
        """How many requests an owner made in the window of that number."""
        return f"{self.prefix}:rate:{owner}:{window}"

    def token(self, digest: str) -> str:
        """What a stream token, by its SHA-256, gives access to."""
        return f"{self.prefix}:token:{digest}"

    @property
    def api_keys(self) -> str:
        """Hash of the API keys: id to what is known of the key, without the key itself."""
        return f"{self.prefix}:api-keys"

    @property
    def stats(self) -> str:
        """Hash of counters: jobs `created`, and of each outcome."""
        return f"{self.prefix}:stats"

    @property
    def open(self) -> str:
        """Hash of the jobs and deliveries that have not ended: id to where its queue entry is (see lua/queue.lua)."""
        return f"{self.prefix}:open"

    @property
    def rescue(self) -> str:
        """The worker that looks for orphans; while it is there, no other does."""
        return f"{self.prefix}:rescue"

    def queue(self, stage: str) -> str:
        """The queue of a stage: a sorted set, and others whose names begin with it (see lua/queue.lua)."""
        return f"{self.prefix}:queue:{stage}"

    def workers(self, stage: str) -> str:
        """Sorted set of the worker processes of a stage, by the time in ms until which they count as alive."""
        return f"{self.prefix}:workers:{stage}"

    def health(self, worker: str) -> str:
        """ARQ's health record of one worker process."""
        return f"{self.prefix}:health:{worker}"

    @property
    def web(self) -> str:
        """Channel that every web process listens on, so that its listener is never without a subscription."""
        return f"{self.prefix}:web"
