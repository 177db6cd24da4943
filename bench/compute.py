"""The work of a job without the service: a text embedded, read and compiled in one process, one after the other."""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

import orjson

from nlp2filters import demo
from nlp2filters.clock import now_ms
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.query import Query
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.embedding.weights import MINILM
from nlp2filters.lexicon_parser import LexiconParser
from nlp2filters.translator import Translator

ROUNDS = 20


def compute_ms(texts: Sequence[str]) -> float:
    """Return the median of the milliseconds that a text takes, in a process of its own."""
    command = [sys.executable, "-m", "bench.compute"]
    run = subprocess.run(command, input=orjson.dumps(list(texts)), capture_output=True, check=True)
    return float(run.stdout.split()[-1])


async def main(texts: Sequence[str]) -> None:
    catalog = demo.catalog_of(orjson.loads(b'"cars"'))
    lexicon, spent = Lexicon.of(catalog), []
    async with await Embedder.load(MINILM.locate(progress=False)) as embedder:
        translator = Translator(embedder)
        for at in range(ROUNDS * len(texts)):
            request = {
                **{"text": f"{texts[at % len(texts)]}, limit {at + 1}", "catalog": "cars", "dialects": ["sql"]},
                **{"strategy": "builtin", "timezone": "UTC", "now": None, "scope": None},
            }
            began = time.perf_counter()
            query = Query.from_request(request, now_ms())
            draft = await translator.draft(query, LexiconParser(lexicon))
            await translator.translate(query, catalog, draft)
            spent.append(1000 * (time.perf_counter() - began))
    print(statistics.median(spent[len(texts) :]))


if __name__ == "__main__":
    asyncio.run(main(orjson.loads(sys.stdin.read())))
