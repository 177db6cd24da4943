"""Names of columns that say what the numbers in them are: answers, identifiers, money, instants, lengths of time."""

from collections.abc import Sequence

from nlp2filters.core.infer.word_lists import word_set

_ANSWERING_FIRST = word_set(
    "is has was were had can may should did does do will allow allows accepts es esta tiene ist hat est"
)
_ANSWERING_LAST = word_set("flag bool boolean yn indicator allowed only")
_ANSWERING = word_set(
    "active inactive alive dead alone valid invalid public private visible hidden open online offline new spam "
    "fraud churn smoker single pregnant remote urgent paid unpaid sold won lost free default holiday weekend "
    "weekday workingday vegan vegetarian wireless bluetooth waterproof fragile hot shipped broken done known "
    "secure activo disponible aktiv verfugbar"
)
# Participles ("survived", "discontinued") and what can be done ("refundable") say yes or no; these only end like them.
_PARTICIPLE_ENDINGS = ("ed", "able", "ible")
_NO_PARTICIPLES = word_set("speed breed greed creed table cable variable vegetable")
_SHORTEST_PARTICIPLE = 5

_IDENTIFYING = word_set(
    "id uuid guid pk fk zip zipcode postcode plz phone telephone mobile fax isbn ean upc gtin ssn iban vin barcode"
)
# These identify only if no two records have the same.
_IDENTIFYING_IF_UNIQUE = word_set(
    "key code number no nr num ref reference sku serial account index row rownum rowid rownames"
)
# The name that a table's index gets when it is written without one.
_INDEX = "unnamed"

_MONEY = word_set(
    "price prices cost costs budget gross revenue revenues salary salaries fee fees fare rent income wage wages "
    "earnings payment turnover profit expense expenses subtotal spend spending deposit msrp preis kosten umsatz "
    "gehalt miete precio coste costo ingresos salario prix loyer"
)
_MONEY_LAST = word_set("total amount sales balance betrag importe tip tax discount")
_COUNTED = word_set("count number num quantity qty units items votes")

_TEMPORAL = word_set("at on ts time date datetime timestamp created updated modified epoch unix day since until")
_DATED = word_set("date day dt datum fecha yyyymmdd")
_LASTING = word_set("duration length runtime elapsed lap pace playtime laptime")


def answers(words: Sequence[str]) -> bool:
    """Return whether a name, as its words in lower case, asks yes or no: "is_active", "survived", "pets allowed"."""
    if not words:
        return False
    first, last = words[0], words[-1]
    if first in _ANSWERING_FIRST and len(words) > 1:
        return True
    is_adjective = last in _ANSWERING or (first in _ANSWERING and len(words) == 2)
    return is_adjective or last in _ANSWERING_LAST or _is_participle(last)


def _is_participle(word: str) -> bool:
    return len(word) >= _SHORTEST_PARTICIPLE and word.endswith(_PARTICIPLE_ENDINGS) and word not in _NO_PARTICIPLES


def identifies(words: Sequence[str], *, unique: bool) -> bool:
    """Return whether the numbers of a column only name things: "CustomerID", "zip"; `unique`: no two are the same."""
    if not words:
        return False
    return words[-1] in _IDENTIFYING or words[0] == _INDEX or (unique and words[-1] in _IDENTIFYING_IF_UNIQUE)


def is_money(words: Sequence[str]) -> bool:
    """Return whether a name says that the numbers are amounts of money: "price", "order_total"."""
    if not words or not _COUNTED.isdisjoint(words):
        return False
    return words[-1] in _MONEY_LAST or not _MONEY.isdisjoint(words)


def is_temporal(words: Sequence[str]) -> bool:
    """Return whether a name says that the numbers are instants: "created_at", "timestamp"."""
    return not _TEMPORAL.isdisjoint(words[-2:])


def is_dated(words: Sequence[str]) -> bool:
    """Return whether a name says that the numbers are days: "date" of 20240131."""
    return not _DATED.isdisjoint(words)


def lasts(words: Sequence[str]) -> bool:
    """Return whether a name says that "3:45" is a length of time."""
    return not _LASTING.isdisjoint(words)
