"""Every language of the table: definitions, references, imports and branches of a small file."""

from dataclasses import dataclass

import pytest

from nlp2filters.analysis.languages import LANGUAGES, language_of
from nlp2filters.analysis.outlines import MAX_NESTING, outline
from tests.analysis.packing import source


@dataclass(frozen=True)
class Sample:
    """A small program. `definitions` are qualified names; `branches` are those of the definition with this name."""

    path: str
    text: str
    definitions: set[str]
    references: set[str]
    imports: set[str]
    branches: tuple[str, int]


SAMPLES = {
    "python": Sample(
        "a.py",
        """import os.path as p
from .store import Store

class Shop(Base):
    def sell(self, item):
        if item and item.price:
            return self.charge(item)
        for one in item:
            pay(one)
""",
        {"Shop", "Shop.sell"},
        {"Base", "charge", "pay"},
        {"os.path", ".store"},
        ("Shop.sell", 3),
    ),
    "javascript": Sample(
        "a.js",
        """import { pay } from "./pay.js"
const store = require("./store")

class Shop {
  sell(item) {
    if (item) { return pay(item) }
    return item ? 1 : store.find(item)
  }
}
function open() { return new Shop() }
""",
        {"Shop", "Shop.sell", "open"},
        {"pay", "find", "Shop"},
        {"./pay.js", "./store"},
        ("Shop.sell", 2),
    ),
    "typescript": Sample(
        "a.ts",
        """import { pay } from "./pay"
export interface Item { price: number }
export class Shop {
  sell(item: Item): number {
    switch (item.price) { case 1: return pay(item); default: return 0 }
  }
}
""",
        {"Item", "Shop", "Shop.sell"},
        {"pay", "Item"},
        {"./pay"},
        ("Shop.sell", 1),
    ),
    "tsx": Sample(
        "a.tsx",
        """import { pay } from "./pay"
export function Shop(props: Props) {
  if (props.open) { pay() }
  return <div>{props.name}</div>
}
""",
        {"Shop"},
        {"pay"},
        {"./pay"},
        ("Shop", 1),
    ),
    "java": Sample(
        "A.java",
        """import shop.Store;
class Shop extends Base {
  int sell(int item) {
    if (item > 0) { return pay(item); }
    while (item < 0) { item++; }
    return new Till().count();
  }
}
""",
        {"Shop", "Shop.sell"},
        {"pay", "Till", "count"},
        {"shop.Store"},
        ("Shop.sell", 2),
    ),
    "go": Sample(
        "a.go",
        """package shop
import "example.com/store"
type Shop struct{}
func (s Shop) Sell(item int) int {
  if item > 0 { return pay(item) }
  for item < 0 { item++ }
  return store.Find(item)
}
""",
        {"Shop", "Sell"},
        {"pay", "Find"},
        {"example.com/store"},
        ("Sell", 2),
    ),
    "rust": Sample(
        "a.rs",
        """use crate::store::Store;
mod till;
struct Shop;
impl Shop {
    fn sell(&self, item: i32) -> i32 {
        if item > 0 { return pay(item); }
        match item { 0 => 1, _ => self.find(item) }
    }
}
""",
        {"Shop", "sell"},
        {"pay", "find"},
        {"crate::store::Store", "till"},
        ("sell", 3),
    ),
    "c": Sample(
        "a.c",
        """#include "store.h"
#include <stdio.h>
struct item { int price; };
int sell(int item) {
  if (item > 0) { return pay(item); }
  for (;;) { item++; }
}
""",
        {"item", "sell"},
        set(),
        {"store.h"},
        ("sell", 2),
    ),
    "cpp": Sample(
        "a.cpp",
        """#include "store.h"
class Shop {
  int sell(int item) {
    if (item > 0) { return pay(item); }
    while (item) { item--; }
    return 0;
  }
};
""",
        {"Shop", "Shop.sell"},
        set(),
        {"store.h"},
        ("Shop.sell", 2),
    ),
    "ruby": Sample(
        "a.rb",
        """require "json"
require_relative "store"
class Shop
  def sell(item)
    if item
      pay(item)
    end
  end
end
""",
        {"Shop", "Shop.sell"},
        {"pay"},
        {"json", "store"},
        ("Shop.sell", 1),
    ),
    "php": Sample(
        "a.php",
        """<?php
use Shop\\Store;
class Shop {
  function sell($item) {
    if ($item) { return pay($item); }
    foreach ($item as $one) { $this->find($one); }
  }
}
""",
        {"Shop", "Shop.sell"},
        {"pay", "find"},
        {"Shop\\Store"},
        ("Shop.sell", 2),
    ),
    "csharp": Sample(
        "A.cs",
        """using Shop.Store;
class Shop : Base {
  int Sell(int item) {
    if (item > 0) { return Pay(item); }
    return item > 1 ? new Till().Count() : 0;
  }
}
""",
        {"Shop", "Shop.Sell"},
        {"Pay", "Till", "Count", "Base"},
        {"Shop.Store"},
        ("Shop.Sell", 2),
    ),
    "bash": Sample(
        "a.sh",
        """#!/bin/bash
source ./store.sh
sell() {
  if [ -n "$1" ]; then pay "$1"; fi
  for item in "$@"; do find_it "$item"; done
}
sell x
""",
        {"sell"},
        {"pay", "find_it", "sell"},
        {"./store.sh"},
        ("sell", 2),
    ),
}


def test_there_is_a_sample_of_every_language() -> None:
    assert set(SAMPLES) == set(LANGUAGES)


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_language_is_outlined(name: str) -> None:
    sample = SAMPLES[name]
    assert language_of(sample.path) == name
    outlined = outline(source(sample.path, sample.text), name)
    definitions = {definition.qualified_name: definition for definition in outlined.definitions}
    assert not outlined.broken
    assert sample.definitions <= set(definitions)
    assert sample.references <= set(outlined.references)
    assert set(outlined.imports) == sample.imports
    qualified_name, branches = sample.branches
    assert definitions[qualified_name].branches == branches
    lines = sample.text.splitlines()
    for definition in outlined.definitions:
        assert definition.name in lines[definition.start_line - 1]
        assert definition.end_line <= len(lines)
        assert definition.parent is None or definition.parent in definitions


def test_a_method_is_known_by_its_class_and_does_not_count_inner_branches() -> None:
    text = "def outer():\n    if a:\n        pass\n    def inner():\n        if b:\n            pass\n"
    definitions = {one.qualified_name: one for one in outline(source("a.py", text), "python").definitions}
    assert definitions["outer.inner"].parent == "outer"
    assert (definitions["outer"].branches, definitions["outer.inner"].branches) == (1, 1)


def test_what_is_sound_in_a_broken_file_is_outlined() -> None:
    outlined = outline(source("a.py", "def good():\n    return 1\n\ndef bad(:\n"), "python")
    assert outlined.broken
    assert "good" in {definition.name for definition in outlined.definitions}


def test_an_unknown_language_has_an_empty_outline() -> None:
    assert language_of("a.zig") is None
    assert outline(source("a.zig", "const a = 1;"), None).definitions == ()


@pytest.mark.parametrize("opening", ["function a(){\n", "(", "[", "{\n", "if (a) {\n", "a => "])
def test_deep_nesting_does_no_harm(opening: str) -> None:
    outlined = outline(source("a.js", "\n".join([opening] * 20_000)), "javascript")
    assert all(definition.qualified_name.count(".") < MAX_NESTING for definition in outlined.definitions)
