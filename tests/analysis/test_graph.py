"""Ranks, imports and cycles of small codebases."""

import pytest

from nlp2filters.analysis.imports import cycles, import_graph
from nlp2filters.analysis.languages import language_of
from nlp2filters.analysis.outlines import Outline, outline
from nlp2filters.analysis.ranking import rank_definitions, rank_files
from tests.analysis.packing import source


def outlines(files: dict[str, str]) -> dict[str, Outline]:
    return {path: outline(source(path, text), language_of(path)) for path, text in files.items()}


def test_what_others_build_on_ranks_first() -> None:
    user = "from core import StoreClient\n\ndef main():\n    StoreClient()\n"
    files = {
        "core.py": "class StoreClient:\n    def unused_helper(self):\n        pass\n",
        **{f"user_{number}.py": user for number in range(4)},
        "alone.py": "def nobody_calls_me():\n    pass\n",
    }
    found = outlines(files)
    ranks = rank_files(found)
    assert sum(ranks.values()) == pytest.approx(1)
    assert max(ranks, key=lambda path: ranks[path]) == "core.py"
    definitions = rank_definitions(found, ranks)
    assert max(definitions, key=lambda key: definitions[key]) == ("core.py", "StoreClient")
    assert definitions["core.py", "StoreClient"] > definitions["core.py", "StoreClient.unused_helper"] > 0


def test_ranks_of_nothing_and_of_strangers() -> None:
    assert rank_files({}) == {}
    ranks = rank_files(outlines({"a.txt": "words", "b.txt": "words"}))
    assert ranks == {"a.txt": pytest.approx(0.5), "b.txt": pytest.approx(0.5)}


@pytest.mark.parametrize(
    ("importer", "text", "target"),
    [
        ("pkg/a.py", "from pkg.sub import b", "pkg/sub/b.py"),
        ("pkg/a.py", "from .sub.b import thing", "pkg/sub/b.py"),
        ("pkg/sub/a.py", "from ..c import thing", "pkg/c.py"),
        ("pkg/a.py", "import pkg.sub.b", "pkg/sub/b.py"),
        ("src/pkg/a.py", "from pkg.c import Thing", "src/pkg/c.py"),
        ("lib/a.js", "const b = require('./util/b')", "lib/util/b.js"),
        ("lib/a.ts", "import { b } from '../c'", "c.ts"),
        ("lib/a.ts", "export * from './util'", "lib/util/index.ts"),
        ("x/A.java", "import org.shop.Store;", "src/org/shop/Store.java"),
        ("src/a.c", '#include "b.h"', "src/b.h"),
        ("a.rb", "require_relative 'lib/b'", "lib/b.rb"),
        ("src/a.rs", "mod b;", "src/b.rs"),
    ],
)
def test_imports_lead_to_files(importer: str, text: str, target: str) -> None:
    decoys = {"other/place/b.h": "", "other/index.ts": ""}
    files = outlines({importer: text + "\n", target: "\n", **decoys, "pkg/__init__.py": "", "pkg/sub/__init__.py": ""})
    assert target in import_graph(files)[importer] or "pkg/sub/__init__.py" in import_graph(files)[importer]


def test_what_is_not_in_the_archive_is_no_import() -> None:
    assert import_graph(outlines({"a.py": "import os\nimport numpy as np\n"})) == {"a.py": ()}


def test_cycles_are_found_once() -> None:
    graph = {
        **{"a": ("b",), "b": ("c",), "c": ("a", "d"), "d": ("e",), "e": ("d",)},
        **{"f": ("a",), "g": ()},
    }
    assert cycles(graph) == [("a", "b", "c"), ("d", "e")]


def test_a_long_chain_has_no_cycle_and_a_long_ring_one() -> None:
    size = 20_000
    chain = {str(number): (str(number + 1),) for number in range(size)} | {str(size): ()}
    assert cycles(chain) == []
    assert [len(group) for group in cycles({**chain, str(size): ("0",)})] == [size + 1]
