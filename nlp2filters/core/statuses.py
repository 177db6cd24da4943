"""The statuses of a job, and those of each of its stages."""

from typing import Literal, get_args

# A job ends with one of these outcomes, and never leaves it.
Outcome = Literal["succeeded", "failed", "canceled", "expired"]
Status = Literal["queued", "running", "canceling", Outcome]
StageStatus = Literal["waiting", "queued", "running", "succeeded", "failed"]

STATUSES: tuple[Status, ...] = get_args(Status)
TERMINAL: frozenset[Status] = frozenset(get_args(Outcome))
RETRYABLE: frozenset[Status] = TERMINAL - {"succeeded"}
