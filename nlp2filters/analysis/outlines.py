"""The outline of a file: its definitions, the names that it refers to, and what it imports."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tree_sitter import Node, Query, QueryCursor

from nlp2filters.analysis.languages import LANGUAGES, Grammar, grammar
from nlp2filters.analysis.sources import SourceFile

# The depth to which a syntax tree is walked: deeper ones are made by tools, or to break a reader.
MAX_DEPTH = 500
# Definitions nested deeper than that are left out, for the same reason: their names would not end.
MAX_NESTING = 20


@dataclass(frozen=True, slots=True)
class Definition:
    """A named part of a file, from its first line to its last.

    `kind` is that of the grammar's query: "class", "function", "method", … `qualified_name` begins with the names of
    the definitions around it. `branches` is the number of points at which it divides, except in the definitions in it.
    """

    name: str
    qualified_name: str
    kind: str
    start_line: int
    end_line: int
    branches: int = 0
    parent: str | None = None


@dataclass(frozen=True)
class Outline:
    """The outline of a file. `references` counts the uses of names; `imports` are written as in the language."""

    definitions: Sequence[Definition] = ()
    references: Mapping[str, int] = field(default_factory=dict)
    imports: Sequence[str] = ()
    broken: bool = False


def outline(file: SourceFile, language: str | None) -> Outline:
    """Return the outline of a file: an empty one in an unknown language, one of what is sound in a file with faults."""
    if language is None or language not in LANGUAGES:
        return Outline()
    source = file.text.encode()
    loaded = grammar(language)
    root = loaded.parser.parse(source).root_node
    row = LANGUAGES[language]
    nodes, references = _tagged(loaded, root, row.whole)
    definitions = _nested(nodes, row.branches)
    return Outline(definitions, references, tuple(_imports(loaded, root)), root.has_error)


def _tagged(loaded: Grammar, root: Node, whole: str) -> tuple[list[tuple[Node, str, str]], dict[str, int]]:
    """Return the definitions as nodes with their names and kinds, outer ones first, and the references."""
    tagged: dict[tuple[int, int], tuple[Node, str, str]] = {}
    references: dict[str, int] = {}
    for captures in _matches(loaded.tags, root):
        names = captures.get("name")
        if not names:
            continue
        name = _text(names[0])
        for capture, nodes in captures.items():
            group, _, kind = capture.partition(".")
            if group == "definition":
                # A method may match as a function as well; the later and more special pattern counts.
                node = _around(nodes[0], whole)
                tagged[node.start_byte, node.end_byte] = (node, name, kind)
            elif group == "reference":
                references[name] = references.get(name, 0) + 1
    return sorted(tagged.values(), key=lambda entry: (entry[0].start_byte, -entry[0].end_byte)), references


def _matches(query: Query, root: Node) -> Iterator[dict[str, list[Node]]]:
    """Yield the captures of a query. Without a limit of the depth, a file made to break it takes minutes."""
    cursor = QueryCursor(query)
    cursor.set_max_start_depth(MAX_DEPTH)
    return (captures for _, captures in cursor.matches(root))


def _around(node: Node, whole: str) -> Node:
    """Return the definition around its declarator: in C, a query tags only the name with its parameters."""
    outer: Node | None = node if "declarator" in node.type else None
    while outer and "declarator" in outer.type:
        outer = outer.parent
    return outer if outer and outer.type == whole else node


def _nested(nodes: Sequence[tuple[Node, str, str]], branches: Sequence[str]) -> tuple[Definition, ...]:
    """Return the definitions with the names around them."""
    within: list[tuple[Node, str, str]] = []
    definitions = []
    spans = {(node.start_byte, node.end_byte) for node, _, _ in nodes}
    for node, name, kind in nodes:
        while within and within[-1][0].end_byte <= node.start_byte:
            within.pop()
        if within and within[-1][0].start_point.row == node.start_point.row and within[-1][2] == name:
            # A function that is assigned to its own name is one definition, not two.
            continue
        if len(within) == MAX_NESTING:
            continue
        parent = within[-1][1] if within else None
        qualified_name = f"{parent}.{name}" if parent else name
        count = _branches(node, frozenset(branches), spans)
        definitions.append(
            Definition(name, qualified_name, kind, node.start_point.row + 1, _last_line(node), count, parent)
        )
        within.append((node, qualified_name, name))
    return tuple(definitions)


def _branches(node: Node, kinds: frozenset[str], definitions: set[tuple[int, int]]) -> int:
    """Count the points at which a definition divides, without those of definitions in it."""
    count, rest = 0, [(child, 1) for child in node.children]
    while rest:
        child, depth = rest.pop()
        if (child.start_byte, child.end_byte) in definitions or depth > MAX_DEPTH:
            continue
        count += child.is_named and child.type in kinds
        rest.extend((grandchild, depth + 1) for grandchild in child.children)
    return count


def _imports(loaded: Grammar, root: Node) -> Iterator[str]:
    if loaded.imports is None:
        return
    for captures in _matches(loaded.imports, root):
        for node in captures.get("import", ()):
            yield _text(node).strip("\"'`<>")


def _text(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")


def _last_line(node: Node) -> int:
    """Return the last line of a node; one that ends with a newline does not reach into the next line."""
    end = node.end_point
    return max(end.row + (1 if end.column else 0), node.start_point.row + 1)
