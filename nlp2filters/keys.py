"""The name of every Redis key, channel and queue."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """Names under one prefix, so that several services can share a server. ARQ's own keys begin with `arq:`."""

    prefix: str = "n2f"

    def job(self, job_id: str) -> str:
        """Hash: `seq`, `record`, `request`, and later `draft`, `answer`, `result`."""
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

    def queue(self, stage: str) -> str:
        """Sorted set of ARQ job ids by start time in ms: the queue of a stage."""
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
