"""Parsers and engines in other languages, each a program that reads JSON from every line and answers in JSON."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

# `tools/install_engines` puts the packages there, too.
JAVASCRIPT = Path(__file__).parent / "javascript"
JAVA = Path(__file__).parent / "java"
JARS = Path("/usr/share/java")
LIBRARIES = (
    *("lucene-core", "lucene-queryparser", "lucene-analyzers-common"),
    *("jackson-core", "jackson-databind", "jackson-annotations"),
)


class Program:
    """A program that runs until it is closed."""

    def __init__(self, command: Sequence[str | Path]) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8")

    @classmethod
    def node(cls, name: str) -> Self:
        """A program of Node.js."""
        return cls(["node", JAVASCRIPT / f"{name}.cjs"])

    @classmethod
    def lucene(cls, name: str) -> Self:
        """A program in Java over Lucene, as Debian has it."""
        jars = ":".join(str(jar(part)) for part in LIBRARIES)
        return cls(["java", "-Xmx512m", "-cp", jars, JAVA / f"{name}.java"])

    def ask(self, question: Any) -> Any:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.communicate()


def jar(part: str) -> Path:
    """The newest version of a library of Java."""
    return max(JARS.glob(f"{part}-[0-9]*.jar"))


def lucene_version() -> str:
    return f"Lucene {jar('lucene-core').stem.rpartition('-')[2]}"
