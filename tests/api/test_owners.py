"""Everything of one owner, through the whole service: shown, exported and deleted; others keep theirs."""

import asyncio
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from nlp2filters.cli.keys import DEFAULT_SCOPES
from nlp2filters.cli.main import main
from nlp2filters.client import Client, Job
from nlp2filters.client.errors import AuthError, ConnectionFailed, JobFailed, NotFoundError
from nlp2filters.clock import now_ms
from nlp2filters.storage.api_keys import ApiKeys
from nlp2filters.storage.redis_keys import Keys
from tests.peers import gateway as gateways
from tests.peers import llm as llms
from tests.peers import webhook as webhooks
from tests.peers.gateway import cut_after
from tests.peers.llm import LLM
from tests.peers.webhook import Receiver
from tests.service import Service, started

ANSWER = {"conditions": [{"field": "weight", "op": ">", "value": 3, "quote": "heavier than 3", "confidence": 1}]}
# The numbers for limits stay, and so does what is not the owner's.
STAYS = {"added", "added-derived", "rate"}


@dataclass(frozen=True)
class Place:
    """The service, its LLM and the receiver of its webhooks; `files` is the folder of blobs."""

    service: Service
    llm: LLM
    receiver: Receiver
    files: Path

    def key(self, owner: str, scopes: Sequence[str] = DEFAULT_SCOPES) -> str:
        async def make() -> str:
            async with AsyncRedis.from_url(self.service.environment["REDIS_URL"]) as redis:
                return (await ApiKeys(redis, Keys()).create(owner, owner, scopes, now_ms()))[1]

        return asyncio.run(make())

    def client(self, owner: str, scopes: Sequence[str] = DEFAULT_SCOPES) -> Client:
        return Client(self.service.url, self.key(owner, scopes), trust_env=False)

    def contents(self) -> dict[str, bytes]:
        """Every key in Redis and every file, with its name and content."""
        with Redis.from_url(self.service.environment["REDIS_URL"]) as redis:
            stored = {name.decode(): name + (redis.dump(name) or b"") for name in redis.scan_iter(count=1_000)}
            for name in stored:  # A dump may be compressed.
                match redis.type(name):
                    case b"string":
                        stored[name] += redis.get(name) or b""
                    case b"hash":
                        stored[name] += b"".join(part for pair in redis.hgetall(name).items() for part in pair)
                    case b"stream":
                        stored[name] += str(redis.xrange(name)).encode()
                    case b"list":
                        stored[name] += b"".join(redis.lrange(name, 0, -1))
                    case b"zset":
                        stored[name] += b"".join(redis.zrange(name, 0, -1))
                    case b"set":
                        stored[name] += b"".join(redis.smembers(name))
        return stored | {str(path): path.read_bytes() for path in self.files.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("owners")
    with llms.running() as llm, webhooks.running() as receiver:
        llm.script(llms.good(ANSWER))
        environment = {
            "LLM_PROVIDER": "openai",
            "LLM_MODEL": "gpt-test",
            "OPENAI_BASE_URL": llm.url,
            "OPENAI_API_KEY": "k",
            "LLM_CACHE_S": "600",
            "LLM_TIMEOUT_S": "60",
            "WEBHOOK_ALLOW_PRIVATE": "true",
            "WEBHOOK_SECRET": "whsec_c2VjcmV0IGZvciB0ZXN0cyBvZiBvcGVyYXRvcnM=",
            "BLOB_STORE": f"file://{folder}/blobs",
        }
        with started(folder, **environment) as service:
            yield Place(service, llm, receiver, folder / "blobs")


def catalog(mark: str) -> dict[str, object]:
    fields = [
        {"name": "animal", "type": "keyword", "values": [mark, "dog"]},
        {"name": "about", "type": "text", "description": mark * 40},
        {"name": "weight", "type": "number"},
    ]
    return {"name": "pets", "title": f"Pets such as {mark}", "description": mark * 20, "fields": fields}


def be_busy(place: Place, client: Client, mark: str) -> None:
    """Use everything that leaves something behind, with the `mark` in all of it."""
    place.receiver.script(webhooks.server_error)
    client.catalogs.put("pets", catalog(mark))
    client.ask(f"{mark} heavier than 3", "pets")
    client.ask(
        f"{mark} lighter than 9",
        {**catalog(mark), "name": "inline"},
        strategy="builtin",
        webhook={"url": f"{place.receiver.url}?{mark}"},
    )
    place.receiver.next()
    key = f"key of {mark}"
    again = [
        client.jobs.submit(f"8 cylinders {mark}", "cars", strategy="builtin", idempotency_key=key, metadata={"m": mark})
        for _ in "ab"
    ]
    assert again[0].id == again[1].id
    client.batches.wait(client.batches.submit([{"custom_id": mark, "catalog": "cars", "text": f"4 cylinders {mark}"}]))
    rows = [{"animal": mark, "weight": 3}, {"animal": "dog", "weight": 20}, {"animal": "cat", "weight": 4}]
    data = client.rows.upload(rows)
    client.jobs.any_result(_ended(client, data.id))
    client.rows.export(data, catalog={**catalog(mark), "fields": catalog(mark)["fields"][::2]}, filter="weight < 10")  # type: ignore[index]
    analysis = client.analyses.submit(
        files={f"{mark}.py": f"def wash_{mark}():\n    return {mark!r}\n"}, budget={"llm_calls": 0}
    )
    client.analyses.wait(analysis)
    assert client.analyses.search(analysis, f"who washes {mark}?")
    client.jobs.stream_token(analysis)
    bad = client.rows.upload([{mark: 1}])
    _ended(client, bad.id)
    with pytest.raises(JobFailed):
        client.rows.find(bad, catalog=catalog(mark), filter=f"animal = '{mark}'")


def _ended(client: Client, job_id: str) -> Job:
    for _ in client.jobs.follow(job_id):
        pass
    return client.jobs.get(job_id)


def test_without_keys_there_is_one_owner(place: Place) -> None:
    """It comes first: the other tests create keys."""
    with Client(place.service.url, trust_env=False) as client:
        job = client.jobs.submit("8 cylinders", "cars")
        assert client.owner.show().owner == "anonymous"
        assert client.owner.delete().deleted["jobs"] == 1
        with pytest.raises(NotFoundError):
            client.jobs.get(job)


def test_all_of_an_owner_is_shown_exported_and_deleted_and_nothing_of_others(place: Place, tmp_path: Path) -> None:
    with place.client("anna") as anna, place.client("ben") as ben:
        ben.catalogs.put("pets", catalog("walrus"))
        ben.ask("walrus heavier than 3", "pets")
        of_ben = ben.owner.show()
        be_busy(place, anna, "zebrafish")
        place.llm.script(llms.slow)
        running = anna.jobs.submit("a running zebrafish", "pets", strategy="llm")
        _until_at_llm(anna, running.id)

        shown = {kind.kind: kind for kind in anna.owner.show().kinds}
        assert shown["jobs"].count >= 9
        assert shown["catalogs"].expires_at is None
        assert {"batches", "files", "llm_answers", "indexes", "idempotency_keys", "webhook_messages"} <= set(shown)

        packed = zipfile.ZipFile(io.BytesIO(b"".join(anna.owner.export())))
        assert packed.testzip() is None
        lines = {
            name.removesuffix(".ndjson"): [json.loads(line) for line in packed.read(name).splitlines()]
            for name in packed.namelist()
            if name.endswith(".ndjson")
        }
        assert {name: len(records) for name, records in lines.items()} | {"files": shown["files"].count} == {
            name: kind.count for name, kind in shown.items()
        }
        (pets,) = lines["catalogs"]
        assert pets["value"]["title"] == "Pets such as zebrafish"
        requests = {record["id"]: record["value"]["request"] for record in lines["jobs"]}
        assert requests[running.id]["text"] == "a running zebrafish"
        everything = b"".join(packed.read(name) for name in packed.namelist())
        assert b"zebrafish" in everything
        assert b"walrus" not in everything
        sent = [name for name, content in place.contents().items() if b"zebrafish" in content]
        assert len(sent) > 20  # so that the next assertion means something

        deletion = anna.owner.delete()
        assert deletion.complete
        assert deletion.deleted["jobs"] == shown["jobs"].count
        assert deletion.api_keys == 1
        left = place.contents()
        assert {name: content for name, content in left.items() if b"zebrafish" in content} == {}
        assert {name.split(":")[1] for name in left if ":anna" in name} <= STAYS
        with pytest.raises(NotFoundError):
            anna.jobs.get(running.id)
        assert list(anna.jobs.list()) == []
        assert anna.owner.delete().deleted == {}
        after = ben.owner.show()
        assert {kind.kind: kind.count for kind in after.kinds} == {kind.kind: kind.count for kind in of_ben.kinds}
        assert ben.ask("walrus heavier than 3", "pets").conditions

        place.llm.script(llms.good(ANSWER))
        anna.catalogs.put("pets", catalog("zebrafish"))
        assert anna.ask("zebrafish heavier than 3", "pets").conditions  # nothing is refused afterwards


def _until_at_llm(client: Client, job_id: str) -> None:
    for event in client.jobs.follow(job_id):
        if event.job.stage == "llm" and event.job.status == "running":
            return


def test_the_operator_sees_and_deletes_any_owner(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "Zoë & co: [x]*"
    with place.client(name) as zoe, place.client("chief", ["admin"]) as chief:
        job = zoe.jobs.submit("8 cylinders", "cars")
        assert {row.owner: row.jobs for row in chief.owner.list().owners}[name] == 1
        assert chief.owner.show(name).owner == name
        packed = zipfile.ZipFile(io.BytesIO(b"".join(chief.owner.export(name))))
        assert json.loads(packed.read("owner.json"))["owner"] == name
        assert chief.owner.delete(name).deleted["jobs"] == 1
        with pytest.raises(NotFoundError):
            zoe.jobs.get(job)


def test_others_may_not(place: Place) -> None:
    with place.client("anna") as anna, place.client("anna", ["jobs:read"]) as reader:
        with pytest.raises(AuthError, match="admin"):
            anna.owner.show("ben")
        with pytest.raises(AuthError, match="admin"):
            anna.owner.delete("ben")
        with pytest.raises(AuthError, match="jobs:write"):
            reader.owner.delete()
    with place.client("anna", ["jobs:write"]) as writer, pytest.raises(AuthError, match="catalogs:write"):
        writer.owner.delete()


def test_an_export_that_breaks_off_is_told(place: Place) -> None:
    with place.client("dora") as dora:
        dora.catalogs.put("pets", catalog("dormouse"))
        key = place.key("dora")
    with gateways.before(place.service.url) as gateway, Client(gateway.url, key, trust_env=False) as client:
        gateway.script(cut_after(50))
        with pytest.raises(ConnectionFailed, match="broke off"):
            list(client.owner.export())


def test_the_command_line(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NLP2FILTERS_SERVER", place.service.url)
    monkeypatch.setenv("NLP2FILTERS_API_KEY", place.key("chief", ["admin"]))
    with place.client("emma") as emma:
        emma.catalogs.put("pets", catalog("emu"))
    assert main(["owner", "list"]) == 0
    assert "emma" in capsys.readouterr().out
    assert main(["owner", "show", "--owner", "emma"]) == 0
    assert "catalogs" in capsys.readouterr().out
    file = tmp_path / "emma.zip"
    assert main(["owner", "export", "--owner", "emma", str(file)]) == 0
    assert "catalogs.ndjson" in zipfile.ZipFile(file).namelist()
    capsys.readouterr()
    assert main(["owner", "delete", "--owner", "emma"]) == 2  # nobody can be asked
    assert "--yes" in capsys.readouterr().err
    assert main(["owner", "delete", "--owner", "emma", "--yes"]) == 0
    out = capsys.readouterr().out
    assert "list_of_catalogs" in out
    assert "remain valid: 1" in out
