"""Findings: those that prove themselves, their fingerprints, and their exchange in SARIF."""

from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import orjson
import pytest

from nlp2filters.analysis.findings import CATEGORIES, SEVERITIES, Finding, distinct, proven
from nlp2filters.analysis.languages import language_of
from nlp2filters.analysis.measures import measure, of_cycles
from nlp2filters.analysis.outlines import outline
from nlp2filters.analysis.sarif import to_sarif
from tests.analysis.packing import source

# The schema as OASIS publishes it, with its licence beside it.
SCHEMA = jsonschema_rs.validator_for(
    orjson.loads((Path(__file__).parent / "sarif" / "sarif-schema-2.1.0.json").read_bytes())
)
TEXT = "import os\n\n\ndef remove(path):\n    # Whatever it is.\n    os.system('rm -r ' + path)\n\n    return   True\n"
FILES = {"a.py": source("a.py", TEXT)}
FINDING = Finding(
    path="a.py",
    start_line=6,
    end_line=6,
    rule="shell-injection",
    category="security",
    severity="high",
    message="A path with a space in it removes other files.",
    quote="os.system('rm -r ' + path)",
    source="a model",
    confidence=0.8,
)


@pytest.mark.parametrize(
    ("quote", "line", "lines"),
    [
        ("os.system('rm -r ' + path)", 6, (6, 6)),
        ("os.system('rm -r ' + path)", 4, (6, 6)),  # It is two lines further down.
        ("    os.system('rm -r ' + path)\n\n    return True", 6, (6, 8)),  # Blanks do not count.
        ("def remove(path):\n# Whatever it is.\nos.system(", 4, (4, 6)),
        ("os.system('rm -rf ' + path)", 6, None),
        ("os.system('rm -r ' + path)", 1, (6, 6)),  # It stands there and nowhere else.
        ("os.system('rm -r ' + path)", 5_000, (6, 6)),
        ("path)", 90, None),  # It stands in two places, none of which is meant.
        ("path)", 7, (6, 6)),
        ("return True\nreturn False", 8, None),
        ("", 6, None),
        (")", 6, None),
        ("\n\n", 6, None),
    ],
)
def test_a_quote_must_stand_where_a_finding_says(quote: str, line: int, lines: tuple[int, int] | None) -> None:
    finding = replace(FINDING, quote=quote, start_line=line, end_line=line)
    assert [(one.start_line, one.end_line) for one in proven([finding], FILES.values())] == ([lines] if lines else [])


def test_a_finding_about_an_unknown_file_is_refused() -> None:
    assert list(proven([replace(FINDING, path="b.py")], FILES.values())) == []


def test_a_fingerprint_stays_when_lines_are_added_above() -> None:
    moved = replace(FINDING, start_line=60, end_line=60, quote="  os.system('rm -r '  +  path)", message="Otherwise.")
    assert moved.fingerprint == FINDING.fingerprint
    assert len({one.fingerprint for one in (FINDING, replace(FINDING, path="b.py"), replace(FINDING, rule="x"))}) == 3
    assert replace(FINDING, scope="remove").fingerprint != replace(FINDING, scope="delete").fingerprint


def test_repetitions_are_left_out_and_the_gravest_comes_first() -> None:
    low = replace(FINDING, severity="low", rule="style")
    surer = replace(FINDING, confidence=0.9)
    assert distinct([low, FINDING, surer, FINDING]) == [surer, low]


def test_long_and_complex_functions_are_told() -> None:
    long = "def long():\n" + "    x = 1\n" * 150
    knotty = "class A:\n    def knotty(self, a):\n" + "        if a:\n            pass\n" * 20
    files = {"a.py": source("a.py", long + knotty)}
    outlines = {path: outline(file, language_of(path)) for path, file in files.items()}
    findings = {finding.rule: finding for finding in measure(files, outlines)}
    assert (findings["long-function"].scope, findings["complex-function"].scope) == ("long", "A.knotty")
    assert set(findings) == {"long-function", "complex-function"}
    assert list(proven(findings.values(), files.values()))


def test_a_cycle_is_told_at_its_first_file() -> None:
    files = {path: source(path, "\n# A file.\n") for path in ("a.py", "b.py")}
    (finding,) = of_cycles([("a.py", "b.py")], files)
    assert (finding.path, finding.start_line, finding.quote) == ("a.py", 2, "# A file.")
    assert "a.py, b.py" in finding.message


def test_sarif_is_valid_by_its_schema() -> None:
    findings = [
        replace(FINDING, severity=severity, category=category, path="dir with space/ü:é.py", scope="A.b")
        for severity in SEVERITIES
        for category in CATEGORIES
    ]
    log = orjson.loads(orjson.dumps(to_sarif(findings, "0.9.0")))
    SCHEMA.validate(log)
    (run,) = log["runs"]
    assert len(run["results"]) == len(findings)
    location = run["results"][0]["locations"][0]["physicalLocation"]
    assert location["region"]["startLine"] == 6
    assert run["tool"]["driver"]["rules"][run["results"][0]["ruleIndex"]]["id"] == "shell-injection"
    SCHEMA.validate(orjson.loads(orjson.dumps(to_sarif([], "0.9.0"))))


def test_the_schema_refuses_what_is_no_sarif() -> None:
    log = to_sarif([FINDING], "0.9.0")
    log["runs"][0]["results"][0]["level"] = "terrible"
    assert not SCHEMA.is_valid(log)
