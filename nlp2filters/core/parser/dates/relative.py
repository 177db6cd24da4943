"""Dates relative to today: days and calendar units around it."""

from nlp2filters.core.parser.dates import periods
from nlp2filters.core.parser.dates.absolute import NUMBER, WORD
from nlp2filters.core.parser.dates.periods import Period
from nlp2filters.core.parser.dates.rules import DateCursor, DateRule


def _day(cursor: DateCursor) -> Period | None:
    offset = cursor.dates.days.get(cursor.norm())
    return periods.shifted(offset, "day", 1) if offset is not None else None


def _unit(cursor: DateCursor) -> Period | None:
    relative = cursor.phrase(cursor.dates.relative)
    if not relative:
        return None
    which, length = relative
    number = cursor.integer(length)
    length += number is not None
    unit = cursor.unit_of_time(length)
    if unit is None:
        return None
    if number is None and which != "past":
        return periods.whole(which, unit, length + 1)
    return periods.reaching((number or 1) * (-1 if which in ("last", "past") else 1), unit, length + 1)


def _unit_before(cursor: DateCursor) -> Period | None:
    unit = cursor.unit_of_time()
    relative = cursor.phrase(cursor.dates.relative_behind, 1) if unit else None
    return periods.whole(relative[0], unit, 1 + relative[1]) if unit and relative else None


def _ago(cursor: DateCursor) -> Period | None:
    before = cursor.norm() in cursor.dates.ago_before
    number, unit = cursor.count(int(before)), cursor.unit_of_time(1 + before)
    if number is None or unit is None or not (before or cursor.norm(2) in cursor.dates.ago):
        return None
    return periods.shifted(-number, unit, 3)


RULES = (
    DateRule("calendar unit", WORD, {"en": ("this year", "last 7 days", "past month", "next two weeks")}, _unit),
    DateRule("calendar unit first", WORD, {"es": ("semana pasada", "mes que viene")}, _unit_before),
    DateRule("day", WORD, {"en": ("today", "yesterday"), "es": ("anteayer",)}, _day),
    DateRule("ago", NUMBER | WORD, {"en": ("3 days ago", "a week ago"), "es": ("hace 3 días", "hace un mes")}, _ago),
)
