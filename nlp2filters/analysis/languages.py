"""The languages of programs: a row says how one is recognised and parsed, and where its names are.

Definitions and references are found by the queries that each grammar brings along (`TAGS_QUERY`); imports and branches
by the rows. A file in another language is divided by lines only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import PurePosixPath

from tree_sitter import Language, Parser, Query

_C_BRANCHES = (
    "if_statement",
    "for_statement",
    "while_statement",
    "do_statement",
    "case_statement",
    "conditional_expression",
)
_JS_BRANCHES = (
    *("if_statement", "for_statement", "for_in_statement", "while_statement", "do_statement", "switch_case"),
    *("catch_clause", "ternary_expression"),
)
_JAVA_BRANCHES = (
    *("if_statement", "for_statement", "enhanced_for_statement", "while_statement", "do_statement", "switch_label"),
    *("catch_clause", "ternary_expression"),
)
_ES_IMPORTS = """
(import_statement source: (string) @import)
(export_statement source: (string) @import)
(call_expression function: (identifier) @_function arguments: (arguments (string) @import) (#eq? @_function "require"))
"""
_C_IMPORTS = "(preproc_include path: (string_literal) @import)"
_C_CALLS = """
(call_expression function: (identifier) @name) @reference.call
(call_expression function: (field_expression field: (field_identifier) @name)) @reference.call
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageRow:
    """A language: `grammar` is `module:function` of its grammar, `branches` the nodes at which a function divides.

    `tags` are definitions and references for a grammar without a query of its own, or in addition to it; `like` is the
    language of which it takes the query as well. `whole` is the node around the name that a query tags as a definition.
    """

    name: str
    suffixes: tuple[str, ...]
    grammar: str
    branches: tuple[str, ...]
    imports: str = ""
    tags: str = ""
    like: str = ""
    whole: str = ""


LANGUAGES: Mapping[str, LanguageRow] = {
    row.name: row
    for row in (
        LanguageRow(
            name="python",
            suffixes=(".py", ".pyi"),
            grammar="tree_sitter_python:language",
            branches=(
                *("if_statement", "elif_clause", "for_statement", "while_statement", "except_clause", "case_clause"),
                *("conditional_expression", "boolean_operator", "if_clause"),
            ),
            imports="""
(import_statement name: (dotted_name) @import)
(import_statement name: (aliased_import name: (dotted_name) @import))
(import_from_statement module_name: (_) @import)
""",
            tags="(class_definition superclasses: (argument_list (identifier) @name)) @reference.class",
        ),
        LanguageRow(
            name="javascript",
            suffixes=(".js", ".mjs", ".cjs", ".jsx"),
            grammar="tree_sitter_javascript:language",
            branches=_JS_BRANCHES,
            imports=_ES_IMPORTS,
        ),
        LanguageRow(
            name="typescript",
            suffixes=(".ts", ".mts", ".cts"),
            grammar="tree_sitter_typescript:language_typescript",
            like="javascript",
            branches=_JS_BRANCHES,
            imports=_ES_IMPORTS,
        ),
        LanguageRow(
            name="tsx",
            suffixes=(".tsx",),
            grammar="tree_sitter_typescript:language_tsx",
            like="javascript",
            branches=_JS_BRANCHES,
            imports=_ES_IMPORTS,
        ),
        LanguageRow(
            name="java",
            suffixes=(".java",),
            grammar="tree_sitter_java:language",
            branches=_JAVA_BRANCHES,
            imports="(import_declaration (scoped_identifier) @import)",
        ),
        LanguageRow(
            name="go",
            suffixes=(".go",),
            grammar="tree_sitter_go:language",
            branches=("if_statement", "for_statement", "expression_case", "type_case", "communication_case"),
            imports="(import_spec path: (_) @import)",
        ),
        LanguageRow(
            name="rust",
            suffixes=(".rs",),
            grammar="tree_sitter_rust:language",
            branches=("if_expression", "for_expression", "while_expression", "loop_expression", "match_arm"),
            imports="(use_declaration argument: (_) @import) (mod_item name: (identifier) @import)",
        ),
        LanguageRow(
            name="c",
            suffixes=(".c",),
            grammar="tree_sitter_c:language",
            branches=_C_BRANCHES,
            imports=_C_IMPORTS,
            tags=_C_CALLS,
            whole="function_definition",
        ),
        LanguageRow(
            name="cpp",
            suffixes=(".cpp", ".cc", ".cxx", ".h", ".hpp", ".hh", ".hxx"),
            grammar="tree_sitter_cpp:language",
            branches=(*_C_BRANCHES, "for_range_loop", "catch_clause"),
            imports=_C_IMPORTS,
            tags=_C_CALLS,
            whole="function_definition",
        ),
        LanguageRow(
            name="ruby",
            suffixes=(".rb",),
            grammar="tree_sitter_ruby:language",
            branches=("if", "elsif", "unless", "while", "until", "for", "when", "rescue", "conditional"),
            imports="""
(call method: (identifier) @_method arguments: (argument_list (string (string_content) @import))
  (#match? @_method "^require"))
""",
        ),
        LanguageRow(
            name="php",
            suffixes=(".php",),
            grammar="tree_sitter_php:language_php",
            branches=(
                *("if_statement", "else_if_clause", "for_statement", "foreach_statement", "while_statement"),
                *("do_statement", "case_statement", "catch_clause", "conditional_expression"),
            ),
            imports="(namespace_use_clause (qualified_name) @import)",
            tags="(function_call_expression function: (name) @name) @reference.call",
        ),
        LanguageRow(
            name="csharp",
            suffixes=(".cs",),
            grammar="tree_sitter_c_sharp:language",
            branches=(
                *("if_statement", "for_statement", "foreach_statement", "while_statement", "do_statement"),
                *("switch_section", "catch_clause", "conditional_expression"),
            ),
            imports="(using_directive (_) @import)",
            tags="""
(class_declaration name: (identifier) @name) @definition.class
(interface_declaration name: (identifier) @name) @definition.interface
(struct_declaration name: (identifier) @name) @definition.class
(record_declaration name: (identifier) @name) @definition.class
(enum_declaration name: (identifier) @name) @definition.class
(method_declaration name: (identifier) @name) @definition.method
(constructor_declaration name: (identifier) @name) @definition.method
(invocation_expression function: (member_access_expression name: (identifier) @name)) @reference.call
(invocation_expression function: (identifier) @name) @reference.call
(object_creation_expression type: (identifier) @name) @reference.class
(base_list (identifier) @name) @reference.class
""",
        ),
        LanguageRow(
            name="bash",
            suffixes=(".sh", ".bash"),
            grammar="tree_sitter_bash:language",
            branches=("if_statement", "elif_clause", "for_statement", "while_statement", "case_item"),
            imports="""
(command name: (command_name (word) @_command) argument: (word) @import (#any-of? @_command "source" "."))
""",
            tags="""
(function_definition name: (word) @name) @definition.function
(command name: (command_name (word) @name)) @reference.call
""",
        ),
    )
}

_BY_SUFFIX = {suffix: row.name for row in LANGUAGES.values() for suffix in row.suffixes}
# Documents are divided at their headings and paragraphs.
DOCUMENTS: Mapping[str, str] = {
    ".md": "markdown",
    ".rst": "restructuredtext",
    ".txt": "text",
    ".adoc": "asciidoc",
    ".pdf": "pdf",
}

# The usual places of tests and the like, in the usual languages.
_TEST = re.compile(
    r"(^|/)(tests?|t|testing|__tests__|spec|benchmarks?|examples?)/|(^|/)(test_|conftest)|[._-](test|spec)\."
)


@dataclass(frozen=True)
class Grammar:
    """A language's parser and queries."""

    parser: Parser
    tags: Query
    imports: Query | None


def language_of(path: str) -> str | None:
    """Return the name of a file's language by its suffix, or of its kind of document."""
    suffix = PurePosixPath(path).suffix.lower()
    return _BY_SUFFIX.get(suffix) or DOCUMENTS.get(suffix)


def is_document(path: str) -> bool:
    """Return whether a file is no program, but a document or data."""
    return PurePosixPath(path).suffix.lower() not in _BY_SUFFIX


def is_test(path: str) -> bool:
    """Return whether a file belongs to the tests, benchmarks or examples of a codebase rather than to its code."""
    return bool(_TEST.search(path))


@cache
def grammar(name: str) -> Grammar:
    """Load the grammar of a language of the table."""
    row = LANGUAGES[name]
    module_name, function = row.grammar.split(":")
    module = import_module(module_name)
    language = Language(getattr(module, function)())
    tags = "\n".join(filter(None, (_tags(row.like), getattr(module, "TAGS_QUERY", ""), row.tags)))
    return Grammar(Parser(language), Query(language, tags), Query(language, row.imports) if row.imports else None)


def _tags(name: str) -> str:
    """Return the query for definitions and references of another language's grammar."""
    if not name:
        return ""
    return str(import_module(LANGUAGES[name].grammar.split(":")[0]).TAGS_QUERY)
