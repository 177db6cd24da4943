"""A page that was written for the older polling API, on an origin of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.peers.llm import serving

# The page takes the service's address from its own, `?service=…`. It posts a text, asks for its result four times a
# second, and shows the text or the error.
_PAGE = """<!doctype html>
<title>Echo</title>
<form><input name="text" aria-label="Text"><button>Send</button></form>
<p id="outcome" role="status"></p>
<script>
  const service = new URLSearchParams(location.search).get("service");
  const outcome = document.getElementById("outcome");
  async function poll(jobId) {
    const response = await fetch(service + "/embedding/result/" + jobId);
    const data = await response.json();
    if ("result" in data) outcome.textContent = "Result: " + data.result;
    else if (data.error) outcome.textContent = "Error: " + data.error;
    else setTimeout(poll, 250, jobId);
  }
  document.forms[0].addEventListener("submit", async (event) => {
    event.preventDefault();
    outcome.textContent = "";
    try {
      const response = await fetch(service + "/embedding/echo", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ text: event.target.elements.text.value }),
      });
      const data = await response.json();
      if (response.status === 202) poll(data.job_id);
      else outcome.textContent = "Error " + response.status + ": " + data.error;
    } catch (error) {
      outcome.textContent = "Unreachable";
    }
  });
</script>
"""


async def _page(request: Request) -> Response:
    return HTMLResponse(_PAGE)


@contextmanager
def serving_page() -> Iterator[str]:
    """The page on a free port of loopback, while inside; gives its origin."""
    with serving([Route("/", _page)]) as origin:
        yield origin
