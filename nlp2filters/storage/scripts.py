"""The Lua scripts, each with the files that define its functions. Redis runs a script as a whole, or not at all."""

from importlib.resources import files

_FOLDER = files(__package__) / "lua"


def _script(*names: str) -> str:
    """Join the named files. Every script begins with the clock; a file may call functions of the ones before it."""
    return "".join(_FOLDER.joinpath(f"{name}.lua").read_text() for name in ("clock", *names))


# Jobs and batches.
CREATE = _script("queue", "parts", "write", "quota", "create")
COMMIT = _script("queue", "parts", "write", "commit")
COMMIT_PART = _script("queue", "parts", "write", "commit_part")
ERASE = _script("queue", "parts", "write", "erase")
PUBLISH = _script("queue", "parts", "write", "publish")

# The queues.
CLAIM = _script("queue", "claim")
RENEW = _script("queue", "renew")
RELEASE = _script("queue", "release")
FIND_ORPHANS = _script("queue", "find_orphans")
REMOVE_UNFINISHED = _script("queue", "remove_unfinished")
QUEUE_SEARCH = _script("queue", "queue_search")

# Webhook deliveries.
LOG_DELIVERY = _script("log_delivery")
REQUEUE_DELIVERY = _script("queue", "requeue_delivery")

CHARGE_QUOTA = _script("quota", "charge")
KEEP_DERIVED = _script("quota", "keep_derived")
WRITE_WHILE_KEPT = _script("write_while_kept")
COMMIT_BLOB = _script("commit_blob")
HEARTBEAT = _script("heartbeat")
SPEND = _script("spend")
RESERVE = _script("reserve")
