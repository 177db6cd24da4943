"""Vectors, clusters, search, the summary and the report."""

import io
from typing import Any

import numpy as np
import orjson
import pytest

from nlp2filters.analysis.chunks import Chunk
from nlp2filters.analysis.passages import index_of
from nlp2filters.analysis.report import Codebase, build_report
from nlp2filters.analysis.search import MAX_PER_FILE, ForeignIndex, SearchIndex
from nlp2filters.analysis.sources import SkippedFile, SourceFile
from nlp2filters.analysis.summary import central_sentences, summarize
from nlp2filters.analysis.vectors import MAX_CLUSTERS, cluster, quantize, similarities
from nlp2filters.analysis.words import stems, words
from nlp2filters.core.embedding_model import MODEL
from nlp2filters.embedding.embedder import Embedder
from tests.analysis.packing import source

README = """# Shop

[![badge](https://example.com/x.svg)](https://example.com) Shop sells items over the network to every customer.

## Use

```python
import shop
```

Install it with pip and call the shop once. Each customer has a cart, and the shop keeps the items of the cart.
Nothing else matters here.
"""


def units(count: int, size: int = 32) -> "np.typing.NDArray[np.float32]":
    vectors = np.random.default_rng(7).normal(size=(count, size)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def test_vectors_of_bytes_give_nearly_the_same_cosines() -> None:
    vectors = units(200)
    exact, rough = vectors @ vectors[0], similarities(quantize(vectors), vectors[0])
    assert np.abs(exact - rough).max() < 0.02
    assert not similarities(np.zeros((2, 32), dtype=np.int8), vectors[0]).any()


def test_clusters_are_the_groups_that_there_are() -> None:
    centers = units(3)
    vectors = np.concatenate([center + 0.05 * units(20) for center in centers])
    groups = cluster(quantize(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)), 3)
    assert sorted(tuple(sorted(group.members)) for group in groups) == [
        tuple(range(start, start + 20)) for start in (0, 20, 40)
    ]


@pytest.mark.parametrize("count", [0, 1, 2, 500])
def test_every_vector_is_in_one_cluster(count: int) -> None:
    groups = cluster(quantize(units(count)))
    assert sorted(member for group in groups for member in group.members) == list(range(count))
    assert len(groups) <= MAX_CLUSTERS
    assert not len(cluster(np.zeros((5, 8), dtype=np.int8))) > 5  # Vectors without a direction do no harm.


def test_words_are_those_of_names() -> None:
    assert words("max_retries maxRetries HTTPServer the v2") == [
        *("max", "retries", "max", "retries", "http", "server", "2"),
    ]


async def test_questions_find_the_lines_that_answer_them(model_folder: object) -> None:
    texts = {
        "store/redis.py": "def save_result(key, value):\n    redis.set(key, value, ex=86400)\n",
        "web/cors.py": "def preflight(request):\n    headers = {'Access-Control-Allow-Origin': origin}\n",
        "mail/send.py": "def send_mail(to, body):\n    smtp.sendmail(SENDER, to, body)\n",
        "tests/test_mail.py": "def test_send_mail():\n    send_mail('a@b.c', 'hello')\n",
    }
    chunks = [Chunk(path, 1, 2, text) for path, text in texts.items()]
    questions = {
        "Where are results kept in Redis?": "store/redis.py",
        "How are cross-origin requests of browsers allowed?": "web/cors.py",
        "Where is an e-mail delivered?": "mail/send.py",
    }
    async with await Embedder.load(model_folder) as embedder:  # type: ignore[arg-type]
        vectors = quantize(await embedder.embed([chunk.model_text for chunk in chunks]))
        for question, path in questions.items():
            (query,) = await embedder.embed([question])
            best = index_of(chunks, vectors).search(question, query, 3)
            assert best[0].path == path
            assert [one.score for one in best] == sorted((one.score for one in best), reverse=True)


def test_one_file_does_not_take_all_places() -> None:
    chunks = [Chunk("a.py", line, line, "x") for line in range(1, 20)] + [Chunk("b.py", 1, 1, "y")]
    results = index_of(chunks, quantize(units(20))).search("anything", units(1)[0], 5)
    assert [one.path for one in results].count("a.py") == MAX_PER_FILE
    assert index_of([], quantize(units(0))).search("anything", units(1)[0], 5) == []


def test_a_second_passage_of_a_file_gives_way_to_another_file_that_is_nearly_as_good() -> None:
    vectors = np.zeros((5, 32), np.float32)
    vectors[:, 0] = (0.3, 0.9, 0.88, 0.3, 0.87)
    vectors[:, 1] = (1 - vectors[:, 0] ** 2) ** 0.5
    places = [("a.py", 1), ("a.py", 9), ("a.py", 19), ("b.py", 1), ("b.py", 9)]
    chunks = [Chunk(path, line, line + 5, "x") for path, line in places]
    results = index_of(chunks, quantize(vectors)).search("?", np.eye(1, 32)[0], 4)
    assert [(one.path, one.start_line) for one in results[:3]] == [("a.py", 9), ("b.py", 9), ("a.py", 19)]
    assert [one.score for one in results] == sorted((one.score for one in results), reverse=True)


def test_an_index_is_the_same_after_it_was_stored() -> None:
    chunks = [Chunk(f"{number}.py", number, number + 1, f"def retries_{number}():\n    pass") for number in range(1, 9)]
    index = index_of(chunks, quantize(units(8)))
    stored = SearchIndex.from_bytes(index.to_bytes())
    for question in ("retry 3", "anything", ""):
        assert stored.search(question, units(8)[2], 8) == index.search(question, units(8)[2], 8)
    empty = SearchIndex.from_bytes(index_of([], quantize(units(0))).to_bytes())
    assert empty.search("anything", units(1)[0], 5) == []


def changed(content: bytes, **members: Any) -> bytes:
    """A stored index with other members; those that are None are left out."""
    with np.load(io.BytesIO(content)) as arrays:
        stored = {name: arrays[name] for name in arrays.files} | {
            name: value and np.frombuffer(orjson.dumps(value), np.uint8) for name, value in members.items()
        }
    stream = io.BytesIO()
    np.savez_compressed(stream, **{name: array for name, array in stored.items() if array is not None})
    return stream.getvalue()


def test_an_index_of_another_version_is_refused() -> None:
    content = index_of([Chunk("a.py", 1, 1, "x = 1")], quantize(units(1))).to_bytes()
    for other in (
        changed(content, about={"format": 2, "model": MODEL}),
        changed(content, about={"format": 1, "model": "another-model"}),
        changed(content, texts=[[["a.py", 1]], []]),
        changed(content, vectors=None),
        b"",
        b"no index",
    ):
        with pytest.raises(ForeignIndex):
            SearchIndex.from_bytes(other)
    oldest = SearchIndex.from_bytes(changed(content, about=None))  # Before indexes named their format.
    assert oldest.search("x", None, 1) == SearchIndex.from_bytes(content).search("x", None, 1)


def test_what_the_budget_left_out_is_found_by_its_words() -> None:
    chunks = [Chunk(f"{number}.py", 1, 1, f"value_{number} = 1") for number in range(8)]
    chunks.append(Chunk("last.py", 1, 1, "def rotate_certificates(): pass"))
    index = index_of(chunks, quantize(units(8)))
    assert index.search("where are certificates rotated", np.zeros(32, np.float32), 3)[0].path == "last.py"
    without_model = index_of(chunks, np.zeros((0, 32), np.int8))
    assert without_model.search("rotating a certificate", np.zeros(32, np.float32), 3)[0].path == "last.py"


def test_a_file_that_says_what_it_is_about_comes_before_a_mention() -> None:
    vectors = np.zeros((4, 32), np.float32)
    vectors[:, 0] = (0.8, 0.7, 0.82, 0.0)
    vectors[:, 1] = (1 - vectors[:, 0] ** 2) ** 0.5
    places = [("topic.py", 1), ("topic.py", 9), ("other.py", 50), ("other.py", 1)]
    chunks = [Chunk(path, line, line + 5, "x") for path, line in places]
    results = index_of(chunks, quantize(vectors)).search("?", np.eye(1, 32)[0], 4)
    assert [result.path for result in results[:2]] == ["topic.py", "topic.py"]


def test_a_budget_reads_the_beginning_of_every_file_before_the_rest_of_the_largest() -> None:
    body = "".join(f"def function_{number}():\n    {'work(); ' * 40}\n\n\n" for number in range(60))
    codebase = Codebase.of(
        [
            source("test_all.py", body),
            source("large.py", body),
            source("small.py", body[:500]),
            source("notes.md", README),
        ]
    )
    order = list(dict.fromkeys(chunk.path for chunk in codebase.chunks))
    assert set(order[:2]) == {"large.py", "small.py"}
    assert order[2:] == ["notes.md", "test_all.py"]
    assert "small.py" in {chunk.path for chunk in codebase.chunks[:20]}


def test_forms_of_a_word_are_alike() -> None:
    assert stems("retried Retries maxRetry") == ["retri", "retri", "max", "retri"]


def test_a_summary_says_what_a_document_is_about() -> None:
    sentences = central_sentences(README, 2)
    assert len(sentences) == 2
    assert sentences[0] == "Shop sells items over the network to every customer."
    assert "badge" not in " ".join(sentences)
    files = {"README.md": source("README.md", README), "shop.py": source("shop.py", "class Shop:\n    pass\n")}
    summary = summarize(files, {"shop.py": 0.9, "README.md": 0.1})
    assert "2 files" in summary
    assert "shop.py" in summary
    assert "Shop sells items" in summary


@pytest.mark.parametrize("text", ["", "[" * 40_000, "<" * 40_000, "```" * 20_000, "word " * 20_000, "A. " * 20_000])
def test_documents_that_nobody_wrote_do_no_harm(text: str) -> None:
    assert len(central_sentences(text)) <= 5


def test_a_report_tells_everything_and_what_was_left_out() -> None:
    entries: list[SourceFile | SkippedFile] = [
        source("shop.py", "from till import Till\n\n\nclass Shop:\n    def sell(self):\n        return Till().pay()\n"),
        source("till.py", "import shop\n\n\nclass Till:\n    def pay(self):\n        return 1\n"),
        source("README.md", README),
        SkippedFile("logo.png", "It is binary."),
    ]
    codebase = Codebase.of(entries)
    count = len(codebase.chunks)
    report = build_report(codebase, quantize(units(count - 1)), failed=1)
    assert [file["path"] for file in report["files"]] == ["README.md", "logo.png", "shop.py", "till.py"]
    assert report["files"][1]["skipped"] == "It is binary."
    assert {one["name"] for one in report["map"]["definitions"]} == {"Shop", "Shop.sell", "Till", "Till.pay"}
    assert report["map"]["imports"] == {"shop.py": ["till.py"], "till.py": ["shop.py"]}
    assert [finding["rule"] for finding in report["findings"]] == ["import-cycle"]
    assert report["coverage"] == {"chunks": count, "analyzed": count - 2, "failed": 1, "over_budget": 1}
    without = build_report(codebase, quantize(units(0)), tasks=["summary"])
    assert (without["map"], without["findings"], without["duplicates"]) == (None, [], [])
    assert without["summary"]
