"""SQL: one writer of conditions for the family, and what each engine writes unlike the others."""

from nlp2filters.core.dialects.capabilities import Capabilities
from nlp2filters.core.dialects.dialect import Dialect
from nlp2filters.core.dialects.tree import Eq, Has, In, Test
from nlp2filters.core.mapping import Form, StoredField

# The forms of dates and instants, and of lists.
DATES: frozenset[Form] = frozenset({"epoch_seconds", "epoch_milliseconds", "iso"})
ZONED: frozenset[Form] = DATES | {"timestamptz"}
JSON: frozenset[Form] = frozenset({"json"})
LISTS: frozenset[Form] = frozenset({"array", "json"})


def _without_nul(test: Test, _: StoredField) -> str | None:
    """Refuse the sign U+0000 in a text."""
    match test:
        case In(values=values):
            pass
        case Eq(value=value) | Has(text=value):
            values = (value,)
        case _:
            values = ()
    if any(isinstance(value, str) and "\0" in value for value in values):
        return f"No text of {test.field.title!r} has the sign U+0000 in PostgreSQL."
    return None


SQL = Dialect(
    name="sql",
    title="SQL",
    module="sql.standard",
    documentation="https://docs.sqlalchemy.org/en/20/core/sqlelement.html",
    capabilities=Capabilities(
        selects_missing="lists",
        has_exact=True,
        forms=ZONED | JSON,
        paramstyles=("text", "named", "qmark", "pyformat", "format"),
    ),
    proof="engine",
)
POSTGRESQL = Dialect(
    name="postgresql",
    title="PostgreSQL",
    module="sql.postgresql",
    documentation="https://www.postgresql.org/docs/current/functions.html",
    capabilities=Capabilities(
        selects_missing="lists",
        has_exact=True,
        refuses=_without_nul,
        forms=ZONED | LISTS,
        paramstyles=("pyformat", "numeric_dollar", "format", "named", "text"),
    ),
    proof="engine",
)
MYSQL = Dialect(
    name="mysql",
    title="MySQL, MariaDB",
    module="sql.mysql",
    documentation="https://dev.mysql.com/doc/refman/8.4/en/functions.html",
    capabilities=Capabilities(
        selects_missing="lists",
        has_exact=True,
        forms=ZONED | JSON,
        paramstyles=("pyformat", "format", "qmark", "named", "text"),
    ),
    proof="engine",
)
SQLITE = Dialect(
    name="sqlite",
    title="SQLite",
    module="sql.sqlite",
    documentation="https://www.sqlite.org/lang_corefunc.html",
    capabilities=Capabilities(
        selects_missing="lists",
        has_exact=True,
        folding="ascii",
        has_folding="ascii",
        forms=DATES | JSON,
        paramstyles=("named", "qmark", "dollar", "at", "text"),
    ),
    proof="engine",
)
DUCKDB = Dialect(
    name="duckdb",
    title="DuckDB",
    module="sql.duckdb",
    documentation="https://duckdb.org/docs/stable/sql/functions/overview",
    capabilities=Capabilities(
        selects_missing="lists", has_exact=True, forms=ZONED | LISTS, paramstyles=("dollar", "numeric_dollar", "qmark")
    ),
    proof="engine",
)
MSSQL = Dialect(
    name="mssql",
    title="SQL Server",
    module="sql.mssql",
    documentation="https://learn.microsoft.com/en-us/sql/t-sql/queries/where-transact-sql",
    capabilities=Capabilities(
        selects_missing="lists",
        has_exact=True,
        forms=ZONED | JSON,
        paramstyles=("at", "qmark", "pyformat", "named", "text"),
    ),
    proof="emulator",
)
BIGQUERY = Dialect(
    name="bigquery",
    title="BigQuery",
    module="sql.bigquery",
    documentation="https://cloud.google.com/bigquery/docs/reference/standard-sql/operators",
    capabilities=Capabilities(
        selects_missing="lists", has_exact=True, forms=ZONED | LISTS, paramstyles=("at", "qmark", "pyformat")
    ),
    proof="emulator",
)
SNOWFLAKE = Dialect(
    name="snowflake",
    title="Snowflake",
    module="sql.snowflake",
    documentation="https://docs.snowflake.com/en/sql-reference/constructs/where",
    capabilities=Capabilities(
        selects_missing="lists",
        has_exact=True,
        forms=ZONED | LISTS,
        paramstyles=("pyformat", "qmark", "numeric", "format"),
    ),
    proof="emulator",
)
CLICKHOUSE = Dialect(
    name="clickhouse",
    title="ClickHouse",
    module="sql.clickhouse",
    documentation="https://clickhouse.com/docs/sql-reference/syntax",
    capabilities=Capabilities(
        selects_missing="lists", has_exact=True, forms=ZONED | LISTS, paramstyles=("typed", "pyformat")
    ),
    proof="engine",
)

DIALECTS = (SQL, POSTGRESQL, MYSQL, SQLITE, DUCKDB, MSSQL, BIGQUERY, SNOWFLAKE, CLICKHOUSE)
