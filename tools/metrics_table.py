"""Write the table of metrics in docs/operating.md from its rows."""

from pathlib import Path

from nlp2filters.api.metric_table import METRICS
from tools.dialects_table import markdown, with_section

PAGE = Path(__file__).parent.parent / "docs" / "operating.md"


def main() -> None:
    """Bring the page up to date."""
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")


def with_table(page: str) -> str:
    """Return the page with the table of metrics."""
    rows = [
        [
            f"`{metric.full_name}`",
            metric.kind,
            ", ".join(f"`{label}`" for label in metric.labels) or "–",
            metric.scope,
            metric.help,
        ]
        for metric in METRICS
    ]
    return with_section(page, "metrics", markdown(["metric", "type", "labels", "of the", "meaning"], rows))


if __name__ == "__main__":
    main()
