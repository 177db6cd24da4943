"""The work that one text may cost, counted in steps: pure code has no clock and must behave the same everywhere."""

from dataclasses import dataclass

from nlp2filters.errors import TextTooComplex

MAX_STEPS = 3_000_000
TOKEN_STEPS = 40
CHUNK_STEPS = 40
CONVERSION_STEPS = 10
SPELLINGS_PER_STEP = 16


@dataclass(slots=True)
class Budget:
    """The steps that a text may take. A step is about a microsecond of work on a machine of 2024."""

    limit: int = MAX_STEPS
    spent: int = 0

    def spend(self, steps: int) -> None:
        """Count work before it is done.

        Raises:
            TextTooComplex: it is more than is left.
        """
        self.spent += steps
        if self.spent > self.limit:
            raise TextTooComplex(f"more than {self.limit:,} steps")
