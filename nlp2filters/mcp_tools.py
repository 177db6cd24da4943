"""Tools for language models, by the Model Context Protocol: texts to filters, filters to queries, catalogs.

Each tool calls a service by its API, as the caller that `connect` returns a client for.
"""

import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal, TypeAlias

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from nlp2filters import __version__
from nlp2filters.client import AsyncClient
from nlp2filters.client.errors import APIError, ClientError
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import media_types

INSTRUCTIONS = """\
Turns plain language into validated search filters over a catalog of fields. List the catalogs, or infer one from rows \
of the user's data, then turn the user's words into a filter. What a result has as `text` is not in the filter: search \
for it as full text, or tell the user. If a result has a `clarification`, ask the user."""

Connect: TypeAlias = Callable[[Context], AsyncClient]
CatalogArgument: TypeAlias = Annotated[
    str | dict[str, Any], Field(description="A catalog's name, as `list_catalogs` has it, or a catalog itself.")
]
DialectsArgument: TypeAlias = Annotated[
    list[str], Field(description="Query languages to compile the filter to, such as `postgresql`, `elasticsearch`.")
]


def create_server(connect: Connect) -> MCPServer:
    """Create the server of the tools. `connect` returns a client for each call, which is closed after it."""
    server: MCPServer = MCPServer("nlp2filters", title="NLP2Filters", instructions=INSTRUCTIONS, version=__version__)

    @asynccontextmanager
    async def calling(context: Context) -> AsyncIterator[AsyncClient]:
        try:
            async with connect(context) as client:
                yield client
        except ClientError as exc:  # Others stay on the server: they may say too much.
            raise ToolError(_describe(exc)) from exc

    @server.tool()
    async def text_to_filter(
        text: Annotated[str, Field(description="What to search for, in the user's words.")],
        catalog: CatalogArgument,
        context: Context,
        dialects: DialectsArgument = ["sql"],  # noqa: B006  # the schema shows it
        refines: Annotated[
            str | None, Field(description="The `job_id` of a result that this text adds to or changes.")
        ] = None,
        timezone: Annotated[str, Field(description="IANA time zone of words such as `today`.")] = "UTC",
        strategy: Annotated[
            Literal["auto", "llm", "builtin"], Field(description="`builtin`: without an LLM of the service's own.")
        ] = "auto",
    ) -> dict[str, Any]:
        """Turn plain language into a filter: typed conditions, explained, and compiled to query languages."""
        async with calling(context) as client:
            options: dict[str, Any] = {"refines": refines} if refines else {}
            result = await client.ask(text, catalog, dialects=dialects, timezone=timezone, strategy=strategy, **options)
        return result.model_dump(mode="json", exclude={"draft", "timings_ms", "usage", "llm"})

    @server.tool()
    async def compile_filter(
        filter: Annotated[  # noqa: A002  # as the API names it
            dict[str, Any] | str, Field(description="A filter in CQL2, as JSON or as text: `price < 80`.")
        ],
        catalog: CatalogArgument,
        context: Context,
        dialects: DialectsArgument = ["sql"],  # noqa: B006
    ) -> dict[str, Any]:
        """Check a filter against a catalog, and compile it to query languages."""
        async with calling(context) as client:
            compiled = await client.compile(filter, catalog, dialects=dialects)
        return compiled.model_dump(mode="json")

    @server.tool()
    async def list_dialects(context: Context) -> list[dict[str, Any]]:
        """List the query languages that a filter can be compiled to."""
        async with calling(context) as client:
            return [dialect.model_dump(mode="json") for dialect in await client.dialects()]

    @server.tool()
    async def list_catalogs(context: Context) -> list[dict[str, Any]]:
        """List the catalogs that a text can be about, by name."""
        async with calling(context) as client:
            return [catalog.model_dump(mode="json") for catalog in await client.catalogs.list()]

    @server.tool()
    async def get_catalog(
        name: Annotated[str, Field(description="A name from `list_catalogs`.")], context: Context
    ) -> dict[str, Any]:
        """Return a catalog: the fields that a filter can use, with their types, units and values."""
        async with calling(context) as client:
            return catalogs.to_json(await client.catalogs.get(name))

    @server.tool()
    async def infer_catalog(
        rows: Annotated[
            list[dict[str, Any]] | str, Field(description="Rows as objects, or a table as CSV with a header.")
        ],
        context: Context,
        name: Annotated[str, Field(description="A name for the catalog.")] = "inferred",
    ) -> dict[str, Any]:
        """Infer a catalog from sample rows of somebody's data. Pass it to the other tools; nothing is stored."""
        async with calling(context) as client:
            if isinstance(rows, str):
                csv = io.BytesIO(rows.encode())
                return catalogs.to_json(await client.catalogs.infer(csv, name, media_type=media_types.CSV))
            return catalogs.to_json(await client.catalogs.infer(rows, name))

    return server


def _describe(error: ClientError) -> str:
    violations = error.violations if isinstance(error, APIError) else ()
    return " ".join([str(error), *(f"{violation.pointer}: {violation.detail}" for violation in violations)])
