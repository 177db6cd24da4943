"""Owner endpoints: everything that is kept of the caller's owner, or, for the operator, of any."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.responses import Response, StreamingResponse

from nlp2filters.api.owner_archive import archive
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Call, Operation
from nlp2filters.clock import now_ms
from nlp2filters.core import jobs, owner_schemas
from nlp2filters.errors import Forbidden
from nlp2filters.storage.api_keys import Caller
from nlp2filters.storage.owners import FILES, Owners, Totals

# Routers end requests that take longer than 30 s.
DELETION_S = 20.0
SHOWN = 100


async def show(call: Call) -> Response:
    """Show what is kept of the caller's owner: for each kind the number, the bytes, and when the last of it expires."""
    owner = call.caller.owner
    async with call.services.key_scans:
        totals = await _owners(call).summary(owner)
    body = {
        "owner": owner,
        "bytes": sum(of_kind.bytes for of_kind in totals.values()),
        "kinds": [_kind(name, of_kind) for name, of_kind in sorted(totals.items())],
        "api_keys": await _valid_keys(call),
    }
    return JSON(body)


async def export(call: Call) -> Response:
    """Export everything that is kept of the caller's owner, as a ZIP file.

    It has a file `{kind}.ndjson` for each kind, with a line for each record, and the uploaded files in `files/`.
    """
    owner = call.caller.owner
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", owner).strip("-.") or "owner"
    headers = {"Content-Disposition": f'attachment; filename="nlp2filters-{name}.zip"'}
    pieces = archive(_owners(call), call.services.blobs, owner)
    return StreamingResponse(pieces, headers=headers, media_type="application/zip")


async def delete(call: Call) -> Response:
    """Delete everything that is kept of the caller's owner: jobs in any state, catalogs, files, and all made of them.

    Running jobs stop, and nothing that they still write comes back. Webhooks that are due are not called any more. If
    it takes longer than 20 seconds, `complete` is false, and the same request goes on. What is submitted meanwhile may
    be deleted, too. API keys stay valid, and so do the counts for the limits, until they expire.
    """
    if not call.caller.may("catalogs:write"):
        raise Forbidden("catalogs:write")
    owner = call.caller.owner
    async with call.services.key_scans:
        deletion = await _owners(call).delete(owner, patience_s=DELETION_S)
    deleted = dict(sorted((kind, count) for kind, count in deletion.deleted.items() if count))
    body = {"owner": owner, "deleted": deleted, "complete": deletion.complete, "api_keys": await _valid_keys(call)}
    return JSON(body)


async def list_owners(call: Call) -> Response:
    """List the owners with the most bytes. All keys in Redis are looked at, so do not ask every few seconds."""
    async with call.services.key_scans:
        summaries = await _owners(call).summaries()
    rows = sorted((_total(owner, totals) for owner, totals in summaries.items()), key=lambda row: -row["bytes"])
    return JSON({"owners": rows[:SHOWN], "total": len(rows)})


async def show_any(call: Call, owner: str) -> Response:
    """Show what is kept of an owner."""
    return await show(_as(call, owner))


async def export_any(call: Call, owner: str) -> Response:
    """Export everything that is kept of an owner, as a ZIP file."""
    return await export(_as(call, owner))


async def delete_any(call: Call, owner: str) -> Response:
    """Delete everything that is kept of an owner; an owner that has nothing (any more) is no error."""
    return await delete(_as(call, owner))


def _owners(call: Call) -> Owners:
    return Owners(call.services.store, call.services.blobs)


def _as(call: Call, owner: str) -> Call:
    """Return the call as if the owner had made it."""
    return replace(call, caller=Caller(owner, call.caller.scopes, limited=False, key_id=call.caller.key_id))


async def _valid_keys(call: Call) -> int:
    keys = await call.services.api_keys.listing()
    return sum(key.owner == call.caller.owner and not key.revoked_at for key in keys)


def _kind(name: str, totals: Totals) -> dict[str, Any]:
    left_s = totals.expires_in_s
    expires_at = None if left_s is None else jobs.timestamp(now_ms() + int(1000 * left_s))
    return {"kind": name, "count": totals.count, "bytes": totals.bytes, "expires_at": expires_at}


def _total(owner: str, totals: Mapping[str, Totals]) -> dict[str, Any]:
    counts = {name: totals[name].count if name in totals else 0 for name in ("jobs", FILES)}
    return {"owner": owner, **counts, "bytes": sum(of_kind.bytes for of_kind in totals.values())}


_OPERATOR = "/v1/operator/owners"

operations = [
    Operation("GET", "/v1/owner", show, "jobs:read", {200: owner_schemas.OwnerSummary}, tag="owner"),
    Operation("GET", "/v1/owner/export", export, "jobs:read", {200: "application/zip"}, tag="owner"),
    Operation("DELETE", "/v1/owner", delete, "jobs:write", {200: owner_schemas.OwnerDeletion}, tag="owner"),
    Operation("GET", _OPERATOR, list_owners, "admin", {200: owner_schemas.OwnerTotals}, tag="operator"),
    Operation("GET", f"{_OPERATOR}/{{owner}}", show_any, "admin", {200: owner_schemas.OwnerSummary}, tag="operator"),
    Operation("GET", f"{_OPERATOR}/{{owner}}/export", export_any, "admin", {200: "application/zip"}, tag="operator"),
    Operation(
        "DELETE", f"{_OPERATOR}/{{owner}}", delete_any, "admin", {200: owner_schemas.OwnerDeletion}, tag="operator"
    ),
]
