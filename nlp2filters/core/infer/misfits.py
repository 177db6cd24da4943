"""Misfits: the cells of a column that one reading of it cannot take."""

from collections import Counter
from dataclasses import dataclass, field

MAX_EXAMPLES = 5
# A reading is given up once this many cells, and most of all, are misfits.
_HOPELESS = 500
# Where almost all cells fit, up to this many words of no digits are taken for unknown values: "on request".
_MAX_WORDS = 2
_MIN_FITTING, _MIN_SHARE = 20, 0.9


@dataclass(slots=True)
class Misfits:
    """A count of the cells that do not fit, with the first few different ones."""

    cells: int = 0
    examples: Counter[str] = field(default_factory=Counter)
    more: bool = False

    def add(self, text: str, times: int) -> None:
        """Count a cell that occurs `times` times."""
        self.cells += times
        if text in self.examples or len(self.examples) < MAX_EXAMPLES:
            self.examples[text] += times
        else:
            self.more = True

    def exceed(self, fitting: int) -> bool:
        """Return whether so many cells do not fit that there is no point in reading on."""
        return self.cells > _HOPELESS and self.cells > fitting

    def are_words_for_unknown(self, fitting: int) -> bool:
        """Return whether the misfits are few, and words: beside so many that fit, they say that there is no value."""
        if self.more or len(self.examples) > _MAX_WORDS or fitting < _MIN_FITTING:
            return False
        if fitting < _MIN_SHARE * (fitting + self.cells):
            return False
        return not any(char.isdigit() for text in self.examples for char in text)
