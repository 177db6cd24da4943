"""Words that stand for an unknown value: "N/A", "null", "-"."""

import re
from collections.abc import Collection

# No column has these as values.
_ALWAYS = frozenset(
    {
        "n/a",
        "#n/a",
        "n.a.",
        "n.a",
        "null",
        "(null)",
        "<null>",
        "nan",
        "-nan",
        "<na>",
        "\\n",
        "#value!",
        "#ref!",
        "#div/0!",
    }
)
# These are values of some columns: "none" of allergens, "-" beside "+".
_MARKS = frozenset({"-", "--", "---", "–", "—", "?", "??", "???", ".", "..", "…", "*"})
_WORDS = frozenset({"na", "nil", "none", "unknown", "undefined", "missing", "tbd", "tba", "k.a.", "s/d", "no data"}) | {
    *("not available", "not applicable", "not known", "not given", "(none)", "(blank)", "(unknown)")
}
UNKNOWNS = _ALWAYS | _MARKS | _WORDS
_LONGEST = max(map(len, UNKNOWNS))

# A surname or a title, beside words such as "NULL" and "null".
_NAMELIKE = frozenset({"Null", "Nan"})
_CODE = re.compile(r"[A-Z]{2,3}")


def may_be_unknown(text: str) -> bool:
    """Return whether a cell may stand for an unknown value; which it does, the rest of the column tells."""
    return len(text) <= _LONGEST and text.casefold() in UNKNOWNS


def is_value(text: str, others: Collection[str]) -> bool:
    """Return whether such a cell is a value of a column of strings, beside its others: "NA" beside "DE" and "FR"."""
    folded = text.casefold()
    if text in _NAMELIKE:
        return True
    if folded in _ALWAYS:
        return False
    if folded in _MARKS:
        return bool(others) and not any(char.isalnum() for other in others for char in other)
    if folded == "na":
        return bool(others) and all(_CODE.fullmatch(other) for other in others)
    return bool(others)
