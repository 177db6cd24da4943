"""A mapping: the place and the form in which an engine stores the fields of a catalog.

It is a member of a catalog (`mappings`, by the name of the dialect) or of a request, whose own comes first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import MaxLen, MinLen
from pydantic import ConfigDict

Form = Literal[
    "native",  # the engine's own type for the field's
    "timestamptz",  # an instant with a zone, where the native type has none
    "epoch_seconds",
    "epoch_milliseconds",
    "iso",  # ISO 8601 text; instants in UTC with a Z
    "array",  # a list in the engine's own type
    "json",  # a list as a JSON array
]

# The notation of parameters in a query: the names of PEP 249 and of SQLAlchemy as far as they go.
ParamStyle = Literal[
    "named",  # :p_1
    "pyformat",  # %(p_1)s
    "format",  # %s
    "qmark",  # ?
    "numeric",  # :1
    "numeric_dollar",  # $1
    "dollar",  # $p_1
    "at",  # @p_1
    "typed",  # {p_1:String}
    "text",  # :p_1, and any other colon escaped, as sqlalchemy.text() reads it
]

_STRICT = ConfigDict(extra="forbid")

Path = Annotated[str, MinLen(1), MaxLen(500)]


@dataclass(frozen=True, slots=True)
class StoredField:
    """The place and form of a field in an engine.

    `name` is its column, property or path there, by default its name in the catalog. `nested` is the path of the nested
    object that it is in. `exact` is the name of what holds a text in one piece, if that is another property. `form` is
    the form of its values, and `null` the value that stands for none.
    """

    __pydantic_config__ = _STRICT

    name: Path | None = None
    nested: Path | None = None
    exact: Path | None = None
    form: Form | None = None
    null: str | int | float | None = None


@dataclass(frozen=True, slots=True)
class EngineMapping:
    """The table (index, collection) of a catalog's records in an engine, and its fields as far as they differ.

    `schema` may have several parts, with dots between them. `paramstyle` is the notation of parameters in the query, if
    it is not the engine's usual one.
    """

    __pydantic_config__ = _STRICT

    table: Path | None = None
    schema: Path | None = None
    paramstyle: ParamStyle | None = None
    fields: Mapping[str, StoredField] = field(default_factory=dict)


NO_MAPPING = EngineMapping()
AS_IN_CATALOG = StoredField()
