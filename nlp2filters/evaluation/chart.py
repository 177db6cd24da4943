"""The chart of an evaluation: one self-contained HTML file, with bars for each category."""

from collections.abc import Mapping
from html import escape

from nlp2filters.evaluation.measures import Summary

# These are in pixels.
ROW, BAR, LEFT, WIDTH, TOP = 34, 11, 170, 420, 24

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark; --exact: light-dark(#1d4ed8, #7aa2ff); --f1: light-dark(#9ca3af, #6b7280); }}
  body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 46rem; padding: 0 1rem; }}
  svg {{ width: 100%; height: auto; font: 13px system-ui, sans-serif; }}
  text {{ fill: currentColor; }}
  .grid {{ stroke: currentColor; stroke-opacity: .15; }}
  .exact {{ fill: var(--exact); }}
  .f1 {{ fill: var(--f1); }}
</style>
<h1>{title}</h1>
<p>{subtitle}</p>
<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}">
{body}
</svg>
</html>
"""


def page(title: str, summary: Summary, categories: Mapping[str, Summary]) -> str:
    """Render an HTML page: exact readings and the F1 of conditions, in percent, for each category."""
    width, bottom = LEFT + WIDTH + 60, TOP + ROW * len(categories)
    body = [_grid(percent, bottom) for percent in (0, 25, 50, 75, 100)]
    body += [_row(name, part, TOP + ROW * at) for at, (name, part) in enumerate(categories.items())]
    body.append(_legend(bottom + 34))
    error = "" if summary.calibration_error is None else f" Calibration error {summary.calibration_error:.3f}."
    return _PAGE.format(
        title=escape(title),
        subtitle=f"{summary.cases} cases, {summary.exact:.1%} exact, condition F1 {summary.condition_f1:.1%}."
        f"{error} Latency p50 {summary.p50_ms:.1f} ms, p95 {summary.p95_ms:.1f} ms.",
        label=escape("; ".join(f"{name}: {part.exact:.0%} exact" for name, part in categories.items()), quote=True),
        width=width,
        height=bottom + 48,
        body="\n".join(body),
    )


def _grid(percent: int, bottom: int) -> str:
    x = LEFT + WIDTH * percent / 100
    return (
        f'<line class="grid" x1="{x}" x2="{x}" y1="{TOP - 6}" y2="{bottom}"/>'
        f'<text x="{x}" y="{TOP - 10}" text-anchor="middle">{percent}</text>'
    )


def _row(name: str, part: Summary, y: int) -> str:
    middle = y + ROW / 2 + 4
    return (
        f'<text x="{LEFT - 10}" y="{middle}" text-anchor="end">{escape(name)} ({part.cases})</text>'
        f'<rect class="exact" x="{LEFT}" y="{y + 5}" width="{WIDTH * part.exact:.1f}" height="{BAR}"/>'
        f'<rect class="f1" x="{LEFT}" y="{y + 5 + BAR}" width="{WIDTH * part.condition_f1:.1f}" height="{BAR}"/>'
        f'<text x="{LEFT + WIDTH + 10}" y="{middle}">{part.exact:.0%}</text>'
    )


def _legend(y: int) -> str:
    return (
        f'<rect class="exact" x="{LEFT}" y="{y - 10}" width="11" height="11"/>'
        f'<text x="{LEFT + 16}" y="{y}">exact</text>'
        f'<rect class="f1" x="{LEFT + 80}" y="{y - 10}" width="11" height="11"/>'
        f'<text x="{LEFT + 96}" y="{y}">F1 of conditions</text>'
    )
