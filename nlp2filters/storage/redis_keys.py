"""The names of all Redis keys, channels and queues."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """Names under one prefix, so that several services can share a server. ARQ's own keys begin with `arq:`."""

    prefix: str = "n2f"

    def job(self, job_id: str) -> str:
        """Hash: `seq`, `record`, `request`, later `draft`, `answer`, `reading` (a text may refine it), `result`,
        `put_off_ms`."""
        return f"{self.prefix}:job:{job_id}"

    def events(self, job_id: str) -> str:
        """Stream: `event`, `data`. Each addition is published on the channel of the same name."""
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

    def tombstone(self, job_id: str) -> str:
        """The owner of a job; it outlives the job, to distinguish an expired job from one that never existed."""
        return f"{self.prefix}:known:{job_id}"

    def once(self, owner: str, key: str) -> str:
        """The value of an owner's idempotency key: the SHA-256 of the request, `:`, the id of the job or batch."""
        return f"{self.prefix}:once:{owner}:{key}"

    def message(self, job_id: str) -> str:
        """The message for a job's webhook, as JSON; it outlives a deleted job."""
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

    def parts(self, job_id: str, what: str) -> str:
        """The parts of a job's present stage: `states`, `waiting`, `queued` or `payloads` (see lua/parts.lua)."""
        return f"{self.prefix}:parts:{job_id}:{what}"

    def split_jobs(self, stage: str) -> str:
        """Set of the jobs that are split at a stage. Those that have expired meanwhile may be among them."""
        return f"{self.prefix}:split-jobs:{stage}"

    def part_stats(self, stage: str) -> str:
        """Hash of counters: the parts that have `succeeded` and `failed` at a stage, and the `ms` that they ran."""
        return f"{self.prefix}:part-stats:{stage}"

    def part(self, owner: str, digest: str) -> str:
        """A large part of an owner's requests, as JSON, by its SHA-256."""
        return f"{self.prefix}:part:{owner}:{digest}"

    def added(self, owner: str) -> str:
        """Hash of the bytes that an owner's requests have added, by the number of the time window."""
        return f"{self.prefix}:added:{owner}"

    def added_blobs(self, owner: str) -> str:
        """Hash of the bytes that an owner's blobs have added, if these have a quota of their own."""
        return f"{self.prefix}:added-blobs:{owner}"

    def blob(self, owner: str, digest: str) -> str:
        """Hash: an owner's blob in chunks by number, by its SHA-256; `upload`: the upload that it was."""
        return f"{self.prefix}:blob:{owner}:{digest}"

    def blob_upload(self, owner: str, upload: str) -> str:
        """Hash: the chunks of an owner's unfinished upload by number."""
        return f"{self.prefix}:blob-upload:{owner}:{upload}"

    def answer(self, owner: str, digest: str) -> str:
        """An LLM's answer, as JSON, by a digest of all that it depends on."""
        return f"{self.prefix}:answer:{owner}:{digest}"

    def derived(self, owner: str, key: str) -> str:
        """A result that was derived from an owner's content, by the SHA-256 of what it depends on."""
        return f"{self.prefix}:derived:{owner}:{key}"

    def added_derived(self, owner: str) -> str:
        """Hash of the bytes that an owner's derived results have added, by the number of the time window."""
        return f"{self.prefix}:added-derived:{owner}"

    def vectors(self, index_id: str) -> str:
        """Hash of a catalog index: packed vectors by the number of their chunk, and `names` until it is complete.

        The id is the owner, `:` and a SHA-256; without an owner for the packaged catalogs.
        """
        return f"{self.prefix}:vectors:{index_id}"

    def rate(self, owner: str, window: int) -> str:
        """Counter of an owner's texts in the time window with this number."""
        return f"{self.prefix}:rate:{owner}:{window}"

    def token(self, digest: str) -> str:
        """The access that a stream token grants, as JSON, by the SHA-256 of the token."""
        return f"{self.prefix}:token:{digest}"

    def usage_of_job(self, job_id: str) -> str:
        """Hash of what the calls of providers for a job took: token counts, `calls`, `cost_micros`, `call:{id}`."""
        return f"{self.prefix}:usage-of-job:{job_id}"

    def call_budget(self, job_id: str) -> str:
        """Hash of what is reserved of a job's budget for LLM calls: `calls`, `tokens`, and its latest failures."""
        return f"{self.prefix}:call-budget:{job_id}"

    def usage_of_key(self, key_id: str, day: str) -> str:
        """Hash of the same for an API key and a day (UTC)."""
        return f"{self.prefix}:usage-of-key:{key_id}:{day}"

    @property
    def usage(self) -> str:
        """Hash of the same for the whole service, by provider, model and name (see storage/spending.py)."""
        return f"{self.prefix}:usage"

    @property
    def api_keys(self) -> str:
        """Hash of the API keys: id to the key's record, without the key itself."""
        return f"{self.prefix}:api-keys"

    @property
    def stats(self) -> str:
        """Hash of counters: jobs `created`, and jobs by outcome."""
        return f"{self.prefix}:stats"

    @property
    def counts(self) -> str:
        """Hash of the counts that all processes share: see core/counts.py."""
        return f"{self.prefix}:counts"

    @property
    def open(self) -> str:
        """Hash of the unfinished jobs and deliveries: id to the place of the queue entry (see lua/queue.lua)."""
        return f"{self.prefix}:open"

    @property
    def rescue(self) -> str:
        """The worker that looks for orphans; while the key exists, no other worker does."""
        return f"{self.prefix}:rescue"

    @property
    def providers(self) -> str:
        """Hash of the providers that workers call: name to the limit and the breaker that they share, as JSON."""
        return f"{self.prefix}:providers"

    def queue(self, stage: str) -> str:
        """The queue of a stage: a sorted set, and further ones with this prefix (see lua/queue.lua)."""
        return f"{self.prefix}:queue:{stage}"

    def workers(self, stage: str) -> str:
        """Sorted set of the worker processes of a stage, by the time in ms until which they count as alive."""
        return f"{self.prefix}:workers:{stage}"

    def activity(self, stage: str) -> str:
        """Hash of what each worker process of a stage is doing, as JSON."""
        return f"{self.prefix}:activity:{stage}"

    def failed(self, what: str) -> str:
        """Sorted set of the latest `jobs` that failed, or `deliveries` that were given up, by time in ms."""
        return f"{self.prefix}:failed:{what}"

    def health(self, worker: str) -> str:
        """ARQ's health record of one worker process."""
        return f"{self.prefix}:health:{worker}"

    @property
    def web(self) -> str:
        """Channel that every web process listens on, so that its listener is never without a subscription."""
        return f"{self.prefix}:web"


def escaped(name: str) -> str:
    """Return a pattern that only this name matches, for Redis's SCAN."""
    return re.sub(r"([\\*?\[\]])", r"\\\1", name)
