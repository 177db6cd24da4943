"""Records: a title and nouns for those of a table, from its name."""

import re
from collections.abc import Container

from nlp2filters.core.infer.word_lists import word_set
from nlp2filters.core.words import spaced

# They say how the table came about, not what it holds.
_TECHNICAL = word_set(
    "a all and backup catalog clean cleaned copy csv data database dataset db dim download dump export exported "
    "fact file final full in inferred input json latest list listing main master my new of old orig original out "
    "output parquet processed prod public raw records report result results rows sample small sqlite table tables "
    "tbl temp test the tmp train v view xls xlsx"
)
_IRREGULAR = {
    "people": "person",
    "children": "child",
    "men": "man",
    "women": "woman",
    "mice": "mouse",
    "feet": "foot",
    "teeth": "tooth",
    "geese": "goose",
    "movies": "movie",
    "cookies": "cookie",
    "series": "series",
    "species": "species",
    "caches": "cache",
    "shoes": "shoe",
    "heroes": "hero",
    "statuses": "status",
    "viruses": "virus",
    "bonuses": "bonus",
    "monarchs": "monarch",
    "stomachs": "stomach",
    "buses": "bus",
    "gas": "gas",
    "news": "news",
    "leaves": "leaf",
    "wolves": "wolf",
    "knives": "knife",
}
_PLURALS = {one: many for many, one in _IRREGULAR.items()}
_PLURAL_IN_ES = re.compile(r"(?:ss|x|zz|ch|sh)es$")
_WORD = re.compile(r"[^\W_]+")
_CONSONANT_Y = re.compile(r".*[^aeiou]y")
_SHORTEST_NOUN = 3
_NO_PLURAL = ("ss", "us", "is")


def title(name: str) -> str:
    """Return "Orders" for "orders", and "Job postings" for "job_postings_2023"; empty if nothing is left."""
    parts = _words(name)
    return " ".join(parts).capitalize()


def nouns(name: str, meanings: Container[str] = ()) -> tuple[str, ...]:
    """Return the words for one record and for several: "order" and "orders" for "orders".

    `meanings` are words in lower case that mean something else: a noun is no condition.
    """
    parts = _words(name)
    if not parts or len(parts[-1]) < _SHORTEST_NOUN or not parts[-1].isalpha():
        return ()
    *before, last = parts
    one = singular(last)
    forms = (one, plural(one))
    phrases = tuple(" ".join((*before, form)) for form in forms) if before else ()
    return tuple(noun for noun in dict.fromkeys((*phrases, *forms)) if noun not in meanings)


def _words(name: str) -> list[str]:
    words = [word.lower() for word in _WORD.findall(spaced(name))]
    return [word for word in words if word not in _TECHNICAL and not word[0].isdigit()]


def singular(noun: str) -> str:
    """Return the singular of an English noun in lower case: "categories" is "category"."""
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if len(noun) < 4 or not noun.endswith("s") or noun.endswith(_NO_PLURAL):
        return noun
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    return noun[:-2] if _PLURAL_IN_ES.search(noun) else noun[:-1]


def plural(noun: str) -> str:
    """Return the plural of an English noun in lower case."""
    if noun in _PLURALS:
        return _PLURALS[noun]
    if _CONSONANT_Y.fullmatch(noun):
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "z", "ch", "sh")) else "s")
