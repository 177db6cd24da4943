"""Record the examples of the OpenAPI document from a real service: `python -m tools.openapi_examples`.

The requests are written by hand below. Answers are recorded by the name of their schema, or by their media type if
they have none. `tests/api/test_examples.py` validates all of them.
"""

import base64
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import httpx

from nlp2filters.api.examples import FILE
from nlp2filters.storage.embedded_server import running
from tests.peers import webhook
from tests.ports import free_port
from tests.service import Service

CATALOG = {
    "name": "my-cars",
    "title": "Cars",
    "fields": [
        {"name": "brand", "type": "keyword", "values": ["Audi", "Ford", "Tesla"], "closed": True},
        {"name": "price", "type": "money", "currency": "EUR", "synonyms": ["cost"]},
        {"name": "color", "type": "keyword", "values": ["black", "red"]},
        {"name": "built", "type": "date"},
    ],
}
TEXT = "Japanese cars with 4 cylinders, lightest first"
CSV = "brand,price,built\nAudi,21000,2023-05-01\nFord,18500,2022-11-15\n"
CODE = "def greet(name):\n    return 'Hello, ' + name\n\n\nprint(greet('world'))\n"
SECRET = f"whsec_{base64.b64encode(bytes(32)).decode()}"
ENTRY = {"path": "greet.py", "content": CODE}
REQUESTS: dict[str, Any] = {
    "Submission": {"catalog": "cars", "text": TEXT, "dialects": ["sql", "elasticsearch"]},
    "AnswerRequest": {"choice": 0},
    "BatchSubmission": {
        "requests": [
            {"custom_id": "first", "catalog": "cars", "text": TEXT},
            {"custom_id": "second", "catalog": "movies", "text": "comedies of the nineties"},
        ]
    },
    "Catalog": CATALOG,
    "CompileRequest": {"catalog": "cars", "filter": "Miles_per_Gallon >= 30 AND Origin = 'Japan'", "limit": 10},
    "ExplainRequest": {"catalog": "cars", "filter": "Miles_per_Gallon >= 30 AND Origin = 'Japan'"},
    "FilterRequest": {"catalog": "cars", "filter": "Miles_per_Gallon >= 30 AND Origin = 'Japan'", "limit": 10},
    "FilesByPath": {"files": {ENTRY["path"]: CODE}},
    "text/csv": CSV,
    "text/tab-separated-values": CSV.replace(",", "\t"),
    "application/x-ndjson": '{"brand": "Audi", "price": 21000}\n{"brand": "Ford", "price": 18500}\n',
    "application/json": [{"brand": "Audi", "price": 21000}, {"brand": "Ford", "price": 18500}],
    "post_transcriptions": {"file": "question.wav", "language": "en", "then": '{"catalog": "cars"}'},
    "post_embedding_echo": {"text": "hello"},
    "post_send": {"file": "texts.txt", "callback": "https://example.com/results"},
}


class Recorder:
    """Asks a service for one answer of each schema."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._client = httpx.Client(base_url=service.url, timeout=60, trust_env=False)
        self.answers: dict[str, Any] = {}

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        response = self._client.request(method, path, **options)
        if response.is_error:
            raise RuntimeError(f"{method} {path}: {response.text}")
        return response

    def _keep(self, schema: str, method: str, path: str, **options: Any) -> Any:
        self.answers[schema] = self._ask(method, path, **options).json()
        return self.answers[schema]

    def _first_event(self, path: str) -> dict[str, str]:
        self._service_ended(path)
        block = self._ask("GET", path).text.split("\n\n")[0]
        members = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        return {name: members[name] for name in ("id", "event", "data")}

    def _service_ended(self, path: str) -> None:
        with self._client.stream("GET", path) as events:
            for _ in events.iter_lines():
                pass

    def record(self, hook_url: str) -> None:
        """Go through all operations."""
        job = self._keep("Job", "POST", "/v1/jobs", json={**REQUESTS["Submission"], "webhook": {"url": hook_url}})
        job_url = f"/v1/jobs/{job['id']}"
        self.answers["JobEvent"] = self._first_event(f"{job_url}/events")
        result = self._keep("Result", "GET", f"{job_url}/result")
        self.answers["FinishedJob"] = {**self._ask("GET", job_url).json(), "result": result}
        self._keep("Jobs", "GET", "/v1/jobs", params={"page_size": 1})
        self._keep("Rows", "GET", f"{job_url}/rows", params={"limit": 2})
        self._keep("Deliveries", "GET", f"{job_url}/deliveries")
        batch = self._keep("Batch", "POST", "/v1/batches", json=REQUESTS["BatchSubmission"])
        self.answers["BatchEvent"] = self._first_event(f"/v1/batches/{batch['id']}/events")
        self.answers["application/x-ndjson"] = self._ask("GET", f"/v1/batches/{batch['id']}/results").text
        self._keep("Catalog", "PUT", "/v1/catalogs/my-cars", json=CATALOG)
        self._keep("Catalogs", "GET", "/v1/catalogs")
        self._keep("Compiled", "POST", "/v1/compile", json=REQUESTS["CompileRequest"])
        self._keep("Explained", "POST", "/v1/explain", json=REQUESTS["ExplainRequest"])
        self._keep("Dialects", "GET", "/v1/dialects")
        self._keep("StreamToken", "POST", "/v1/stream-tokens", json={"job_id": job["id"]})
        REQUESTS["StreamTokenRequest"] = {"job_id": job["id"]}
        self._keep("Health", "GET", "/healthz")
        self._keep("Readiness", "GET", "/readyz")
        echo = self._keep("EchoJob", "POST", "/embedding/echo", json=REQUESTS["post_embedding_echo"])
        self._service_ended(f"/v1/jobs/{echo['job_id']}/events")
        self._keep("EchoResult", "GET", f"/embedding/result/{echo['job_id']}")
        metrics = self._ask("GET", "/metrics")
        self.answers[metrics.headers["content-type"]] = "".join(metrics.text.splitlines(keepends=True)[:3])
        self._keep("OperatorState", "GET", "/v1/operator/state")
        self._record_analysis()
        self._record_rows()
        self._record_owner()

    def _record_analysis(self) -> None:
        job = self._ask("POST", "/v1/analyses", content=_archive(), headers={"Content-Type": "application/zip"}).json()
        job_url = f"/v1/jobs/{job['id']}"
        self._service_ended(f"{job_url}/events")
        self._keep("CodeSearch", "GET", f"{job_url}/search", params={"q": "who says hello?"})
        self._keep("AnalysisReport", "GET", f"{job_url}/report")
        self._keep("FindingPage", "GET", f"{job_url}/findings")
        self.answers["application/sarif+json"] = self._ask("GET", f"{job_url}/sarif").text

    def _record_rows(self) -> None:
        headers = {"Content-Type": "text/csv", "Prefer": "respond-async"}
        data = self._ask("POST", "/v1/catalogs/infer", content=CSV, headers=headers).json()
        self._service_ended(f"/v1/jobs/{data['id']}/events")
        REQUESTS["RowsRequest"] = {"data": data["id"], "filter": "price < 20000", "export": "csv"}
        job = self._ask("POST", "/v1/rows", json=REQUESTS["RowsRequest"]).json()
        self._service_ended(f"/v1/jobs/{job['id']}/events")
        self.answers["text/csv"] = self._ask("GET", f"/v1/jobs/{job['id']}/export").text

    def _record_owner(self) -> None:
        self._keep("OwnerSummary", "GET", "/v1/owner")
        self._keep("OwnerTotals", "GET", "/v1/operator/owners")
        self.answers["application/zip"] = "the bytes of a ZIP file"
        self._keep("OwnerDeletion", "DELETE", "/v1/owner")


def _archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(ENTRY["path"], CODE)
    return buffer.getvalue()


def main() -> None:
    """Record everything anew."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder, "redis"), free_port()) as server,
        webhook.running() as receiver,
    ):
        environment = {"REDIS_URL": server.url, "WEBHOOK_ALLOW_PRIVATE": "true", "WEBHOOK_SECRET": SECRET}
        service = Service(Path(folder), port=free_port(), environment=environment)
        service.start()
        try:
            service.wait_until_ready()
            recorder = Recorder(service)
            recorder.record(receiver.url)
            recorder.answers["JobEnded"] = json.loads(receiver.next().body)
        finally:
            service.stop()
    content = json.dumps({"requests": REQUESTS, "answers": recorder.answers}, indent=1, ensure_ascii=False)
    FILE.write_text(content + "\n")


if __name__ == "__main__":
    main()
