"""A small shop, and readings of texts against its catalog."""

import datetime as dt

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.filters import Filter
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser import parse

TODAY = dt.date(2026, 11, 24)

SHOP = catalogs.parse(
    {
        "name": "shop",
        "nouns": ["headphones", "headphone"],
        "fields": [
            {"name": "price", "type": "money", "currency": "USD"},
            {"name": "brand", "type": "keyword", "values": ["Beats", "Sony", "Bose"], "closed": True},
            {"name": "color", "type": "keyword", "values": ["red", "blue", "black"], "closed": True},
            {"name": "features", "type": "keyword", "many": True, "values": ["bluetooth", "anc", "microphone"]},
            {"name": "wireless", "type": "boolean"},
            {"name": "waterproof", "type": "boolean"},
            {"name": "released", "type": "date"},
            {"name": "weight", "type": "number", "unit": "g"},
            {"name": "title", "type": "text"},
        ],
    }
)
SHOWS = catalogs.parse(
    {
        "name": "shows",
        "fields": [{"name": "starts", "type": "time"}, {"name": "runtime", "type": "duration", "unit": "min"}],
    }
)


def read(text: str, catalog: Catalog = SHOP) -> Interpretation:
    return parse(text, Lexicon.of(catalog), today=TODAY)


def filter_of(text: str, catalog: Catalog = SHOP) -> Filter | None:
    return read(text, catalog).filter
