"""Django's ORM on SQLite, by the text of a query: what a user pastes.

SQLite has no lists, so they are JSON arrays there, of which `contains` means what it does on PostgreSQL.
"""

import datetime
import json
from collections.abc import Sequence
from typing import Any, ClassVar

import django
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from django.db.models import F, Lookup, Q

from nlp2filters.core.catalog import FieldType
from nlp2filters.core.dialects import Options
from nlp2filters.core.mapping import EngineMapping, StoredField
from tests.core.dialects.engines.adapter import Adapter
from tests.core.dialects.engines.rows import SHOP, Row

if not settings.configured:
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        USE_TZ=True,
        TIME_ZONE="UTC",
    )
    django.setup()


class Array(models.JSONField):
    """A JSON array."""


@Array.register_lookup
class Contains(Lookup):
    lookup_name = "contains"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, of_column = self.process_lhs(compiler, connection)
        array, of_array = self.process_rhs(compiler, connection)
        elements = f"SELECT 1 FROM json_each({column}) AS element"
        sql = f"EXISTS ({elements} WHERE element.value = json_extract({array}, '$[0]'))"
        return sql, [*of_column, *map(json.dumps, of_array)]


FIELDS: dict[FieldType, Any] = {
    "keyword": models.TextField,
    "text": models.TextField,
    "integer": models.BigIntegerField,
    "number": models.FloatField,
    "money": models.FloatField,
    "date": models.DateField,
    "datetime": models.DateTimeField,
    "time": models.TimeField,
    "boolean": models.BooleanField,
}
TITLE = 'the "title"'
NAMES = {field.name: field.name if field.name != TITLE else "title" for field in SHOP.fields}


class Product(models.Model):
    class Meta:
        app_label = "shop"

    id = models.IntegerField(primary_key=True)


for field in SHOP.fields:
    column = Array(null=True, encoder=DjangoJSONEncoder) if field.many else FIELDS[field.type](null=True)
    column.contribute_to_class(Product, NAMES[field.name])


class DjangoORM(Adapter):
    dialect = "django"
    package = "django"
    options: ClassVar[Options] = Options(
        mappings={
            "django": EngineMapping(
                fields={
                    field.name: StoredField(name=NAMES[field.name], form="json" if field.many else None)
                    for field in SHOP.fields
                }
            )
        }
    )

    def load(self, rows: Sequence[Row]) -> None:
        with connection.schema_editor() as editor:
            editor.create_model(Product)
        Product.objects.bulk_create(
            Product(id=row["id"], **{name: row[of] for of, name in NAMES.items()}) for row in rows
        )

    def select(self, compiled: dict[str, Any]) -> list[int]:
        names = {"queryset": Product.objects.all(), "Q": Q, "F": F, "datetime": datetime}
        return list(eval(compiled["expression"], names).values_list("id", flat=True))

    def close(self) -> None:
        with connection.schema_editor() as editor:
            editor.delete_model(Product)
        connection.close()
