"""The report of an uploaded archive, made of vectors that may come from a worker of another version."""

from pathlib import Path

import numpy as np
import pytest

from nlp2filters.analysis.uploads import AnalysisOptions, chunk_texts, full_report
from nlp2filters.analysis.vectors import quantize
from tests.analysis.packing import tar

FILES = {f"{name}.py": f"def {name}():\n    return '{name}'\n".encode() for name in ("alpha", "beta", "gamma")}
OPTIONS = AnalysisOptions(question="?", tasks=("map", "search"))
QUERY = np.eye(1, 8, dtype=np.float32)[0]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "archive"
    path.write_bytes(tar(FILES).getvalue())
    return path


def vector(similarity: float) -> bytes:
    """A unit vector of so much similarity with the query."""
    return quantize(np.array([similarity, (1 - similarity**2) ** 0.5, *[0.0] * 6])).tobytes()


def test_a_vector_belongs_to_its_text_wherever_that_stands(archive: Path) -> None:
    texts = [text for group in chunk_texts(archive, OPTIONS) for text in group]
    assert len(texts) == len(FILES)
    for best in texts:
        vectors = {text: vector(0.9 if text == best else 0.1) for text in sorted(texts, reverse=True)}
        report, _ = full_report(archive, OPTIONS, vectors, QUERY)
        assert report["answers"][0]["quote"] == best
        assert report["coverage"] == {"chunks": 3, "analyzed": 3, "failed": 0, "over_budget": 0}


def test_files_that_another_version_has_cut_elsewhere_lack_their_vectors(archive: Path) -> None:
    (first, *_), *_ = chunk_texts(archive, OPTIONS)
    vectors = {"def half_a_function():": vector(0.99), first: vector(0.9)}
    report, _ = full_report(archive, OPTIONS, vectors, QUERY)
    assert report["answers"][0]["quote"] == first
    assert report["coverage"] == {"chunks": 3, "analyzed": 1, "failed": 2, "over_budget": 0}
    nothing, _ = full_report(archive, OPTIONS, {}, QUERY)
    assert nothing["coverage"]["failed"] == 3
    assert {answer["path"] for answer in nothing["answers"]} == set(FILES)


def test_without_search_no_chunk_lacks_a_vector(archive: Path) -> None:
    report, _ = full_report(archive, AnalysisOptions(tasks=("map",)), {}, None)
    assert report["coverage"] == {"chunks": 3, "analyzed": 0, "failed": 0, "over_budget": 0}
