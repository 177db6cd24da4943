"""Services of the OGC's standards, such as OGC API - Features and STAC."""

from nlp2filters.core.dialects.capabilities import Capabilities
from nlp2filters.core.dialects.dialect import Dialect

# A test of a list is written for its elements, and three-valued logic knows null only, not the empty list.
CQL2 = Capabilities(selects_missing="lists", has_exact=True, nulls_last=False)

DIALECTS = (
    Dialect(
        name="cql2-text",
        title="CQL2-text",
        module="ogc.cql2_text",
        documentation="https://docs.ogc.org/is/21-065r2/21-065r2.html",
        capabilities=CQL2,
    ),
)
