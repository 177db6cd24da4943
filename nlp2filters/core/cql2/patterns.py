"""Patterns of `like`: `%` stands for any characters, `_` for one, and a backslash makes the next one literal."""

import re

from nlp2filters.core.filters import Anchor

_FORMS = "Only the patterns %text%, text%, %text and text are understood"
_SIGNS = re.compile(r"\\.|.", re.DOTALL)


def escape_like(text: str) -> str:
    """Escape the wildcards of a pattern with a backslash."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def pattern_of(literal: str, anchor: Anchor, any_signs: str = "%") -> str:
    """Return the pattern for an escaped text at its anchor; `any_signs` is the wildcard."""
    before, after = any_signs * (anchor != "start"), any_signs * (anchor != "end")
    return f"{before}{literal}{after}"


def read_pattern(pattern: str) -> tuple[str, Anchor | None]:
    """Return the literal text of a pattern and its anchor, which is None for a pattern without wildcards.

    Raises:
        ValueError: it has another form; with a sentence that names one that works.
    """
    signs = _SIGNS.findall(pattern)
    if signs and signs[-1] == "\\":
        raise ValueError("The backslash at the end of the pattern stands before nothing. Double it if it is meant.")
    begins, ends = _count_wildcards(signs), _count_wildcards(signs[::-1])
    inner = signs[begins : len(signs) - ends]
    if "%" in inner:
        raise ValueError(f"{_FORMS}. Join two of them with `and`, or escape the inner % with a backslash.")
    if "_" in inner:
        raise ValueError(f"{_FORMS}. If the underscore is meant literally, escape it with a backslash.")
    text = "".join(sign[-1] for sign in inner)
    anchor: Anchor | None = "anywhere" if begins and ends else "end" if begins else "start" if ends else None
    return text, anchor


def _count_wildcards(signs: list[str]) -> int:
    return next((index for index, sign in enumerate(signs) if sign != "%"), len(signs))
