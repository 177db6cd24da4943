"""Work of a web process that needs a room which it seldom needs: the first call of each function loads it.

To load one takes up to half a second, so call these in a thread.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from nlp2filters.core.catalog import Catalog
from nlp2filters.core.requests import InferenceOptions

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager


def infer_table(content: bytes, media_type: str, options: InferenceOptions) -> dict[str, Any]:
    """Infer a catalog from a small table; returns and raises as `table_inference.infer_table` does."""
    from nlp2filters.table_inference import TableOptions, infer_table

    table_options = TableOptions(options.name, options.currency, options.date_order, options.table)
    return infer_table(content, media_type, table_options)


def embedded_names(catalog: Catalog) -> tuple[str, ...]:
    """Return the names of a catalog that are embedded."""
    from nlp2filters.core.linking import embeddable

    return tuple(embeddable(catalog))


def check_webhook_url(url: str, *, allow_private: bool, own_hosts: Collection[str]) -> None:
    """Check that a webhook may be called; raises as `addresses.check_url` does.

    Its parser of URLs is that of the worker which calls them, as no two agree about all.
    """
    from nlp2filters.webhooks.addresses import check_url

    check_url(url, allow_private=allow_private, own_hosts=own_hosts)


def mcp_sessions(app: ASGIApp) -> "StreamableHTTPSessionManager":
    """Return new sessions of `/mcp` whose tools call `app`; see `mcp_sessions.sessions`."""
    from nlp2filters.api.mcp_sessions import sessions

    return sessions(app)
