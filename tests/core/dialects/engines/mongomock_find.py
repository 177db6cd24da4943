"""MongoDB's language by mongomock, with Extended JSON read by the driver's own reader."""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import mongomock
from bson import json_util

from tests.core.dialects.engines.adapter import Adapter
from tests.core.dialects.engines.rows import Row

# As the driver does by default: dates come in UTC, without an offset.
_READ = json_util.JSONOptions(tz_aware=False)


class MongomockFind(Adapter):
    dialect = "mongodb"
    package = "mongomock"
    emulated = True

    @staticmethod
    def fold(text: str) -> str:
        """As Python's regular expressions do."""
        return text.replace("İ", "i").lower()

    def load(self, rows: Sequence[Row]) -> None:
        client: Any = mongomock.MongoClient()
        self.collection = client.shop.shop
        # A value that is missing is null in one half of the documents and not there in the others.
        self.collection.insert_many(
            {name: _stored(value) for name, value in row.items() if value is not None or row["id"] % 2} for row in rows
        )

    def select(self, compiled: dict[str, Any]) -> list[int]:
        query = json_util.loads(json.dumps(compiled), json_options=_READ)
        if "pipeline" in query:
            return [document["id"] for document in self.collection.aggregate(query["pipeline"])]
        query.pop("lossy")
        query["sort"] = list(query.get("sort", {}).items())
        return [document["id"] for document in self.collection.find(**query)]


def _stored(value: Any) -> Any:
    match value:
        case list():
            return [_stored(element) for element in value]
        case dt.datetime():
            return value.astimezone(dt.UTC).replace(tzinfo=None)
        case dt.date():
            return dt.datetime.combine(value, dt.time())
        case dt.time():
            return value.isoformat()
        case _:
            return value
