"""The timing of retries."""

import random
from dataclasses import dataclass

FIRST_S, MOST_S = 0.2, 10.0


@dataclass(frozen=True, slots=True)
class Retries:
    """A retry policy: to retry for `patience_s` seconds in all."""

    patience_s: float

    def wait_s(self, number: int, elapsed_s: float, retry_after_s: float | None = None) -> float | None:
        """Return the seconds to wait after failure `number` (from 0); None to give up.

        Waits grow, and are random from zero up ("full jitter"), so that clients that failed together do not return
        together. A wait that the service asks for is honoured, or the client gives up at once.
        """
        wait_s = (retry_after_s or 0) + backoff_s(number if retry_after_s is None else 0)
        return wait_s if elapsed_s + wait_s <= self.patience_s else None


def backoff_s(number: int) -> float:
    """Return a random wait after failure `number`, up to a limit that doubles with each.

    See https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
    """
    return random.uniform(0, min(MOST_S, FIRST_S * 2 ** min(number, 10)))  # noqa: S311
