"""Dates: days and periods, absolute ("March 2005", "the 90s") or relative to today ("last week", "3 days ago").

A period has a first and a last day. Relative dates stay symbolic, so that the same interpretation is right tomorrow
too. Each way to write a date is a rule in one of the modules; the longest reading wins.
"""

import datetime as dt
from collections.abc import Sequence

from nlp2filters.core.languages import Language
from nlp2filters.core.parser.dates import parts
from nlp2filters.core.parser.dates.periods import FIRST_YEAR, LAST_YEAR, Day, Period
from nlp2filters.core.parser.dates.periods import calendar_year as year
from nlp2filters.core.parser.dates.rules import DateCursor, longest
from nlp2filters.core.words import Token

__all__ = ["FIRST_YEAR", "LAST_YEAR", "RULES", "Day", "Period", "read", "year"]

RULES = (*parts.WHOLE, *parts.RULES)


def read(tokens: Sequence[Token], at: int, language: Language, today: dt.date) -> Period | None:
    """Read the longest date or period that begins at the token `at`. A bare year is left to `year`."""
    return longest(RULES, DateCursor(tokens, at, language, today))
