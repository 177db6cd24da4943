"""Answers: the words that columns have for yes and no."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# No, then yes. A pair of letters needs both: a deck "F" or a grade "N" may be alone.
_PAIRS = (
    ("false", "true"),
    ("no", "yes"),
    ("n", "y"),
    ("f", "t"),
    ("off", "on"),
    ("nein", "ja"),
    ("no", "si"),
    ("no", "sí"),
    ("non", "oui"),
    ("n", "j"),
    ("n", "s"),
)
# A cell with one of these means yes, and an empty one no.
TICKS = frozenset({"x", "y", "✓", "✔", "☑"})
_WORDS = frozenset(word for pair in _PAIRS for word in pair) | TICKS
_LONGEST = 5
# All words together: none means yes in one pair, and no in another.
MEANINGS: Mapping[str, bool] = {
    **{no: False for no, _ in _PAIRS},
    **{yes: True for _, yes in _PAIRS},
    **dict.fromkeys(TICKS, True),
    **{"0": False, "1": True, "0.0": False, "1.0": True},
}


@dataclass(slots=True)
class Answers:
    """The cells of a column read as yes and no."""

    words: Counter[str] = field(default_factory=Counter)
    is_hopeless: bool = False

    def add(self, value: Any, text: str, times: int) -> bool:
        """Read one cell, as `Amounts.add` does."""
        word = str(value).lower() if isinstance(value, bool) else text.strip().lower()
        if len(word) > _LONGEST or word not in _WORDS or not isinstance(value, bool | str):
            self.is_hopeless = True
        else:
            self.words[word] += times
        return not self.is_hopeless

    def meanings(self, *, is_asked: bool) -> Mapping[str, bool] | None:
        """Return what each word means, or None if they are no answers. `is_asked`: the column's name asks yes or no."""
        if self.is_hopeless or not self.words:
            return None
        for no, yes in _PAIRS:
            if self.words.keys() <= {no, yes} and (len(self.words) == 2 or min(len(no), len(yes)) > 1 or is_asked):
                return {no: False, yes: True}
        return None

    @property
    def are_ticks(self) -> bool:
        """True if every cell is a tick."""
        return not self.is_hopeless and len(self.words) > 0 and self.words.keys() <= TICKS
