"""Refusals of what the standard has and a filter cannot mean here: each names a form that works."""

from collections.abc import Mapping

ARRAYS = "Of a list, this cannot be tested. Use a_contains (all the values are in it) or a_overlaps (one of them is)."
CASES_OF_ELEMENTS = "`casei` cannot be around elements of a list. Use = or in, with `casei` around both of their sides."
ONE_SIDED = "`casei` is around one side only, so upper case is never equal. Put it around both sides."

_ARITHMETIC = "Arithmetic is not supported. Compute the value, and compare the property with it."
_SPATIAL = "Spatial functions are not supported: of a place, only isNull can be tested. Leave this test to your query."
_ACCENTS = "Accents always count. Leave out `accenti`, and list the spellings with `in` if there are several."

# The operators by name.
REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("+", "-", "*", "/", "^", "%", "div"), _ARITHMETIC),
    **dict.fromkeys(("a_containedBy", "a_equals"), ARRAYS),
    "accenti": _ACCENTS,
    "casei": "`casei` is no test. Put it around both sides of =, <>, in or like.",
    **dict.fromkeys(
        (
            *("s_contains", "s_crosses", "s_disjoint", "s_equals"),
            *("s_intersects", "s_overlaps", "s_touches", "s_within"),
        ),
        _SPATIAL,
    ),
}
