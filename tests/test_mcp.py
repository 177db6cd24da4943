"""The tools for language models, by the client of the protocol's own SDK."""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from tests.service import ANSWERING, Service, started

TOOLS = {"text_to_filter", "compile_filter", "list_dialects", "list_catalogs", "get_catalog", "infer_catalog"}
PENGUINS = "species,island,body_mass_g\nAdelie,Torgersen,3750\nGentoo,Biscoe,5000\nChinstrap,Dream,3500\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with started(tmp_path_factory.mktemp("mcp"), *ANSWERING) as service:
        yield service


@asynccontextmanager
async def over_http(service: Service, key: str = "") -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http:
        transport = streamable_http_client(f"{service.url}/mcp", http_client=http)
        async with Client(transport) as client:
            yield client


@asynccontextmanager
async def over_stdio(service: Service) -> AsyncIterator[Client]:
    environment = {**service.environment, "NLP2FILTERS_SERVER": service.url}
    command = StdioServerParameters(command=sys.executable, args=["-m", "nlp2filters", "mcp"], env=environment)
    async with Client(stdio_client(command)) as client:
        yield client


async def called(client: Client, tool: str, **arguments: Any) -> Any:
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    return answer.structured_content


@pytest.mark.parametrize("transport", [over_http, over_stdio])
async def test_from_words_to_a_query(service: Service, transport: Any) -> None:
    async with transport(service) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
        found = await called(
            client,
            "text_to_filter",
            text="japanese cars with at least 30 mpg, lightest first",
            catalog="cars",
            dialects=["sqlite"],
        )
        assert found["explanation"].startswith("Origin is Japan")
        assert found["dialects"]["sqlite"]["where"]
        more = await called(
            client, "text_to_filter", text="also european", catalog="cars", refines=found["job_id"], dialects=["sqlite"]
        )
        assert "Europe" in more["explanation"]


async def test_somebody_s_own_rows(service: Service) -> None:
    async with over_http(service) as client:
        catalog = await called(client, "infer_catalog", rows=PENGUINS, name="penguins")
        found = await called(client, "text_to_filter", text="penguins above 4 kg on Biscoe", catalog=catalog)
        assert {condition["field"] for condition in found["conditions"]} == {"body_mass_g", "island"}
        compiled = await called(client, "compile_filter", filter=found["filter"], catalog=catalog, dialects=["mongodb"])
        assert "mongodb" in compiled["dialects"]


async def test_a_fault_says_what_to_do(service: Service) -> None:
    async with over_http(service) as client:
        answer = await client.call_tool("text_to_filter", {"text": "x", "catalog": "unknown"})
        assert answer.is_error
        assert "unknown" in answer.content[0].text  # type: ignore[union-attr]


def test_a_key_is_needed_where_it_is_needed(tmp_path_factory: pytest.TempPathFactory) -> None:
    with started(tmp_path_factory.mktemp("keys"), "web", REQUIRE_API_KEY="true") as service:
        initialize = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        answer = service.client.post("/mcp", json=initialize)
        assert answer.status_code == 401
        assert answer.json()["type"].endswith("/problems/unauthenticated")


def test_a_page_of_another_site_is_refused(service: Service) -> None:
    headers = {"Origin": "https://evil.example", "Accept": "application/json, text/event-stream"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert service.client.post("/mcp", json=body, headers=headers).status_code == 401
