"""Embedding APIs: vectors, tokens, batches, bad days, and drafts with the vectors of another model."""

import asyncio
import datetime as dt
import json
import math
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.routing import Route

from nlp2filters import demo
from nlp2filters.core.interpretation import to_json
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.query import Query
from nlp2filters.core.text_vectors import Meanings
from nlp2filters.embedding.api_embedder import ApiEmbedder
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.errors import InvalidAnswer, ProviderError, ProviderRejected, ProviderTimeout, ProviderUnavailable
from nlp2filters.lexicon_parser import LexiconParser
from nlp2filters.llm.embeddings import AT_ONCE
from nlp2filters.llm.http import MAX_TRIES
from nlp2filters.llm.opening import create_embeddings
from nlp2filters.llm.registry import PROVIDERS, EmbeddingConfig
from nlp2filters.storage.index_requests import digest_of
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.retrying_redis import RetryingRedis
from nlp2filters.storage.vector_index import Indexes
from nlp2filters.translator import Translator
from nlp2filters.worker.embedding_services import EmbeddingServices
from tests.llm.test_wires import validator
from tests.peers import embeddings, limited, wires
from tests.peers.embeddings import OPENAI, WIRES, EmbeddingWire
from tests.peers.limited import Server, failing, refusing_for
from tests.peers.llm import serving
from tests.peers.wires import Peer, Sent, sent


@pytest.fixture(params=WIRES, ids=lambda wire: wire.provider)
def wire(request: pytest.FixtureRequest) -> EmbeddingWire:
    chosen: EmbeddingWire = request.param
    return chosen


@pytest.fixture
def peer(wire: EmbeddingWire) -> Iterator[Peer]:
    with wires.running(wire.path) as peer:
        yield peer


def api(wire: EmbeddingWire, peer: Peer | Server, **options: Any) -> ApiEmbedder:
    defaults: dict[str, Any] = {"model": "m", "dimensions": 0, "timeout_s": 9, "api_key": "sk-test"}
    config = EmbeddingConfig(provider=wire.provider, base_url=peer.url, **defaults | options)
    return ApiEmbedder(create_embeddings(config))


def counting(request: dict[str, Any]) -> list[list[float]]:
    """A vector for each text, which tells the text: its length, and three."""
    return [[float(len(text)), 3.0] for text in request["input"]]


async def test_vectors_have_unit_length_and_are_in_order(wire: EmbeddingWire, peer: Peer) -> None:
    peer.rule = lambda request: wire.good(counting(request), 11)
    spent: Counter[str] = Counter()
    async with api(wire, peer) as embedder:
        vectors = await embedder.embed(["four", "a"], spent)
        assert (await embedder.embed([], spent)).shape == (0, 2)
        assert await embedder.space(spent) == f"{wire.provider}/m@2"
    assert vectors == pytest.approx(np.array([[0.8, 0.6], [1 / math.sqrt(10), 3 / math.sqrt(10)]]))
    assert +spent == {"embedding_tokens": 11, "total_tokens": 11, "calls": 1}
    (request,) = peer.requests
    assert (request["model"], request["input"], "dimensions" in request) == ("m", ["four", "a"], False)


async def test_many_texts_go_in_batches_at_once(wire: EmbeddingWire, peer: Peer) -> None:
    peer.rule = lambda request: wire.good(counting(request), len(request["input"]))
    texts = ["x" * (1 + at % 50) for at in range(1000)] + ["", "  ", "y" * 99_000, "z" * 99_000]
    spent: Counter[str] = Counter()
    async with api(wire, peer) as embedder:
        vectors = await embedder.embed(texts, spent)
    lengths = 3 * vectors[:, 0] / vectors[:, 1]
    assert lengths == pytest.approx([max(1, len(text)) if text.strip() else 1 for text in texts], rel=1e-3)
    assert all(len(request["input"]) <= PROVIDERS[wire.provider].max_texts for request in peer.requests)
    assert all(text.strip() for request in peer.requests for text in request["input"])
    assert len(peer.requests) == 6
    assert spent["embedding_tokens"] == len(texts)


async def test_calls_are_made_at_once_but_not_too_many(wire: EmbeddingWire) -> None:
    most, running = 0, 0

    class Slow(Peer):
        async def answer(self, request: Any) -> Any:
            nonlocal most, running
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.05)
            running -= 1
            return await super().answer(request)

    slow = Slow()
    slow.rule = lambda request: wire.good(counting(request))
    with serving([Route(wire.path, slow.answer, methods=["POST"])]) as url:
        slow.url = url
        async with api(wire, slow) as embedder:
            await embedder.embed(["text"] * 256 * 3 * AT_ONCE, Counter())
    assert 1 < most <= AT_ONCE


async def test_dimensions_are_asked_for(wire: EmbeddingWire, peer: Peer) -> None:
    peer.rule = lambda request: wire.good([[1.0] * request["dimensions"] for _ in request["input"]])
    async with api(wire, peer, dimensions=5) as embedder:
        assert await embedder.space(Counter()) == f"{wire.provider}/m@5"
    assert peer.requests[0]["dimensions"] == 5


def test_the_peer_answers_as_openai_specifies_it() -> None:
    answer = embeddings.OPENAI.whole([[0.5, 1.0]], 3)
    checked = validator("CreateEmbeddingResponse")
    assert [str(error) for error in checked.iter_errors(answer)] == []


def bad_days(wire: EmbeddingWire) -> Iterator[tuple[str, list[Sent], type[ProviderError] | None, int]]:
    """What the server sends, the outcome (None: vectors), and the number of requests."""
    good = wire.good([[1.0, 2.0]])

    def failing(status: int) -> Sent:
        return sent(status, wire.error("max dimensions"), retry_after="0")

    for status in (408, 409, 429, 500, 502, 503, 529):
        yield f"{status} once", [failing(status), good], None, 2
    for status in (400, 401, 403, 404, 413, 422):
        yield str(status), [failing(status)], ProviderRejected, 1
    yield "503 always", [failing(503)], ProviderUnavailable, MAX_TRIES
    yield "no JSON", [sent(200, "<html>")], InvalidAnswer, 1
    yield "other JSON", [sent(200, [1])], InvalidAnswer, 1
    yield "empty object", [sent(200, {})], InvalidAnswer, 1
    yield "too few vectors", [wire.good([])], InvalidAnswer, 1
    yield "too many vectors", [wire.good([[1.0], [2.0]])], InvalidAnswer, 1
    yield "no numbers", [wire.good([["a", "b"]])], InvalidAnswer, 1  # type: ignore[list-item]
    yield "text for a vector", [wire.good(["AAAA"])], InvalidAnswer, 1  # type: ignore[list-item]
    yield "null for a number", [wire.good([[1.0, None]])], InvalidAnswer, 1  # type: ignore[list-item]
    yield "no dimensions", [wire.good([[]])], InvalidAnswer, 1
    yield "no length", [wire.good([[0.0, 0.0]])], InvalidAnswer, 1
    yield (
        "endless numbers",
        [sent(200, json.dumps(wire.whole([[1.0, 12345.0]], 1)).replace("12345.0", "1e999"))],
        InvalidAnswer,
        1,
    )
    yield "huge body", [sent(200, b'"' + b"x" * 40_000_000 + b'"')], InvalidAnswer, 1
    yield "cut body", [Sent(parts=(b'{"data": [',), ends="cut"), good], None, 2


DAYS = [(wire, *day) for wire in WIRES for day in bad_days(wire)]


@pytest.mark.parametrize(
    ("wire", "sends", "outcome", "requests"),
    [(wire, sends, outcome, requests) for wire, _, sends, outcome, requests in DAYS],
    ids=[f"{wire.provider}-{name}" for wire, name, *_ in DAYS],
)
async def test_a_bad_day(
    wire: EmbeddingWire, peer: Peer, sends: Sequence[Sent], outcome: type[ProviderError] | None, requests: int
) -> None:
    peer.script(*sends)
    spent: Counter[str] = Counter()
    async with api(wire, peer) as embedder:
        if outcome:
            with pytest.raises(outcome) as caught:
                await embedder.embed(["text"], spent)
            assert "sk-test" not in str(caught.value)
        else:
            assert (await embedder.embed(["text"], spent)).shape == (1, 2)
    assert len(peer.requests) == spent["calls"] == requests


async def test_the_deadline_holds(wire: EmbeddingWire, peer: Peer) -> None:
    peer.script(Sent(parts=(b"{",), ends="never"))
    async with api(wire, peer, timeout_s=0.3) as embedder:
        with pytest.raises(ProviderTimeout):
            await embedder.embed(["text"], Counter())


async def test_vectors_of_other_dimensions_than_before_are_refused(wire: EmbeddingWire, peer: Peer) -> None:
    peer.script(wire.good([[1.0, 2.0]]), wire.good([[1.0, 2.0, 3.0]]))
    async with api(wire, peer) as embedder:
        await embedder.embed(["text"], Counter())
        with pytest.raises(InvalidAnswer, match="dimensions"):
            await embedder.embed(["text"], Counter())


@pytest.fixture
async def local(model_folder: Path) -> AsyncIterator[Embedder]:
    async with await Embedder.load(model_folder) as embedder:
        yield embedder


class Distorted:
    """An API whose model is the local one in a space of its own: turned, of more dimensions, and everything nearer."""

    def __init__(self, local: Embedder) -> None:
        self._local, self._loop = local, asyncio.get_running_loop()
        random = np.random.default_rng(7)
        self._turn = np.linalg.qr(random.normal(size=(512, 384)))[0]
        self._offset = random.normal(size=512)
        self._offset *= 1.2 / np.linalg.norm(self._offset)

    def __call__(self, request: dict[str, Any]) -> Sent:
        vectors = asyncio.run_coroutine_threadsafe(self._local.embed(request["input"]), self._loop).result()
        return OPENAI.good((vectors @ self._turn.T + self._offset).tolist(), len(request["input"]))


TODAY = dt.date(2026, 11, 24)
CARS = Lexicon.of(demo.catalog("cars"))
MEANT = [
    "automobiles from the States with horsepower over 100",
    "cars with motor strength above 100",
    "german vehicles",
    "asian cars",
]
MEMBERS = ("field", "op", "value", "quote", "source")


@pytest.mark.parametrize("text", MEANT)
async def test_a_draft_is_the_same_in_the_space_of_another_model(
    text: str, local: Embedder, redis: RetryingRedis, keys: Keys
) -> None:
    own = await Translator(local).draft(Query(text, TODAY), LexiconParser(CARS))
    assert "embedding" in {condition.source for condition in own.conditions}
    spent: Counter[str] = Counter()
    with wires.running(OPENAI.path) as peer:
        peer.rule = Distorted(local)
        async with api(OPENAI, peer, timeout_s=60) as embedder:
            services = EmbeddingServices(local, None, Indexes(redis, keys), None, embedder)  # type: ignore[arg-type]

            async def meanings(names: Sequence[str], phrases: Sequence[str]) -> Meanings | None:
                return await services.meanings(names, phrases, spent)

            for _ in range(2):
                draft = await Translator(local, meanings=meanings).draft(Query(text, TODAY), LexiconParser(CARS))
    expected, found = (
        [[condition[name] for name in MEMBERS] for condition in to_json(reading)["conditions"]]
        for reading in (own, draft)
    )
    assert found == expected
    asked = [text for request in peer.requests for text in request["input"]]
    assert max(map(asked.count, CARS.names)) == 1  # The second time, the index was there.
    assert await Indexes(redis, keys).load(CARS.indexed, "openai/m@512") is not None
    assert await Indexes(redis, keys).load(CARS.indexed) is None  # That of the local model is another one.
    assert spent["embedding_tokens"] == len(asked)


async def test_the_local_model_stands_in_for_an_api_that_is_down(
    local: Embedder, redis: RetryingRedis, keys: Keys
) -> None:
    names, phrases = CARS.indexed, ["heaviness"]
    with wires.running(OPENAI.path) as peer:
        peer.rule = Distorted(local)
        async with api(OPENAI, peer) as embedder:
            services = EmbeddingServices(local, None, Indexes(redis, keys), None, embedder)  # type: ignore[arg-type]
            assert await services.meanings(names, phrases, Counter()) is not None
            peer.script(sent(503, "", retry_after="0"))
            assert await services.meanings(names, phrases, Counter()) is None


async def test_a_large_index_is_built_in_the_background(local: Embedder, redis: RetryingRedis, keys: Keys) -> None:
    names = [f"name {number}" for number in range(1100)]
    with wires.running(OPENAI.path) as peer:
        peer.rule = lambda request: OPENAI.good([[float(len(text)), 1.0] for text in request["input"]])
        async with api(OPENAI, peer) as embedder:
            services = EmbeddingServices(local, None, Indexes(redis, keys), None, embedder)  # type: ignore[arg-type]
            assert await services.meanings(names, ["a"], Counter()) is None
            digest = digest_of(names, "openai/m@2")
            assert await services.indexes.space_of(digest) == "openai/m@2"
            assert await services.build_index(digest)
            meanings = await services.meanings(names, ["a"], Counter())
            assert meanings is not None
            assert meanings.index is not None
            assert meanings.index.shape == (1100, 2)
            peer.requests.clear()
            await services.indexes.request(names, "openai/older@2")
            assert await services.build_index(digest_of(names, "openai/older@2"))  # Nobody would look for it.
            assert peer.requests == []


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with limited.running() as server:
        yield server


async def many(embedder: ApiEmbedder, count: int) -> Counter[str]:
    """The outcomes of so many calls at once."""
    calls = [embedder.embed(["text"], Counter()) for _ in range(count)]
    return Counter(type(outcome).__name__ for outcome in await asyncio.gather(*calls, return_exceptions=True))


async def test_a_rate_limit_is_waited_out(server: Server) -> None:
    """Five seconds of refusals: from a cold start, and again with what was learnt."""
    async with api(OPENAI, server, timeout_s=30) as embedder:
        server.begin(refusing_for(5))
        assert await many(embedder, 200) == {"ndarray": 200}
        assert server.requests <= 2.2 * 200
        server.begin(refusing_for(5))
        assert await many(embedder, 200) == {"ndarray": 200}
        assert server.requests <= 1.2 * 200


async def test_an_outage_is_not_made_worse(server: Server) -> None:
    async with api(OPENAI, server, timeout_s=30) as embedder:
        server.begin(failing)
        assert await many(embedder, 200) == {"ProviderUnavailable": 200}
        assert server.requests <= 1.1 * 200
