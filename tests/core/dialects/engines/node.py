"""Parsers in JavaScript, each a program that reads a query in JSON from every line and answers in JSON."""

import json
import subprocess
from pathlib import Path
from typing import Any

# `tools/install_engines` puts the packages there, too.
PROGRAMS = Path(__file__).parent / "javascript"


class Program:
    """A program of Node.js that runs until it is closed."""

    def __init__(self, name: str) -> None:
        self.process = subprocess.Popen(
            ["node", PROGRAMS / f"{name}.cjs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def ask(self, question: Any) -> Any:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.communicate()
