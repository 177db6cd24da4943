"""docs/reference/ says what the code says, and no page links to nowhere."""

from pathlib import Path

import pytest

from nlp2filters import settings
from tools import docs_site, reference


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_of_the_reference_is_current(name: str) -> None:
    page = (reference.FOLDER / name).read_text("utf-8")
    assert page == reference.PAGES[name](), "run `python -m tools.reference`"


def test_the_reference_has_no_other_pages() -> None:
    assert {path.name for path in reference.FOLDER.iterdir()} == set(reference.PAGES)


def test_every_setting_is_on_its_page() -> None:
    page = reference.settings_page()
    for name, _, doc in settings.table():
        assert f"| `{name}` |" in page
        assert doc in page


@pytest.mark.parametrize("page", docs_site.pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert list(docs_site.broken_links(page)) == []


def test_what_is_broken_is_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# A `code` title\n\n# Twice\n\n# Twice\n")
    page = tmp_path / "page.md"
    good = ["other.md", "other.md#a-code-title", "other.md#twice-1", "https://example.org/a", "#here"]
    bad = ["none.md", "other.md#none", "#there", "https://", "javascript:alert(1)"]
    page.write_text("# Here\n\n" + "\n".join(f"[x]({target})" for target in good + bad) + "\n\n    [x](code.md)\n")
    faults = [fault.split(": ")[1] for fault in docs_site.broken_links(page)]
    assert faults == bad


def test_what_a_site_fetches_from_elsewhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<link rel="canonical" href="https://a.example"><a href="https://b.example">b</a><img src="c.png">'
        '<script src="https://d.example/d.js"></script><link rel="stylesheet" href="//e.example/e.css">'
    )
    (tmp_path / "a.css").write_text("@font-face { src: url(https://f.example/f.woff2) } a { background: url(g.png) }")
    faults = [fault.rsplit(" ", 1)[1] for fault in docs_site.outside_resources(tmp_path)]
    assert faults == ["https://d.example/d.js", "//e.example/e.css", "https://f.example/f.woff2"]
