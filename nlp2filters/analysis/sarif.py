"""SARIF 2.1.0, the exchange format of findings (https://docs.oasis-open.org/sarif/sarif/v2.1.0/)."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from nlp2filters.analysis.findings import Category, Finding, Severity

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Mapping[Severity, str] = {"high": "error", "medium": "warning", "low": "note", "info": "none"}
_DESCRIPTIONS: Mapping[str, str] = {
    "long-function": "A function is so long that it is hard to read.",
    "complex-function": "A function divides at so many points that it is hard to test.",
    "import-cycle": "Files import each other.",
    "duplicate": "Two definitions have nearly the same shape.",
}


def to_sarif(findings: Iterable[Finding], version: str) -> dict[str, Any]:
    """Return the findings as a SARIF log of one run; `version` is that of NLP2Filters."""
    findings = list(findings)
    rules = {finding.rule: finding.category for finding in findings}
    indexes = {rule: number for number, rule in enumerate(rules)}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "NLP2Filters",
                        "semanticVersion": version,
                        "rules": [_rule(rule, category) for rule, category in rules.items()],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, indexes[finding.rule]) for finding in findings],
            }
        ],
    }


def _rule(rule: str, category: Category) -> dict[str, Any]:
    default = (
        f"An LLM's remark on {category}." if rule == f"review-{category}" else rule.replace("-", " ").capitalize() + "."
    )
    description = _DESCRIPTIONS.get(rule, default)
    return {"id": rule, "shortDescription": {"text": description}, "properties": {"tags": [category]}}


def _result(finding: Finding, index: int) -> dict[str, Any]:
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "kind": "informational" if finding.severity == "info" else "fail",
        "message": {"text": finding.message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(finding.path), "uriBaseId": "%SRCROOT%"},
                    "region": {
                        "startLine": finding.start_line,
                        "endLine": finding.end_line,
                        "snippet": {"text": finding.quote},
                    },
                }
            }
        ],
        "partialFingerprints": {"nlp2filters/v1": finding.fingerprint},
        "rank": round(100 * finding.confidence, 1),
        "properties": {"source": finding.source, "severity": finding.severity, "category": finding.category},
    }
