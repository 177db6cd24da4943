"""Blobs in a real Redis, in a real folder, and in a store that speaks the language of S3."""

import asyncio
import datetime as dt
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import RedisError

from nlp2filters.errors import BlobGone, BlobStoreUnavailable, TooManyBytes
from nlp2filters.settings import MAX_DEADLINE_S, Settings
from nlp2filters.storage.blobs import aws_signature, in_folder
from nlp2filters.storage.blobs.backend import CHUNK_BYTES
from nlp2filters.storage.blobs.store import Blobs, open_blobs, rechunked
from nlp2filters.storage.connection import connect
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.retrying_redis import RetryingRedis
from tests.peers import s3 as peer
from tests.peers.s3 import S3

CONTENT = bytes(range(256)) * 3_000  # three chunks, the last one not full
DIGEST = hashlib.sha256(CONTENT).hexdigest()
KEPT_S = MAX_DEADLINE_S + 2 * 86_400


@dataclass
class Place:
    """A store, and what the test sees behind it."""

    blobs: Blobs
    redis: RetryingRedis
    keys: Keys
    folder: Path
    s3: S3
    settings: Settings

    async def names(self) -> list[str]:
        """Everything in the place that is or may become a blob."""
        found = [name.decode() async for name in self.redis.scan_iter(f"{self.keys.prefix}:blob*")]
        found += [str(path) for path in self.folder.rglob("*") if path.is_file()]
        return found + list(self.s3.objects)

    async def used(self, owner: str) -> int:
        """The bytes that count toward the owner's quota."""
        reply: dict[bytes, bytes] = await self.redis.hgetall(self.keys.added(owner))  # type: ignore[misc]
        return sum(map(int, reply.values()))


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3]:
    with peer.running() as server:
        yield server


@pytest.fixture
def s3(s3_server: S3) -> S3:
    s3_server.objects.clear()
    s3_server.failures.clear()
    s3_server.requests.clear()
    s3_server.cut = False
    return s3_server


@pytest.fixture(params=["redis", "file", "s3"])
async def place(
    request: pytest.FixtureRequest, redis: RetryingRedis, keys: Keys, tmp_path: Path, s3: S3
) -> AsyncIterator[Place]:
    addresses = {"redis": "redis", "file": f"file://{tmp_path}/blobs", "s3": "s3://bucket/some/prefix"}
    settings = Settings(blob_store=addresses[request.param], **s3_account(s3))
    async with open_blobs(settings, redis, keys) as blobs:
        yield Place(blobs, redis, keys, tmp_path / "blobs", s3, settings)


def s3_account(s3: S3) -> dict[str, Any]:
    return {
        "s3_endpoint_url": s3.url,
        "s3_region": peer.REGION,
        "s3_key_id": peer.KEY_ID,
        "s3_secret": peer.SECRET,
    }


async def pieces(content: bytes, size: int = 60_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def read(blobs: Blobs, owner: str, digest: str) -> bytes:
    return b"".join([chunk async for chunk in blobs.read(owner, digest)])


async def test_content_goes_in_and_comes_out_in_chunks(place: Place) -> None:
    blob = await place.blobs.store("anna", pieces(CONTENT))
    assert (blob.digest, blob.size) == (DIGEST, len(CONTENT))
    chunks = [chunk async for chunk in place.blobs.read("anna", DIGEST)]
    assert b"".join(chunks) == CONTENT
    assert max(map(len, chunks)) <= CHUNK_BYTES
    assert len(await place.names()) == 1


@pytest.mark.parametrize("content", [b"", b"a", CONTENT[:CHUNK_BYTES], CONTENT[: 2 * CHUNK_BYTES]])
async def test_content_of_any_length(place: Place, content: bytes) -> None:
    blob = await place.blobs.store("anna", pieces(content))
    assert await read(place.blobs, "anna", blob.digest) == content


async def test_an_owner_sees_no_other_owners_blobs(place: Place) -> None:
    await place.blobs.store("anna", pieces(CONTENT))
    for owner in ("ben", "anna/..", "", "ann", "anna:"):
        with pytest.raises(BlobGone):
            await read(place.blobs, owner, DIGEST)
        with pytest.raises(BlobGone):
            await place.blobs.renew(owner, DIGEST)
    await place.blobs.store("ben", pieces(CONTENT))
    assert len(await place.names()) == 2


async def test_the_same_content_is_stored_and_counted_once(place: Place) -> None:
    for _ in range(3):
        await place.blobs.store("anna", pieces(CONTENT), max_bytes=2 * len(CONTENT))
        await place.blobs.store("anna", pieces(CONTENT), size=len(CONTENT), max_bytes=2 * len(CONTENT))
    assert len(await place.names()) == 1
    assert await place.used("anna") == len(CONTENT)


async def test_a_quota(place: Place) -> None:
    limit = len(CONTENT) + 1_000
    await place.blobs.store("anna", pieces(CONTENT), max_bytes=limit)
    for size in (None, 2_000):
        with pytest.raises(TooManyBytes):
            await place.blobs.store("anna", pieces(b"x" * 2_000), size=size, max_bytes=limit)
    assert await place.used("anna") == len(CONTENT)
    assert len(await place.names()) == 1
    await place.blobs.store("ben", pieces(b"x" * 2_000), max_bytes=limit)
    await place.blobs.store("anna", pieces(b"x" * 900), max_bytes=limit)


async def test_a_quota_is_reached_in_the_middle_of_content_of_unknown_length(place: Place) -> None:
    with pytest.raises(TooManyBytes):
        await place.blobs.store("anna", pieces(CONTENT), max_bytes=CHUNK_BYTES + 1_000)
    assert (await place.names(), await place.used("anna")) == ([], 0)


async def test_blobs_may_have_a_quota_of_their_own(redis: RetryingRedis, keys: Keys) -> None:
    async with open_blobs(Settings(max_owner_blob_bytes=1), redis, keys) as blobs:
        await blobs.store("anna", pieces(CONTENT), max_bytes=len(CONTENT))
        with pytest.raises(TooManyBytes):
            await blobs.store("anna", pieces(b"x"), max_bytes=len(CONTENT))
    assert await redis.exists(keys.added("anna")) == 0
    assert await redis.ttl(keys.added_blobs("anna")) > 0


async def test_without_a_limit_of_the_request_that_of_the_settings_holds(redis: RetryingRedis, keys: Keys) -> None:
    limit = len(CONTENT)
    for owner, settings in (("anna", Settings(max_owner_bytes=limit)), ("ben", Settings(max_owner_blob_bytes=limit))):
        async with open_blobs(settings, redis, keys) as blobs:
            await blobs.store(owner, pieces(CONTENT))
            with pytest.raises(TooManyBytes):
                await blobs.store(owner, pieces(b"x"))


async def test_content_that_breaks_off_leaves_nothing(place: Place) -> None:
    async def broken() -> AsyncIterator[bytes]:
        async for piece in pieces(CONTENT[:-1]):
            yield piece
        raise ConnectionResetError

    for size in (None, len(CONTENT)):
        with pytest.raises(ConnectionResetError):
            await place.blobs.store("anna", broken(), size=size, max_bytes=10 * len(CONTENT))
    assert (await place.names(), await place.used("anna")) == ([], 0)


async def test_a_cancelled_upload_leaves_nothing(place: Place) -> None:
    arrived = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        async for piece in pieces(CONTENT):
            yield piece
        arrived.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(place.blobs.store("anna", endless(), max_bytes=10 * len(CONTENT)))
    await arrived.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert (await place.names(), await place.used("anna")) == ([], 0)


async def test_a_renewed_blob_lives_longer(place: Place) -> None:
    await place.blobs.store("anna", pieces(CONTENT))
    await age(place, KEPT_S - 100)
    await place.blobs.renew("anna", DIGEST)
    await age(place, KEPT_S - 100)
    assert await read(place.blobs, "anna", DIGEST) == CONTENT
    await place.blobs.store("anna", pieces(CONTENT))
    await age(place, KEPT_S - 100)
    assert await read(place.blobs, "anna", DIGEST) == CONTENT


async def test_a_blob_expires(place: Place) -> None:
    await place.blobs.store("anna", pieces(CONTENT))
    await place.blobs.store("ben", pieces(CONTENT))
    await age(place, KEPT_S + 100)
    for call in (place.blobs.renew("anna", DIGEST), read(place.blobs, "anna", DIGEST)):
        with pytest.raises(BlobGone):
            await call
    await place.blobs.store("cleo", pieces(CONTENT))
    async with place.blobs.removing_expired(interval_s=0.01):
        async with asyncio.timeout(20):
            while len(await place.names()) > 1:
                await asyncio.sleep(0.01)
    assert await read(place.blobs, "cleo", DIGEST) == CONTENT


async def age(place: Place, seconds: float) -> None:
    """Let time pass, for the blobs."""
    place.s3.age(seconds)
    for path in place.folder.rglob("*"):
        os.utime(path, (0, path.stat().st_mtime - seconds))
    async for name in place.redis.scan_iter(place.keys.blob("*", "*")):
        left_ms = await place.redis.pttl(name)
        assert left_ms > 0
        await place.redis.pexpire(name, max(1, left_ms - int(1000 * seconds)))
    await asyncio.sleep(0.01)


async def test_a_damaged_blob_is_not_given_out_as_whole(place: Place) -> None:
    await place.blobs.store("anna", pieces(CONTENT))
    await place.redis.hset(place.keys.blob("anna", DIGEST), "1", "x")  # type: ignore[misc]
    for path in place.folder.rglob(DIGEST):
        path.write_bytes(CONTENT[:-1])
    for stored in place.s3.objects.values():
        stored.content = CONTENT[:-1]
    with pytest.raises(BlobGone):
        await read(place.blobs, "anna", DIGEST)


async def test_uploads_of_the_same_content_at_once(place: Place) -> None:
    blobs = await asyncio.gather(*(place.blobs.store("anna", pieces(CONTENT)) for _ in range(5)))
    assert {blob.digest for blob in blobs} == {DIGEST}
    assert await read(place.blobs, "anna", DIGEST) == CONTENT
    assert len(await place.names()) == 1


async def test_an_upload_whose_process_died_expires_in_redis(redis: RetryingRedis, keys: Keys) -> None:
    async with open_blobs(Settings(), redis, keys) as blobs:
        upload = blobs._backend.upload("anna")
        await upload.write(CONTENT[:CHUNK_BYTES])
        (name,) = [name async for name in redis.scan_iter(f"{keys.prefix}:blob*")]
        assert 0 < await redis.ttl(name) <= 600
        await redis.unlink(name)  # it has expired
        await upload.write(CONTENT[CHUNK_BYTES : 2 * CHUNK_BYTES])
        with pytest.raises(BlobStoreUnavailable):
            await upload.commit(DIGEST)
        assert not await redis.exists(keys.blob("anna", DIGEST))


async def test_an_upload_whose_process_died_is_removed_from_a_folder(
    redis: RetryingRedis, keys: Keys, tmp_path: Path
) -> None:
    async with open_blobs(Settings(blob_store=f"file://{tmp_path}"), redis, keys) as blobs:
        upload = blobs._backend.upload("anna")
        await upload.write(CONTENT)
        (path,) = (tmp_path / in_folder.UPLOADS).iterdir()
        await blobs._backend.remove_expired()
        assert path.exists()
        os.utime(path, (0, path.stat().st_mtime - in_folder.UPLOAD_TTL_S - 1))
        await blobs._backend.remove_expired()
        assert not path.exists()
        await upload.abort()


async def test_a_commit_may_be_repeated(redis: RetryingRedis, keys: Keys) -> None:
    """Its answer may have been lost."""
    async with open_blobs(Settings(), redis, keys) as blobs:
        upload = blobs._backend.upload("anna")
        await upload.write(CONTENT)
        assert [await upload.commit(DIGEST) for _ in range(2)] == [True, True]
        assert 0 < await redis.ttl(keys.blob("anna", DIGEST)) <= KEPT_S


async def test_a_full_redis_takes_no_blob(own_redis: RetryingRedis, keys: Keys) -> None:
    await own_redis.config_set("maxmemory", "1")
    impatient = connect(Settings(redis_url=_url(own_redis)))
    async with open_blobs(Settings(), impatient, keys) as blobs:
        with pytest.raises(RedisError, match="maxmemory"):
            await blobs.store("anna", pieces(CONTENT))
    await impatient.aclose()
    await own_redis.config_set("maxmemory", "0")
    assert [name async for name in own_redis.scan_iter(f"{keys.prefix}:blob*")] == []


def _url(redis: RetryingRedis) -> str:
    options = redis.connection_pool.connection_kwargs
    return f"redis://{options['host']}:{options['port']}/0"


async def test_a_folder_that_cannot_be_written(redis: RetryingRedis, keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    async with open_blobs(Settings(blob_store=f"file://{tmp_path}/file"), redis, keys) as blobs:
        with pytest.raises(BlobStoreUnavailable, match="folder of blobs"):
            await blobs.store("anna", pieces(CONTENT), max_bytes=10 * len(CONTENT))


@pytest.fixture
async def in_s3(redis: RetryingRedis, keys: Keys, s3: S3) -> AsyncIterator[Blobs]:
    async with open_blobs(Settings(blob_store="s3://bucket", **s3_account(s3)), redis, keys) as blobs:
        yield blobs


async def test_s3_fails_for_a_moment(in_s3: Blobs, s3: S3) -> None:
    s3.failures = [503, 500]
    await in_s3.store("anna", pieces(CONTENT))
    assert await read(in_s3, "anna", DIGEST) == CONTENT
    assert [request.partition(" ")[0] for request in s3.requests] == ["HEAD", "HEAD", "HEAD", "PUT", "GET"]


async def test_s3_fails(in_s3: Blobs, s3: S3, redis: RetryingRedis, keys: Keys) -> None:
    s3.failures = [503] * 3
    with pytest.raises(BlobStoreUnavailable, match="503"):
        await in_s3.store("anna", pieces(CONTENT), max_bytes=10 * len(CONTENT))
    assert (s3.objects, s3.failures) == ({}, [])
    await in_s3.store("anna", pieces(CONTENT))
    for failure in (500, 403):
        s3.failures = [failure]
        with pytest.raises(BlobStoreUnavailable, match=str(failure)):
            await read(in_s3, "anna", DIGEST)
    s3.cut = True
    with pytest.raises(BlobStoreUnavailable, match="does not answer"):
        await read(in_s3, "anna", DIGEST)


@pytest.mark.parametrize(
    "change", [{"s3_secret": "wrong"}, {"s3_region": "mars"}, {"blob_store": "s3://other"}], ids=str
)
async def test_s3_with_the_wrong_account(redis: RetryingRedis, keys: Keys, s3: S3, change: dict[str, Any]) -> None:
    settings = Settings(**{"blob_store": "s3://bucket", **s3_account(s3), **change})
    async with open_blobs(settings, redis, keys) as blobs:
        with pytest.raises(BlobStoreUnavailable) as caught:
            await blobs.store("anna", pieces(CONTENT))
    assert peer.SECRET not in str(caught.value)
    assert s3.objects == {}


async def test_s3_that_is_not_there(redis: RetryingRedis, keys: Keys) -> None:
    settings = Settings(blob_store="s3://bucket", s3_endpoint_url="http://127.0.0.1:9")
    async with open_blobs(settings, redis, keys) as blobs:
        with pytest.raises(BlobStoreUnavailable, match="does not answer"):
            await blobs.store("anna", pieces(CONTENT))


# The examples of Amazon's documentation: "Signature Calculations for the Authorization Header".
AWS_EXAMPLE: dict[str, Any] = {
    "region": "us-east-1",
    "key_id": "AKIAIOSFODNN7EXAMPLE",
    "secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "at": dt.datetime(2013, 5, 24, tzinfo=dt.UTC),
}
AWS_HOST = {"host": "examplebucket.s3.amazonaws.com"}
WELCOME = hashlib.sha256(b"Welcome to Amazon S3.").hexdigest()


@pytest.mark.parametrize(
    ("method", "path", "params", "headers", "body_sha256", "signature"),
    [
        (
            "GET",
            "/test.txt",
            {},
            {"Range": "bytes=0-9"},
            aws_signature.EMPTY_SHA256,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "/test$file.text",
            {},
            {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            WELCOME,
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET",
            "/",
            {"lifecycle": ""},
            {},
            aws_signature.EMPTY_SHA256,
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET",
            "/",
            {"max-keys": "2", "prefix": "J"},
            {},
            aws_signature.EMPTY_SHA256,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_signatures_are_those_of_the_documentation(
    method: str, path: str, params: dict[str, str], headers: dict[str, str], body_sha256: str, signature: str
) -> None:
    path, query = aws_signature.encoded_path(path), aws_signature.encoded_query(params)
    signed = aws_signature.signed_headers(method, path, query, {**AWS_HOST, **headers}, body_sha256, **AWS_EXAMPLE)
    assert signed["authorization"].endswith(f"Signature={signature}")


async def test_chunks_are_all_of_one_size() -> None:
    for size in (1, 7, 100, 250):
        chunks = [chunk async for chunk in rechunked(pieces(CONTENT[:1_000], size), 100)]
        assert [len(chunk) for chunk in chunks] == [100] * 10


async def test_the_blobs_of_an_owner_are_listed_and_deleted(place: Place) -> None:
    owners = ("anna", "an:na", "an*")
    contents = [CONTENT, b"", b"x" * CHUNK_BYTES]
    for owner in owners:
        for content in contents:
            await place.blobs.store(owner, pieces(content))
    for owner in owners:
        listed = [blob async for blob in place.blobs.listing(owner)]
        assert sorted(blob.size for blob in listed) == sorted(map(len, contents))
        assert all(blob.holder == place.blobs.holder(owner) and blob.expires_in_s > 0 for blob in listed)
    assert len([blob async for blob in place.blobs.listing()]) == len(owners) * len(contents)
    assert await place.blobs.delete("anna", DIGEST)
    assert not await place.blobs.delete("anna", DIGEST)
    assert len([blob async for blob in place.blobs.listing("anna")]) == len(contents) - 1
    with pytest.raises(BlobGone):
        await read(place.blobs, "anna", DIGEST)
    assert await read(place.blobs, "an:na", DIGEST) == CONTENT
