"""The chart is one file that a browser can read."""

from xml.etree import ElementTree as ET

from nlp2filters.evaluation import chart
from nlp2filters.evaluation.measures import Summary


def summary(exact: float) -> Summary:
    return Summary(4, exact, 0.5, 0.5, 0.5, 0.1, 1.0, 2.0, {}, 0)


def test_a_bar_for_each_category() -> None:
    page = chart.page("Own <set>", summary(0.5), {"dates & times": summary(0.25), "money": summary(0.75)})
    start, end = page.index("<svg"), page.index("</svg>") + len("</svg>")
    svg = ET.fromstring(page[start:end])
    said = [text.text for text in svg.iter("text")]
    assert "dates & times (4)" in said
    assert {"25%", "75%"} <= set(said)
    bars = [float(bar.attrib["width"]) for bar in svg.iter("rect") if bar.attrib["class"] == "exact"][:2]
    assert bars[1] == 3 * bars[0]
    assert "<h1>Own &lt;set&gt;</h1>" in page
    assert "http" not in page
    assert "src=" not in page
