"""Columns: the cells of one, read in every possible way in one pass, in memory that does not grow with their number.

The different texts are counted, up to a limit, and read once all cells are there; the texts beyond the limit are read
as they come.
"""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nlp2filters.core.infer.answers import Answers
from nlp2filters.core.infer.moments import Clocks, Moments
from nlp2filters.core.infer.numbers import Amounts
from nlp2filters.core.infer.unknowns import is_value, may_be_unknown

# A catalog's known values have at most this length.
MAX_VALUE_LENGTH = 200
# Longer texts are not counted, though they may be lists.
_MAX_TEXT = 4_000
_MAX_UNKNOWNS = 100


@dataclass(slots=True)
class Column:
    """A column so far: the number of `cells` with a value, and its different texts with their counts.

    `many`: a cell had a list. `overflow`: some texts are not in `distinct`, because they were too many or too long.
    `unknowns` are cells such as "N/A".
    """

    max_distinct: int
    cells: int = 0
    many: bool = False
    overflow: bool = False
    distinct: Counter[str] = field(default_factory=Counter)
    unknowns: Counter[str] = field(default_factory=Counter)
    # Values that the source did not give as text.
    natives: dict[str, Any] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)
    amounts: Amounts = field(default_factory=Amounts)
    moments: Moments = field(default_factory=Moments)
    clocks: Clocks = field(default_factory=Clocks)
    room: int = field(init=False)
    # The readings that may still fit.
    readings: list[Answers | Amounts | Moments | Clocks] = field(init=False)

    def __post_init__(self) -> None:
        """Make room for as many texts as known values."""
        self.room = self.max_distinct * MAX_VALUE_LENGTH
        self.readings = [self.answers, self.amounts, self.moments, self.clocks]

    def add(self, value: object, times: int = 1) -> None:
        """Count a cell that occurs `times` times.

        Raises:
            TypeError, ValueError, ArithmeticError: no field can hold the value.
        """
        if not isinstance(value, list | tuple):
            self.cells += times if self._add(value, times) else 0
            return
        self.many = True
        self.cells += times * (sum([self._add(item, times) for item in value]) > 0)

    def _add(self, value: object, times: int) -> bool:
        """Count a single value; return False for an unknown one."""
        if isinstance(value, str):
            if value in self.distinct:
                self.distinct[value] += times
                return True
            plain: Any = value.strip()
            if not plain:
                return False
            if may_be_unknown(plain) and len(self.unknowns) < _MAX_UNKNOWNS:
                self.unknowns[plain] += times
                return False
        else:
            plain = value
            # NaN differs from itself.
            if value is None or value != value:
                return False
            if not isinstance(value, int | float | Decimal | dt.date | dt.time):
                raise TypeError(f"A field cannot hold a value of type {type(value).__name__}.")
        self._count(plain, str(value), times)
        return True

    def _count(self, plain: Any, text: str, times: int) -> None:
        if text in self.distinct:
            self.distinct[text] += times
        elif len(self.distinct) < self.max_distinct and len(text) <= min(self.room, _MAX_TEXT):
            self.distinct[text] = times
            self.room -= len(text)
            if not isinstance(plain, str):
                self.natives[text] = plain
        else:
            self.overflow = True
            self._read(plain, text, times)

    def settle(self) -> None:
        """Read the texts that were counted, once no cell is left."""
        for text, times in self.distinct.items():
            self._read(self.natives.get(text, text.strip()), text, times)

    def _read(self, plain: Any, text: str, times: int) -> None:
        if given_up := [reading for reading in self.readings if not reading.add(plain, text, times)]:
            self.readings = [reading for reading in self.readings if not any(reading is one for one in given_up)]

    def strings(self) -> Counter[str]:
        """Return the different texts that may be known values, with cells such as "NA" where they fit the others."""
        texts = Counter({text: times for text, times in self.distinct.items() if len(text) <= MAX_VALUE_LENGTH})
        fitting = {text: times for text, times in self.unknowns.items() if is_value(text, self.distinct)}
        return texts + Counter(fitting)
