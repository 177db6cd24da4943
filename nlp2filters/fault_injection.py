"""Faults on purpose: places in the code at which a process kills itself, for the chaos suite.

The places are those where a death hurts most: between doing something and writing it down.
"""

import logging
import os
import random
import signal
from collections.abc import Mapping

POINTS = (
    "job-created",  # web: committed, not answered
    "stage-begun",  # a worker: the attempt is committed, the work not begun
    "llm-answered",  # the answer is there, not kept
    "llm-kept",  # the answer is kept, nothing made of it
    "stage-done",  # the work is done, not committed
    "webhook-sent",  # the receiver has it, we have not noted it
)

Faults = Mapping[str, float]

_log = logging.getLogger(__name__)


def parse(text: str) -> Faults:
    """Read `point:probability, …`.

    Raises:
        ValueError: an unknown point, or no probability.
    """
    faults = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, probability = part.partition(":")
        if name not in POINTS:
            raise ValueError(f"unknown point {name!r}; there are {', '.join(POINTS)}")
        faults[name] = float(probability)
    return faults


def reach(faults: Faults, point: str) -> None:
    """Die here, if that is wanted and chance says so."""
    if random.random() < faults.get(point, 0):  # noqa: S311
        _log.warning("dying, as FAULTS says", extra={"point": point})
        os.kill(os.getpid(), signal.SIGKILL)
