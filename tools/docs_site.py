"""Check the documentation: links in Markdown as GitHub reads it, and a built site that needs nothing from elsewhere.

`python -m tools.docs_site [SITE]` prints each fault and exits with 1 if there are any. The generator itself refuses
links between pages that lead nowhere; this looks at the same links with GitHub's names of headings, at README.md and
its neighbours, and at links to other sites, which are only read, never followed.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)")
FENCE = re.compile(r"^( *)(`{3,}).*?^\1\2`*$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:(?<=\n\n)|\A)(?: {4}.*\n|\n)+", re.MULTILINE)
INLINE_CODE = re.compile(r"(`+)(?:(?!\1).)+\1", re.DOTALL)
HEADING = re.compile(r"^#{1,6} +(.*?) *$", re.MULTILINE)
FETCHED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
STYLES = re.compile(r"url\(\s*['\"]?((?:https?:)?//[^)'\"]+)|@import\s+['\"]((?:https?:)?//[^'\"]+)")


def main(arguments: list[str]) -> int:
    """Print every fault."""
    faults = [fault for page in pages() for fault in broken_links(page)]
    faults += [fault for site in arguments for fault in outside_resources(Path(site))]
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


def pages() -> list[Path]:
    """List the Markdown files."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def broken_links(page: Path) -> Iterator[str]:
    """Yield a line for each link of the page that leads nowhere, or is not an address."""
    for target in LINK.findall(_prose(page.read_text("utf-8"))):
        if fault := _fault(page, target):
            yield f"{page.relative_to(ROOT) if page.is_relative_to(ROOT) else page}: {target}: {fault}"


def _fault(page: Path, target: str) -> str:
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return "" if parts.scheme in ("https", "http", "mailto") and (parts.netloc or parts.path) else "no address"
    file = page if not parts.path else (page.parent / unquote(parts.path)).resolve()
    if not file.exists():
        return "no such file"
    if parts.fragment and file.suffix == ".md" and parts.fragment not in anchors(file):
        return "no such heading"
    return ""


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the names that GitHub gives to the headings of a page."""
    names: list[str] = []
    for title in HEADING.findall(_without_blocks(page.read_text("utf-8"))):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        names.append(slug if slug not in names else f"{slug}-{names.count(slug)}")
    return frozenset(names)


def _without_blocks(text: str) -> str:
    return INDENTED.sub("\n", FENCE.sub("", text))


def _prose(text: str) -> str:
    """Return the text of a page without its code."""
    return INLINE_CODE.sub("", _without_blocks(text))


def outside_resources(site: Path) -> Iterator[str]:
    """Yield a line for each script, style, picture or font that a built page would fetch from another site."""
    for file in sorted(site.rglob("*.html")):
        fetched = _Fetched()
        fetched.feed(file.read_text("utf-8"))
        yield from (f"{file}: fetches {address}" for address in fetched.addresses)
    for file in sorted(site.rglob("*.css")):
        for groups in STYLES.findall(file.read_text("utf-8")):
            yield f"{file}: fetches {''.join(groups)}"


class _Fetched(HTMLParser):
    """The addresses of other sites from which a page fetches something before anybody clicks."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        address = attributes.get(FETCHED.get(tag, "")) or ""
        if urlsplit(address).netloc and attributes.get("rel") not in ("canonical", "alternate"):
            self.addresses.append(address)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
