"""Everything of one owner: counted, read and deleted, page by page, so that Redis is never busy for long.

Most kinds of keys have no list of an owner's, so all keys are scanned. That costs about a second for 100,000 keys.
"""

import asyncio
import base64
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from redis.asyncio import Redis

from nlp2filters.storage.blobs.store import Blobs
from nlp2filters.storage.owned_keys import KeyKind, OwnedKey, parse
from nlp2filters.storage.redis_keys import escaped
from nlp2filters.storage.store import Store

SCANNED_AT_ONCE = 1_000
ERASED_AT_ONCE = 100
READ_AT_ONCE = 20
FILES = "files"


@dataclass(slots=True)
class Totals:
    """The records or files of one kind. `expires_in_s` is the time until the last one expires; None: some never do."""

    count: int = 0
    bytes: int = 0
    expires_in_s: float | None = 0.0

    def add(self, size: int, expires_in_s: float | None) -> None:
        """Add a key or a file."""
        self.count, self.bytes = self.count + 1, self.bytes + size
        is_lasting = self.expires_in_s is None or expires_in_s is None
        self.expires_in_s = None if is_lasting else max(self.expires_in_s or 0.0, expires_in_s or 0.0)


@dataclass(frozen=True, slots=True)
class Record:
    """A key with its value as JSON data: bytes that are no text are `{"base64": …}`."""

    key: OwnedKey
    expires_in_s: float | None
    value: Any


@dataclass(slots=True)
class Deletion:
    """The numbers of what was deleted, by kind. It is not `complete` if the time was up before."""

    deleted: Counter[str] = field(default_factory=Counter)
    complete: bool = True


class Owners:
    """The data of all owners, in Redis and in the blob store."""

    def __init__(self, store: Store, blobs: Blobs) -> None:
        self._store, self._blobs = store, blobs
        self._redis: Redis = store.redis

    async def summary(self, owner: str) -> dict[str, Totals]:
        """Count what is kept of an owner, by kind."""
        return (await self._summaries(owner)).get(owner, {})

    async def summaries(self) -> dict[str, dict[str, Totals]]:
        """Count what is kept of every owner."""
        return await self._summaries(None)

    async def _summaries(self, owner: str | None) -> dict[str, dict[str, Totals]]:
        totals: defaultdict[str, defaultdict[str, Totals]] = defaultdict(lambda: defaultdict(Totals))
        async for page in self._pages(owner):
            for (holder, key), (size, left_ms) in zip(page, await self._sizes(page), strict=True):
                totals[holder][key.kind.name].add(size, None if left_ms < 0 else left_ms / 1000)
        holders = {self._blobs.holder(name): name for name in (*totals, *([owner] if owner else []))}
        async for blob in self._blobs.listing(owner):
            totals[holders.get(blob.holder, blob.holder)][FILES].add(blob.size, blob.expires_in_s)
        return {name: dict(kinds) for name, kinds in totals.items()}

    async def _sizes(self, page: Sequence[tuple[str, OwnedKey]]) -> list[tuple[int, int]]:
        """Return bytes and remaining ms (-1: does not expire) of each key."""
        if not page:
            return []
        async with self._redis.pipeline(transaction=False) as pipe:
            for _, key in page:
                pipe.memory_usage(key.name)
                pipe.pttl(key.name)
            replies = await pipe.execute()
        return [(size or 0, max(left_ms, -1)) for size, left_ms in zip(replies[::2], replies[1::2], strict=True)]

    async def records(self, owner: str, kind: KeyKind) -> AsyncIterator[list[Record]]:
        """Yield what Redis keeps of one kind, a few keys at a time."""
        async for page in self._pages(owner, kind):
            for start in range(0, len(page), READ_AT_ONCE):
                keys = [key for _, key in page[start : start + READ_AT_ONCE]]
                records = await asyncio.gather(*map(self._record, keys))
                yield [record for record in records if record]

    async def _record(self, key: OwnedKey) -> Record | None:
        type_ = (await self._redis.type(key.name)).decode()
        left_ms = await self._redis.pttl(key.name)
        if type_ == "none" or left_ms == -2:
            return None
        value = await self._value(key.name, type_)
        return Record(key, None if left_ms < 0 else left_ms / 1000, value)

    async def _value(self, name: str, type_: str) -> Any:
        redis: Any = self._redis
        match type_:
            case "hash":
                return {_text(member): _json(value) for member, value in (await redis.hgetall(name)).items()}
            case "list":
                return [_json(item) for item in await redis.lrange(name, 0, -1)]
            case "set":
                return sorted(_text(item) for item in await redis.smembers(name))
            case "zset":
                return {_text(item): score for item, score in await redis.zrange(name, 0, -1, withscores=True)}
            case "stream":
                entries = await redis.xrange(name)
                return [{"id": _text(id_), **{_text(k): _json(v) for k, v in entry.items()}} for id_, entry in entries]
        value = await redis.get(name)
        return None if value is None else _json(value)

    async def delete(self, owner: str, *, patience_s: float) -> Deletion:
        """Delete everything of an owner but the numbers for its limits, for as long as `patience_s` allows.

        Jobs come first: what their workers still write for them is refused, or deleted by themselves.
        """
        deletion, until = Deletion(), time.monotonic() + patience_s
        async for subjects in self._listed(owner):
            await self._erase(deletion, owner, subjects)
            if time.monotonic() > until:
                return Deletion(deletion.deleted, complete=False)
        async for page in self._pages(owner):
            keys = [key for _, key in page]
            await self._erase(deletion, owner, {key.subject for key in keys if key.kind.told_by == "subject"})
            await self._unlink(deletion, [key for key in keys if _is_unlinked(key.kind)])
            if time.monotonic() > until:
                return Deletion(deletion.deleted, complete=False)
        async for blob in self._blobs.listing(owner):
            deletion.deleted[FILES] += await self._blobs.delete(owner, blob.digest)
            if time.monotonic() > until:
                return Deletion(deletion.deleted, complete=False)
        return deletion

    async def _listed(self, owner: str) -> AsyncIterator[list[str]]:
        """Yield the jobs in an owner's lists, which shrink as these are erased."""
        for name in (self._store.keys.index(owner), self._store.keys.pending(owner)):
            while members := await self._redis.zrange(name, 0, ERASED_AT_ONCE - 1):
                yield [member.decode() for member in members]

    async def _erase(self, deletion: Deletion, owner: str, subjects: Iterable[str]) -> None:
        ids = list(subjects)
        for start in range(0, len(ids), ERASED_AT_ONCE):
            some = ids[start : start + ERASED_AT_ONCE]
            jobs = [job for job, _ in await self._store.jobs.load_many(some)]
            erase = self._store.erasures.erase
            for counts in await asyncio.gather(*(erase(owner, *pair) for pair in zip(some, jobs, strict=True))):
                deletion.deleted += counts

    async def _unlink(self, deletion: Deletion, keys: Sequence[OwnedKey]) -> None:
        if not keys:
            return
        async with self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.unlink(key.name)
            replies = await pipe.execute()
        deletion.deleted += Counter(key.kind.name for key, existed in zip(keys, replies, strict=True) if existed)

    async def _pages(self, owner: str | None, kind: KeyKind | None = None) -> AsyncIterator[list[tuple[str, OwnedKey]]]:
        """Scan all keys, or those of one kind, and yield those of an owner, or of all owners, with the owner."""
        start = f"{self._store.keys.prefix}:{kind.label + ':' if kind else ''}"
        cursor = 0
        while True:
            cursor, names = await self._redis.scan(cursor, match=f"{escaped(start)}*", count=SCANNED_AT_ONCE)
            keys = [key for name in names if (key := parse(self._store.keys, name.decode(errors="replace")))]
            owners = await self._owners_of(keys)
            page = zip(owners, keys, strict=True)
            yield [(holder, key) for holder, key in page if holder and owner in (None, holder)]
            if not cursor:
                return

    async def _owners_of(self, keys: Collection[OwnedKey]) -> list[str]:
        """Return the owner of each key; empty if it has none."""
        subjects = sorted({key.subject for key in keys if key.kind.told_by == "subject"})
        of_subject = await self._owners_of_subjects(subjects) if subjects else {}
        owners = []
        for key in keys:
            match key.kind.told_by:
                case "name":
                    owners.append(key.kind.owner_in(key.rest))
                case "subject":
                    owners.append(of_subject.get(key.subject, ""))
                case "value":
                    owners.append(_owner_in(await self._redis.get(key.name)))
        return owners

    async def _owners_of_subjects(self, subjects: Sequence[str]) -> dict[str, str]:
        """Return the owners of jobs and batches. That of a job is remembered longest; a batch has it in its record."""
        names = self._store.keys
        tombstones = await self._redis.mget([names.tombstone(subject) for subject in subjects])
        owners = {subject: owner.decode() for subject, owner in zip(subjects, tombstones, strict=True) if owner}
        others = [subject for subject in subjects if subject not in owners]
        async with self._redis.pipeline(transaction=False) as pipe:
            for subject in others:
                pipe.hget(names.batch(subject), "record")
                pipe.get(names.message(subject))
            replies = await pipe.execute()
        for subject, batch, message in zip(others, replies[::2], replies[1::2], strict=True):
            owners[subject] = _owner_in(batch) or _owner_in(message)
        return owners


def _is_unlinked(kind: KeyKind) -> bool:
    """Return True for keys that are deleted by their names. An erasure empties the lists of jobs."""
    return kind.told_by != "subject" and not kind.counted_only and kind.label not in ("jobs", "pending")


def _owner_in(content: bytes | None) -> str:
    """Return the member `owner` of JSON."""
    return str(cast(dict[str, Any], orjson.loads(content)).get("owner") or "") if content else ""


def _json(content: bytes) -> Any:
    """Return a value as JSON data: JSON as it is, other text as a string, other bytes in base64."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return _text(content)


def _text(content: bytes) -> Any:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}
