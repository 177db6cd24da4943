"""Any filter in the dialects of engines that cannot run here is valid by the engine's published schema."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from graphql import GraphQLSchema, build_schema, parse, validate
from graphql.execution.values import get_variable_values
from graphql.language import OperationDefinitionNode
from hypothesis import given

from nlp2filters.core.dialects import Options
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.filters import Filter
from nlp2filters.core.interpretation import Interpretation, Sort
from nlp2filters.core.mapping import EngineMapping, StoredField
from tests.core.dialects.engines.rows import FILTERS, SHOP

SCHEMAS = Path(__file__).parent / "schemas"

NAMES = {'the "title"': StoredField(name="title", exact="titleWhole")}


def sealed(schema: Any) -> Any:
    """The same schema, by which there may be no other members."""
    match schema:
        case dict():
            closed = {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {}
            return {name: sealed(part) for name, part in schema.items()} | closed
        case list():
            return [sealed(part) for part in schema]
        case _:
            return schema


WHERE = jsonschema_rs.validator_for(sealed(json.loads((SCHEMAS / "weaviate.json").read_text("utf-8"))))


@given(node=FILTERS)
def test_weaviate(node: Filter) -> None:
    options = Options(mappings={"weaviate": EngineMapping(fields=NAMES)})
    compiled = compile_dialect("weaviate", Interpretation(filter=node), SHOP, options)
    if "where" in compiled:
        WHERE.validate(compiled["where"])
        assert all(leaf.keys() in LEAVES for leaf in leaves(compiled["where"]))


LEAVES = [
    {"path", "operator", f"value{type_}"}
    for type_ in ("Text", "TextArray", "Int", "IntArray", "Number", "NumberArray", "Boolean", "BooleanArray", "Date")
] + [{"path", "operator", "valueDateArray"}]


def leaves(where: dict[str, Any]) -> list[dict[str, Any]]:
    operands = where.get("operands")
    return [leaf for part in operands for leaf in leaves(part)] if operands else [where]


# As Hasura generates it for a table, by https://hasura.io/docs/2.0/api-reference/graphql-api/query/
COMPARED = {
    "String": "_eq: String _neq: String _in: [String!] _nin: [String!] _gt: String _gte: String _lt: String "
    "_lte: String _like: String _nlike: String _ilike: String _nilike: String _similar: String _is_null: Boolean",
    "jsonb": "_eq: jsonb _neq: jsonb _in: [jsonb!] _contains: jsonb _contained_in: jsonb _has_key: String "
    "_has_keys_any: [String!] _has_keys_all: [String!] _is_null: Boolean",
    **{
        name: f"_eq: {name} _neq: {name} _in: [{name}!] _nin: [{name}!] _gt: {name} _gte: {name} _lt: {name} "
        f"_lte: {name} _is_null: Boolean"
        for name in ("bigint", "Float", "date", "timestamptz", "time", "Boolean")
    },
}
COLUMNS = {
    "keyword": "String",
    "text": "String",
    "integer": "bigint",
    "number": "Float",
    "money": "Float",
    "date": "date",
    "datetime": "timestamptz",
    "time": "time",
    "boolean": "Boolean",
}


@pytest.fixture(scope="module")
def hasura() -> GraphQLSchema:
    columns = {
        "title" if field.name == 'the "title"' else field.name: "jsonb" if field.many else COLUMNS[field.type]
        for field in SHOP.fields
    }
    comparisons = "\n".join(f"input {name}_comparison_exp {{ {fields} }}" for name, fields in COMPARED.items())
    tests = " ".join(f"{name}: {type_}_comparison_exp" for name, type_ in columns.items())
    orders = " ".join(f"{name}: order_by" for name in columns)
    return build_schema(
        f"""
        scalar jsonb scalar bigint scalar date scalar timestamptz scalar time
        enum order_by {{ asc asc_nulls_first asc_nulls_last desc desc_nulls_first desc_nulls_last }}
        {comparisons}
        input shop_bool_exp {{ _and: [shop_bool_exp!] _or: [shop_bool_exp!] _not: shop_bool_exp {tests} }}
        input shop_order_by {{ {orders} }}
        type shop {{ id: Int }}
        type Query {{ shop(where: shop_bool_exp, order_by: [shop_order_by!], limit: Int): [shop!]! }}
        """
    )


QUERY = parse(
    """
    query ($where: shop_bool_exp, $order_by: [shop_order_by!], $limit: Int) {
      shop(where: $where, order_by: $order_by, limit: $limit) { id }
    }
    """
)


@given(node=FILTERS)
def test_hasura(hasura: GraphQLSchema, node: Filter) -> None:
    options = Options(mappings={"hasura": EngineMapping(fields={'the "title"': StoredField(name="title")})})
    asked = Interpretation(filter=node, sort=(Sort("price", "desc"),), limit=3)
    variables = compile_dialect("hasura", asked, SHOP, options)
    assert {loss["effect"] for loss in variables.pop("lossy")} <= {"wider", "narrower"}
    (operation,) = QUERY.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert not validate(hasura, QUERY)
    values = get_variable_values(hasura, operation.variable_definitions or (), variables)
    assert not isinstance(values, list), values


def test_the_schema_of_hasura_refuses_what_it_does_not_have(hasura: GraphQLSchema) -> None:
    (operation,) = QUERY.definitions
    assert isinstance(operation, OperationDefinitionNode)
    wrong = {"where": {"price": {"_contains": [1]}}}
    assert isinstance(get_variable_values(hasura, operation.variable_definitions or (), wrong), list)
