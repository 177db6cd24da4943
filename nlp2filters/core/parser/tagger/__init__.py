"""The tagger: a small network over the embedding model's vectors. It marks the words that are values of a field.

It reads what rules cannot: that "Boulder" in "the county of the bridge in Boulder" is a location, and where a title
ends. It knows no field by name: a field is the vector of its own title and description, so any catalog will do.

`features.py` has what the network is told about words and fields besides their vectors, `network.py` runs it, and
`merging.py` applies its output to the chunks of a sentence. The weights come from `python -m training`; docs/tagger.md
says of which data.
"""

from nlp2filters.core.parser.tagger.features import (
    FLAGS,
    LEXICONS,
    LINKS,
    STEM_LINKS,
    TYPES,
    VALUE_LINK,
    Array,
    align,
    flags,
    kinds,
    links,
)
from nlp2filters.core.parser.tagger.network import (
    DILATIONS,
    HEAD_SIZE,
    HEADS,
    MAX_TOKENS,
    PLAIN_HEADS,
    PLAIN_SIZE,
    FieldSide,
    Tagger,
    Tags,
    likelihood,
)

__all__ = [
    "DILATIONS",
    "FLAGS",
    "HEADS",
    "HEAD_SIZE",
    "LEXICONS",
    "LINKS",
    "MAX_TOKENS",
    "PLAIN_HEADS",
    "PLAIN_SIZE",
    "STEM_LINKS",
    "TYPES",
    "VALUE_LINK",
    "Array",
    "FieldSide",
    "Tagger",
    "Tags",
    "align",
    "flags",
    "kinds",
    "likelihood",
    "links",
]
