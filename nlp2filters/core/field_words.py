"""The words of a field: the forms in which people write and say its name.

Every part that compares words of a text with the name of a field takes them from here. `Field.title` is the name that
people read.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from nlp2filters.core.catalog import Field
from nlp2filters.core.languages import Language
from nlp2filters.core.words import fold, spaced, stem

_ASIDE = re.compile(r"\([^()]*\)")
_PUNCTUATION = "()[],.:"
_FOOTNOTES = "¹²³⁴⁵⁶⁷⁸⁹⁰*†‡ "


def spelled_out(field: Field) -> str:
    """Return the words of the name and the label: "max_speed" labelled "Top speed" is "max speed Top speed"."""
    return spaced(f"{field.name} {field.label}")


def words(field: Field) -> frozenset[str]:
    """Return the folded words of the name and the label."""
    return _folded(spelled_out(field))


@lru_cache(maxsize=16_384)
def _folded(text: str) -> frozenset[str]:
    return frozenset(map(fold, text.split()))


def stems(text: str, language: Language) -> frozenset[str]:
    """Return the stems of the words of a text about a field."""
    return frozenset(stem(fold(word.strip(_PUNCTUATION)), language.stemmer) for word in text.split())


def stems_of_names(field: Field, language: Language) -> frozenset[str]:
    """Return the stems of the words of the name, the label and the synonyms."""
    return stems(" ".join((spelled_out(field), *field.synonyms)), language)


def stems_of_description(field: Field, language: Language) -> frozenset[str]:
    """Return the stems of the words in the description, up to its first semicolon and without asides."""
    return stems(_ASIDE.sub("", field.description.partition(";")[0]), language)


def spoken_title(field: Field) -> str:
    """Return the label, or else the words of the name."""
    return field.label or spaced(field.name)


def exact_names(field: Field) -> Iterator[str]:
    """Yield the names as the catalog has them: "max_speed (km/h)" is "max speed (km/h)"."""
    yield from dict.fromkeys((spaced(field.name), field.title))


def without_aside(name: str) -> str | None:
    """Return a name without the parts in parentheses, if it has such parts and others."""
    plain = " ".join(_ASIDE.sub(" ", name).split())
    return plain if plain != name else None


def plain_names(name: str) -> Iterator[str]:
    """Yield a name as people say it: without the parts in parentheses, and only the last part of a path."""
    plain = _ASIDE.sub(" ", name).replace("#", " number ").strip(_FOOTNOTES)
    yield spaced(plain)
    if "." in plain.strip("."):
        yield spaced(plain.strip(".").rpartition(".")[2])


def short_name(name: str, language: Language) -> str | None:
    """Shorten a name as people do: "number of beds" becomes "beds"; None if nothing can be left out."""
    plain = " ".join(name.lower().split())
    for before in language.fields.before:
        if plain.startswith(before + " "):
            return plain.removeprefix(before + " ")
    for after in language.fields.after:
        if plain.endswith(" " + after):
            return plain.removesuffix(" " + after)
    return None


def is_count(name: str, language: Language) -> bool:
    """Return whether a name says that something is counted: "review count"."""
    return name.lower().split()[-1:] == [language.fields.count_word]
