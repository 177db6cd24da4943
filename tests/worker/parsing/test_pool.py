"""Parser processes: what they answer, and what becomes of those that take too long, die, or are not needed any more."""

import asyncio
import datetime as dt
import hashlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import orjson
import pytest

from nlp2filters import demo
from nlp2filters.core import drafting
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.text_vectors import Meanings, TextVectors, Vectors
from nlp2filters.errors import ParserFailed, TextTooComplex
from nlp2filters.worker.parsing.catalogs import CatalogParser, CatalogParsers
from nlp2filters.worker.parsing.pool import Pool
from tests.core import hostile
from tests.service import ROOT

TODAY = dt.date(2026, 11, 24)
TEXT = "japanese cars under 3000 pounds, not ford"
LEXICON = Lexicon.of(demo.catalog("cars"))


def source(data: object) -> tuple[str, Callable[[], Awaitable[bytes]]]:
    """The digest of a catalog, and how to get it."""
    content = orjson.dumps(data)

    async def get() -> bytes:
        return content

    return hashlib.sha256(content).hexdigest(), get


CARS = source("cars")


async def cars(pool: Pool, owner: str = "anna") -> CatalogParser:
    digest, get = CARS
    return await CatalogParsers(pool).open(owner, digest, "en", get)


async def read(pool: Pool, owner: str = "anna", text: str = TEXT) -> Interpretation:
    return await (await cars(pool, owner)).draft(text, TODAY, None, None)


async def gone(pid: int) -> None:
    """Wait until a process has ended."""
    async with asyncio.timeout(30):
        while True:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            await asyncio.sleep(0.02)


async def killed(pool: Pool) -> int:
    """Kill the pool's only child, and wait until the pool knows. Returns its process id."""
    (process,) = pool._processes
    os.kill(process.pid, signal.SIGKILL)
    await gone(process.pid)
    async with asyncio.timeout(30):
        while not process.dead:
            await asyncio.sleep(0.02)
    return process.pid


@pytest.fixture(scope="module")
def expected() -> Interpretation:
    return drafting.draft(TEXT, LEXICON, today=TODAY)


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    async with Pool(1) as pool:
        yield pool


@dataclass(frozen=True)
class Embedded:
    """A text with random vectors, and what this process makes of them."""

    text: str
    text_vectors: TextVectors
    index: Vectors
    phrases: tuple[str, ...]
    meanings: Meanings
    reading: Interpretation

    @classmethod
    def of(cls, text: str) -> Self:
        random = np.random.default_rng(1)

        def vectors(count: int) -> Vectors:
            return random.normal(0, 0.05, (count, 384)).astype(np.float32)

        tokens, index = LEXICON.language.tokenize(text), vectors(len(LEXICON.indexed))
        text_vectors = TextVectors([(token.start, token.end) for token in tokens], vectors(len(tokens)))
        tagged = drafting.tag(text, LEXICON, text_vectors, drafting.field_side(LEXICON, index), today=TODAY)
        meanings = Meanings(vectors(len(tagged.phrases)))
        nearness = drafting.near(tagged, meanings.phrases, LEXICON, index)
        reading = drafting.draft(text, LEXICON, today=TODAY, tagged=tagged, nearness=nearness)
        return cls(text, text_vectors, index, tagged.phrases, meanings, reading)


PLAIN, WITH_PHRASES = Embedded.of(TEXT), Embedded.of("japanese cars that sip petrol, not ford")


@pytest.mark.parametrize("embedded", [PLAIN, WITH_PHRASES], ids=["nothing to embed", "phrases"])
async def test_a_child_reads_as_this_process_does(pool: Pool, embedded: Embedded) -> None:
    parser = await cars(pool)
    assert (parser.indexed, parser.uses_embedding) == (LEXICON.indexed, True)
    assert tuple(await parser.tag(embedded.text, embedded.text_vectors, embedded.index, TODAY)) == embedded.phrases
    assert await parser.draft(embedded.text, TODAY, None, embedded.meanings) == embedded.reading


async def test_without_vectors_a_child_reads_by_rules(pool: Pool, expected: Interpretation) -> None:
    assert await read(pool) == expected


async def test_another_child_drafts_a_text_that_a_dead_one_has_tagged(pool: Pool) -> None:
    parser = await cars(pool)
    assert await parser.tag(WITH_PHRASES.text, WITH_PHRASES.text_vectors, WITH_PHRASES.index, TODAY)
    pid = await killed(pool)
    assert await parser.draft(WITH_PHRASES.text, TODAY, None, WITH_PHRASES.meanings) == WITH_PHRASES.reading
    assert pid not in pool.pids


async def test_a_text_with_nothing_to_embed_is_drafted_in_one_call(pool: Pool) -> None:
    parser, (pid,) = await cars(pool), pool.pids
    assert not await parser.tag(PLAIN.text, PLAIN.text_vectors, PLAIN.index, TODAY)
    os.kill(pid, signal.SIGSTOP)  # It would not answer another.
    try:
        assert await parser.draft(PLAIN.text, TODAY, None, PLAIN.meanings) == PLAIN.reading
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_a_followup(pool: Pool, expected: Interpretation) -> None:
    parser, conversation = await cars(pool), Conversation.of("job_1", TEXT, drafting.draft(TEXT, LEXICON, today=TODAY))
    assert (await parser.without_followup("any origin, heavier")).split() == [",", "heavier"]
    reading = await parser.draft("any origin", TODAY, conversation)
    assert reading == drafting.draft("any origin", LEXICON, today=TODAY, conversation=conversation)
    assert reading.filter != expected.filter


async def test_a_catalog_travels_once(pool: Pool) -> None:
    digest, get = CARS
    fetched = 0

    async def counted() -> bytes:
        nonlocal fetched
        fetched += 1
        return await get()

    parsers = CatalogParsers(pool)
    for _ in range(3):
        await (await parsers.open("anna", digest, "en", counted)).draft(TEXT, TODAY, None, None)
    assert fetched == 1


async def test_a_child_is_added_when_work_waits(expected: Interpretation) -> None:
    async with Pool(2) as pool:
        assert len(pool.pids) == 1
        assert await asyncio.gather(*(read(pool, owner) for owner in ("anna", "ben") * 4)) == [expected] * 8
        async with asyncio.timeout(60):
            while len(pool.pids) < 2:
                await asyncio.sleep(0.01)
        assert await asyncio.gather(*(read(pool, owner) for owner in ("anna", "ben") * 4)) == [expected] * 8
        assert len(pool.pids) == 2


async def test_a_child_that_hangs_is_killed_and_its_job_alone_fails(expected: Interpretation) -> None:
    async with Pool(2, warm=2, wall_limit_s=5) as pool:
        await asyncio.gather(read(pool, "anna"), read(pool, "ben"))  # warm in both
        before = pool.pids
        parser, beside = await cars(pool, "anna"), await cars(pool, "ben")
        assert parser._process is None
        await parser.draft(TEXT, TODAY, None, None)
        process = parser._process
        assert process
        os.kill(process.pid, signal.SIGSTOP)  # as a call does that never returns
        hanging = asyncio.create_task(parser.draft(TEXT, TODAY, None, None))
        await asyncio.sleep(0)
        assert await beside.draft(TEXT, TODAY, None, None) == expected
        assert not hanging.done()
        with pytest.raises(TextTooComplex, match="more than 5 s"):
            await hanging
        await gone(process.pid)
        assert [await read(pool, owner) for owner in ("anna", "ben", "anna")] == [expected] * 3
        async with asyncio.timeout(60):
            while len(pool.pids) < 2:
                await asyncio.sleep(0.02)
        assert len(pool.pids & before) == 1


async def test_a_call_that_takes_too_much_cpu_is_ended_by_the_kernel(expected: Interpretation) -> None:
    values = [f"{number} some words of it" for number in range(100_000)]
    digest, get = source({"name": "things", "fields": [{"name": "k", "type": "keyword", "values": values}]})
    async with Pool(1, cpu_limit_s=1) as pool:
        with pytest.raises(TextTooComplex, match="more than 1 s of CPU"):
            await CatalogParsers(pool).open("anna", digest, "en", get)
        assert await read(pool) == expected


async def test_a_text_beyond_its_budget_costs_no_process(pool: Pool, expected: Interpretation) -> None:
    digest, get = source({"name": "things", "fields": hostile.FIELDS["numbers with one label"](50)})
    parser, pids = await CatalogParsers(pool).open("anna", digest, "en", get), pool.pids
    with pytest.raises(TextTooComplex, match="steps"):
        await parser.draft("a 1 " * 200_000, TODAY, None, None)
    assert await read(pool) == expected
    assert pool.pids == pids


async def test_a_child_that_dies_is_replaced(pool: Pool, expected: Interpretation) -> None:
    parser, pid = await cars(pool), await killed(pool)
    assert await parser.draft(TEXT, TODAY, None, None) == expected
    assert pid not in pool.pids


async def test_a_child_that_dies_in_a_call_fails_that_call(pool: Pool, expected: Interpretation) -> None:
    parser = await cars(pool)
    (pid,) = pool.pids
    os.kill(pid, signal.SIGSTOP)
    reading = asyncio.create_task(parser.draft(TEXT, TODAY, None, None))
    await asyncio.sleep(0)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ParserFailed, match="status -9"):
        await reading
    assert await read(pool) == expected


async def test_an_error_in_a_child_is_told(pool: Pool, expected: Interpretation) -> None:
    digest, get = source({"name": "things", "fields": "none"})
    with pytest.raises(ParserFailed, match="InvalidCatalog"):
        await CatalogParsers(pool).open("anna", digest, "en", get)
    assert await read(pool) == expected


async def test_whoever_is_cancelled_keeps_nobody_waiting(pool: Pool, expected: Interpretation) -> None:
    await read(pool)
    tasks = [asyncio.create_task(read(pool, "anna")) for _ in range(20)]
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    assert await read(pool, "ben") == expected
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_one_owners_heavy_texts_let_others_pass(pool: Pool) -> None:
    """In the order of their ends: the light text waits for the one that runs, not for the seven behind it."""
    digest, get = source({"name": "things", "fields": hostile.FIELDS["keywords with one label"](2_000)})
    heavy = await CatalogParsers(pool).open("anna", digest, "en", get)
    await read(pool)
    order: list[str] = []

    async def ended(name: str, reading: Awaitable[Interpretation]) -> None:
        await reading
        order.append(name)

    texts = [ended("heavy", heavy.draft("a b c d e f g h " * 60, TODAY, None, None)) for _ in range(8)]
    tasks = [asyncio.create_task(text) for text in texts]
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(ended("light", read(pool, "ben"))))
    await asyncio.gather(*tasks)
    assert order.index("light") <= 2  # opening the catalog is one turn, reading the text another
    assert order.count("heavy") == 8


async def test_nobody_is_left_behind() -> None:
    async with Pool(2, warm=2) as pool:
        pids = pool.pids
        assert len(pids) == 2
    for pid in pids:
        await gone(pid)


ORPHANS = """
import asyncio, os
from nlp2filters.worker.parsing.pool import Pool

async def main():
    async with Pool(2, warm=2) as pool:
        print(*pool.pids, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_children_end_when_their_parent_is_killed() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ORPHANS, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout
    async with asyncio.timeout(60):
        pids = [int(word) for word in (await parent.stdout.readline()).split()]
    parent.kill()
    await parent.wait()
    assert len(pids) == 2
    for pid in pids:
        await gone(pid)
