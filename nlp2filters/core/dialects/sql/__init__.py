"""SQL, by SQLAlchemy Core."""

from nlp2filters.core.dialects.capabilities import Capabilities
from nlp2filters.core.dialects.dialect import Dialect

SQL = Capabilities(selects_missing="lists", forms=frozenset({"native", "json"}))

DIALECTS = (
    Dialect(
        name="sql",
        title="SQL",
        module="sql.standard",
        documentation="https://docs.sqlalchemy.org/en/20/core/sqlelement.html",
        capabilities=SQL,
    ),
)
