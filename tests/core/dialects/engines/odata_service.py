"""OData by the expressions of odatapy, an independent implementation of the standard."""

from collections.abc import Sequence
from typing import Any, ClassVar

from odatapy.data import Entity, Property
from odatapy.server.eval import evaluate_filter
from odatapy.server.uri.expression_parser import ExpressionParser

from nlp2filters.core.dialects import Options
from nlp2filters.core.mapping import EngineMapping, StoredField
from tests.core.dialects.engines.adapter import Adapter, unicode_fold
from tests.core.dialects.engines.rows import Row

TITLE = 'the "title"'


class ODataService(Adapter):
    dialect = "odata"
    package = "odatapy"
    emulated = True
    fold = staticmethod(unicode_fold)
    options: ClassVar[Options] = Options(mappings={"odata": EngineMapping(fields={TITLE: StoredField(name="title")})})

    def load(self, rows: Sequence[Row]) -> None:
        self.entities = {
            row["id"]: Entity(
                properties=[Property("title" if name == TITLE else name, value) for name, value in row.items()]
            )
            for row in rows
        }

    def select(self, compiled: dict[str, Any]) -> list[int]:
        if "$filter" not in compiled:
            return list(self.entities)
        expression = ExpressionParser.parse_string(compiled["$filter"], strict=False)
        return [number for number, entity in self.entities.items() if evaluate_filter(entity, expression)]
