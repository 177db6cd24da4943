"""The pages for people: the service's main page, the API documentation, and a page for each kind of problem."""

from html import escape
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route

from nlp2filters.api.middleware import REFERENCE_CSP
from nlp2filters.api.static_files import VersionedFiles
from nlp2filters.core.problems import PROBLEMS

STATIC = Path(__file__).parent.parent / "static"

_PROBLEM = """<!doctype html>
<html lang="en">
<head>
  <!-- include head.html -->
  <title>{title} · NLP2Filters</title>
  <link rel="stylesheet" href="/static/docs.css">
</head>
<body>
  <header class="top">
    <!-- include brand.html -->
    <p>A problem and its solution</p>
    <nav aria-label="More"><a href="/docs">API</a></nav>
  </header>
  <main class="prose">
    <h2>{title}</h2>
    <p><code>{slug}</code> · HTTP status {status}</p>
    <p>{remedy}</p>
  </main>
</body>
</html>
"""


_FILES = VersionedFiles(STATIC)


async def page(request: Request) -> Response:
    """Serve the main page."""
    return await _FILES.get_response("index.html", request.scope)


async def data(request: Request) -> Response:
    """Serve the page for one's own data."""
    return await _FILES.get_response("data.html", request.scope)


async def docs(request: Request) -> Response:
    """Serve the API's reference, which Swagger UI shows from `/openapi.json`."""
    response = await _FILES.get_response("docs.html", request.scope)
    response.headers["content-security-policy"] = REFERENCE_CSP
    return response


async def analyses(request: Request) -> Response:
    """Serve the page for analyses of code."""
    return await _FILES.get_response("analyses.html", request.scope)


async def operator(request: Request) -> Response:
    """Serve the operator's page, which asks for a key unless the caller is on the same machine and there is none."""
    return await _FILES.get_response("operator.html", request.scope)


async def problem(request: Request) -> Response:
    """Explain a kind of problem, at the URL that is the `type` of every such problem object."""
    slug = request.path_params["slug"]
    if slug not in PROBLEMS:
        raise HTTPException(404)
    kind = PROBLEMS[slug]
    remedy = "".join(
        f"<code>{escape(part)}</code>" if index % 2 else escape(part)
        for index, part in enumerate(kind.remedy.split("`"))
    )
    html = _PROBLEM.format(title=escape(kind.title), slug=slug, status=kind.status, remedy=remedy)
    return HTMLResponse(_FILES.page(html))


routes = [
    Route("/", page),
    Route("/data", data),
    Route("/docs", docs),
    Route("/operator", operator),
    Route("/analyses", analyses),
    Route("/problems/{slug}", problem),
    Mount("/static", _FILES),
]
