"""Fault injection for the chaos suite: points in the code at which a process kills itself.

They are where a death hurts most: between doing something and recording it.
"""

import logging
import os
import random
import signal
from collections.abc import Mapping

POINTS = (
    "job-created",  # The web process has committed the job, but not answered.
    "stage-begun",  # A worker has committed the attempt, but not begun the work.
    "llm-answered",  # The LLM has answered, but the answer is not stored.
    "llm-kept",  # The answer is stored, but not used.
    "stage-done",  # The work is done, but not committed.
    "webhook-sent",  # The receiver has the message, but we have not logged that.
)

Faults = Mapping[str, float]

_log = logging.getLogger(__name__)


def parse(text: str) -> Faults:
    """Read `point:probability, …`.

    Raises:
        ValueError: a point is unknown, or has no probability.
    """
    faults = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, probability = part.partition(":")
        if name not in POINTS:
            raise ValueError(f"unknown point {name!r}; there are {', '.join(POINTS)}")
        faults[name] = float(probability)
    return faults


def reach(faults: Faults, point: str) -> None:
    """Kill this process at the point, with the configured probability."""
    if random.random() < faults.get(point, 0):  # noqa: S311
        _log.warning("dying, as FAULTS says", extra={"point": point})
        logging.shutdown()  # SIGKILL lets no thread write this line
        os.kill(os.getpid(), signal.SIGKILL)
