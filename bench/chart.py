"""Charts as SVG that read well on light and dark pages: bars, and lines over a logarithmic axis."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from bench.text import number

# These are in pixels.
WIDTH, ROW, LEFT, RIGHT, TOP = 720, 26, 230, 80, 40
PLOT_HEIGHT, PLOT_LEFT = 260, 70
COLORS = ("#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6", "#6b7280")

_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{label}" \
font-family="system-ui, sans-serif" font-size="13">
<style>text {{ fill: #1f2937 }} .line {{ stroke: #1f2937 }}
@media (prefers-color-scheme: dark) {{ text {{ fill: #e5e7eb }} .line {{ stroke: #e5e7eb }} }}</style>
{body}
</svg>
"""


def bars(title: str, values: Mapping[str, float]) -> str:
    """Draw one bar for each value; the first, which is ours, stands out."""
    widest = max(values.values()) or 1
    body = [f'<text x="10" y="22" font-weight="600">{escape(title)}</text>']
    for at, (name, value) in enumerate(values.items()):
        y, width = TOP + ROW * at, (WIDTH - LEFT - RIGHT) * value / widest
        color = COLORS[0] if at == 0 else COLORS[-1]
        body.append(
            f'<text x="{LEFT - 10}" y="{y + 15}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{LEFT}" y="{y + 3}" width="{width:.1f}" height="16" fill="{color}"/>'
            f'<text x="{LEFT + width + 8:.1f}" y="{y + 15}">{number(value)}</text>'
        )
    return _svg(title, TOP + ROW * len(values) + 10, body)


def lines(title: str, x_label: str, series: Mapping[str, Sequence[tuple[float, float]]], *, log_x: bool = True) -> str:
    """Draw a line for each series of (x, y), with y from zero. An x of zero is drawn as one on a logarithmic axis."""
    points = [point for one in series.values() for point in one]
    top = max(y for _, y in points) or 1
    first, last = min(_at(x, log_x) for x, _ in points), max(_at(x, log_x) for x, _ in points)

    def place(x: float, y: float) -> tuple[float, float]:
        share = (_at(x, log_x) - first) / ((last - first) or 1)
        return PLOT_LEFT + (WIDTH - PLOT_LEFT - 30) * share, TOP + PLOT_HEIGHT * (1 - y / top)

    body = [f'<text x="10" y="22" font-weight="600">{escape(title)}</text>']
    for share in (0, 0.5, 1):
        y = TOP + PLOT_HEIGHT * (1 - share)
        body.append(
            f'<line class="line" stroke-opacity=".2" x1="{PLOT_LEFT}" x2="{WIDTH - 30}" y1="{y}" y2="{y}"/>'
            f'<text x="{PLOT_LEFT - 8}" y="{y + 4}" text-anchor="end">{number(top * share)}</text>'
        )
    body += [
        f'<text x="{place(x, 0)[0]:.1f}" y="{TOP + PLOT_HEIGHT + 18}" text-anchor="middle">{x:,.0f}</text>'
        for x in sorted({x for x, _ in points})
    ]
    body.append(f'<text x="{WIDTH / 2}" y="{TOP + PLOT_HEIGHT + 38}" text-anchor="middle">{escape(x_label)}</text>')
    for at, (name, one) in enumerate(series.items()):
        color, path = COLORS[at % len(COLORS)], " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*p) for p in one))
        body.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        body += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in (place(*p) for p in one)]
        y = TOP + PLOT_HEIGHT + 60 + 18 * at
        body.append(f'<rect x="{PLOT_LEFT}" y="{y - 10}" width="11" height="11" fill="{color}"/>')
        body.append(f'<text x="{PLOT_LEFT + 18}" y="{y}">{escape(name)}</text>')
    return _svg(title, TOP + PLOT_HEIGHT + 60 + 18 * len(series), body)


def _at(x: float, log_x: bool) -> float:
    return math.log10(max(x, 1)) if log_x else x


def _svg(title: str, height: float, body: Sequence[str]) -> str:
    return _SVG.format(width=WIDTH, height=height, label=escape(title, quote=True), body="\n".join(body))
