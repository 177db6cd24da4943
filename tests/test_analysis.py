"""Analyses through the whole service: an archive in, a report with file and line out."""

import gzip
import io
import json
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from nlp2filters.cli.main import main
from nlp2filters.client import Client
from nlp2filters.storage.redis_keys import Keys
from tests.analysis.packing import tar
from tests.analysis.test_documents import MANUAL
from tests.analysis.test_findings import SCHEMA
from tests.service import Service

KEYS = Keys()
TIMEOUT_S = 90
ROOT = Path(__file__).parent.parent
GZIP = {"Content-Type": "application/gzip"}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def redis(service: Service) -> Iterator[Redis]:
    with Redis.from_url(service.environment["REDIS_URL"]) as redis:
        yield redis


def codebase() -> dict[str, bytes]:
    """Some of this project's own code, and files that are to be skipped."""
    folder = ROOT / "nlp2filters" / "webhooks"
    files = {f"project/webhooks/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.py"))}
    knotty = "def knotty(a):\n" + "    if a:\n        pass\n" * 20
    return {**files, "project/knotty.py": knotty.encode(), "project/logo.png": b"\x89PNG\0", "../evil.py": b"x = 1"}


def submit(service: Service, files: dict[str, bytes], **query: Any) -> dict[str, Any]:
    response = service.client.post("/v1/analyses", content=tar(files).getvalue(), headers=GZIP, params=query)
    assert response.status_code == 202, response.text
    job: dict[str, Any] = response.json()
    return job


def finished(service: Service, job: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        latest: dict[str, Any] = service.client.get(f"/v1/jobs/{job['id']}").json()
        if latest["status"] in ("succeeded", "failed", "canceled", "expired"):
            return latest
        time.sleep(0.1)
    raise AssertionError("the job does not end")


def result(service: Service, job: dict[str, Any]) -> dict[str, Any]:
    ended = finished(service, job)
    assert ended["status"] == "succeeded", ended["error"]
    answer: dict[str, Any] = service.client.get(f"/v1/jobs/{job['id']}/result").json()
    return answer


def get(service: Service, job: dict[str, Any], what: str, **query: Any) -> httpx.Response:
    response = service.client.get(f"/v1/jobs/{job['id']}/{what}", params=query)
    assert response.status_code == 200, response.text
    return response


def embedded(redis: Redis) -> int:
    """The number of results that are kept: the vector of each chunk, and those of each group of chunks."""
    return sum(1 for _ in redis.scan_iter(f"{KEYS.prefix}:derived:*"))


def test_code_is_analysed_and_asked(service: Service) -> None:
    job = submit(service, codebase(), question="Which addresses may be called?", metadata='{"a": "b"}')
    assert (job["kind"], job["metadata"]) == ("analysis", {"a": "b"})
    essence = result(service, job)
    assert essence["answers"][0]["path"] == "project/webhooks/addresses.py"
    assert essence["coverage"]["analyzed"] == essence["coverage"]["chunks"] > 10
    assert essence["finding_count"] >= 1
    report = get(service, job, "report").json()
    reasons = {file["path"]: file["skipped"] for file in report["files"]}
    assert reasons["project/logo.png"] == "It is binary."
    assert reasons["../evil.py"] == "Its path leads out of the archive."
    assert reasons["project/knotty.py"] is None
    files = {path: content.decode().split("\n") for path, content in codebase().items() if path.endswith(".py")}
    for entry in (*report["answers"], *report["findings"]):
        assert entry["quote"].split("\n")[0] in files[entry["path"]][entry["start_line"] - 1]
        assert entry["end_line"] <= len(files[entry["path"]])
    assert report["clusters"]


def test_findings_are_read_page_by_page_and_as_sarif(service: Service) -> None:
    files = {f"{name}.py": f"def knotty_{name}(a):\n".encode() + b"    if a:\n        pass\n" * 20 for name in "abc"}
    job = submit(service, files)
    result(service, job)
    first = get(service, job, "findings", page_size=2).json()
    second = get(service, job, "findings", page_size=200, page_token=first["next_page_token"]).json()
    assert (len(first["findings"]), second["next_page_token"]) == (2, None)
    log = get(service, job, "sarif")
    assert log.headers["content-type"] == "application/sarif+json"
    SCHEMA.validate(log.json())
    fingerprints = {one["partialFingerprints"]["nlp2filters/v1"] for one in log.json()["runs"][0]["results"]}
    assert fingerprints == {one["fingerprint"] for one in first["findings"] + second["findings"]}


def test_nothing_is_embedded_twice(service: Service, redis: Redis) -> None:
    files = {f"file_{number}.py": f"def function_{number}():\n    return {number}\n".encode() for number in range(5)}
    result(service, submit(service, files))
    before = embedded(redis)
    again = result(service, submit(service, files))
    assert embedded(redis) == before
    changed = result(service, submit(service, {**files, "file_3.py": b"def changed():\n    return 'other'\n"}))
    assert embedded(redis) == before + 2
    assert again["coverage"] == changed["coverage"]


def test_equal_files_and_none_at_all(service: Service) -> None:
    same = result(service, submit(service, {"a.py": b"def f():\n    return 1\n", "b.py": b"def f():\n    return 1\n"}))
    assert same["coverage"] == {"chunks": 2, "analyzed": 2, "failed": 0, "over_budget": 0}
    none = result(service, submit(service, {"empty.py": b""}, question="anything?"))
    assert (none["files"], none["skipped"], none["answers"]) == (0, 1, [])


def test_the_budget_is_told_and_patterns_hold(service: Service) -> None:
    query = {"budget": '{"chunks": 3}', "include": "*.py", "exclude": ["knotty.py", "x/"]}
    job = submit(service, codebase(), **query)
    essence = result(service, job)
    left_out = {file["path"]: file["over_budget"] for file in get(service, job, "report").json()["files"]}
    assert sum(left_out.values()) == essence["coverage"]["over_budget"]
    assert essence["coverage"]["analyzed"] == 3
    assert essence["coverage"]["over_budget"] == essence["coverage"]["chunks"] - 3
    assert essence["finding_count"] == 0


def test_an_archive_that_cannot_be_read_fails_at_once(service: Service) -> None:
    for content, query in ((b"no archive", {}), (tar(codebase()).getvalue(), {"include": "!"})):
        response = service.client.post("/v1/analyses", content=content, headers=GZIP, params=query)
        ended = finished(service, response.json())
        assert (ended["status"], ended["error"]["type"]) == ("failed", "/problems/archive-refused")


def test_a_bomb_costs_only_its_own_job(service: Service) -> None:
    info = tarfile.TarInfo("zeros.py")
    info.size = 300 << 20
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        archive.addfile(info, io.BytesIO(bytes(info.size)))
    response = service.client.post("/v1/analyses", content=stream.getvalue(), headers=GZIP, timeout=30)
    ended = finished(service, response.json())
    assert ended["error"]["type"] == "/problems/archive-refused"
    assert "200 MiB" in ended["error"]["detail"]


@pytest.mark.parametrize(
    ("query", "headers", "status", "pointer"),
    [
        ({"budget": "many"}, GZIP, 422, "/query/budget"),
        ({"budget": '{"chunks": 5001}'}, GZIP, 422, "/query/budget/chunks"),
        ({"budget": '{"calls": 1}'}, GZIP, 422, "/query/budget/calls"),
        ({"strategy": "llm"}, GZIP, 422, "/query/strategy"),
        ({"gitignore": "1"}, GZIP, 422, "/query/gitignore"),
        ({"tasks": "everything"}, GZIP, 422, "/query/tasks/0"),
        ({"question": ""}, GZIP, 422, "/query/question"),
        ({}, {"Content-Type": "text/html"}, 415, None),
    ],
)
def test_wrong_requests_are_refused(
    service: Service, query: dict[str, str], headers: dict[str, str], status: int, pointer: str | None
) -> None:
    response = service.client.post("/v1/analyses", content=b"x", params=query, headers=headers)
    assert response.status_code == status, response.text
    assert pointer is None or response.json()["errors"][0]["pointer"] == pointer


def test_a_request_is_repeated_by_its_key(service: Service) -> None:
    content = tar({"a.py": b"x = 1\n"}).getvalue()
    headers = {**GZIP, "Idempotency-Key": f'"{time.time_ns()}"'}
    url = f"{service.url}/v1/analyses"
    first, again = (httpx.post(url, content=content, headers=headers) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert httpx.post(url, content=content, headers=headers, params={"question": "q"}).status_code == 422


def test_other_jobs_have_no_report(service: Service) -> None:
    body = {"text": "japanese cars", "catalog": "cars"}
    job = service.client.post("/v1/jobs", json=body, headers={"Prefer": "wait=25"}).json()
    for what in ("report", "findings", "sarif"):
        assert service.client.get(f"/v1/jobs/{job['id']}/{what}").status_code == 404


def test_the_client_submits_waits_and_reads(service: Service) -> None:
    with Client(service.url) as client:
        job = client.analyses.submit(
            tar(codebase()).getvalue(), include=["knotty.py", "addresses.py"], tasks=["review"]
        )
        analysis = client.analyses.wait(job, timeout_s=TIMEOUT_S)
        assert (analysis.files, analysis.summary) == (2, None)
        findings = list(client.analyses.findings(job, page_size=1))
        assert findings == client.analyses.report(job).findings
        assert len(client.analyses.sarif(job)["runs"][0]["results"]) == len(findings) == analysis.finding_count


def test_each_task_switches_its_part_of_the_report(service: Service) -> None:
    function = (ROOT / "nlp2filters" / "webhooks" / "addresses.py").read_bytes()
    copies = {"a.py": function, "b.py": function.replace(b"address", b"place")}
    files = {
        **codebase(),
        **copies,
        ".gitignore": b"knotty.py\n",
        "README.md": b"# Hooks\n\nCalls receivers of jobs.\n",
    }
    parts = {"map": "map", "search": "clusters", "duplicates": "duplicates", "summary": "summary", "review": "findings"}
    jobs = {task: submit(service, files, tasks=task, gitignore="false", strategy="builtin") for task in parts}
    for task, job in jobs.items():
        essence = result(service, job)
        report = get(service, job, "report").json()
        assert {member for member in parts.values() if report[member]} == {parts[task]}, task
        assert (essence["coverage"]["analyzed"] > 0) == (task == "search")
        assert essence["coverage"]["over_budget"] == 0


def test_a_question_without_search_is_answered_by_words(service: Service, redis: Redis) -> None:
    before = embedded(redis)
    essence = result(service, submit(service, codebase(), question="Who checks addresses?", tasks=["map"]))
    assert essence["answers"][0]["path"] == "project/webhooks/addresses.py"
    assert embedded(redis) == before


@pytest.fixture
def run(service: Service, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `analyze` by the service; gives the exit code and what it wrote."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(("analyze", *words, "--server", service.url))
        written = capsys.readouterr()
        return code, written.out, written.err

    return run


def test_the_command_sends_a_folder_and_prints_the_report(run: Run, tmp_path: Path) -> None:
    folder, sarif = tmp_path / "shop", tmp_path / "out.sarif"
    files = {**codebase(), ".gitignore": b"*.log\n", "debug.log": b"noise\n", "manual.pdf": MANUAL}
    for path, content in files.items():
        if not path.startswith(".."):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
    words = ("--question", "How often is the filter rinsed?", "--exclude", "logo.*", "--sarif", str(sarif))
    code, out, err = run(str(folder), *words, "--strategy", "builtin")
    assert (code, err) == (0, "")
    assert "manual.pdf:1-" in out
    assert ", page 1" in out
    assert "project/knotty.py:1  `knotty` divides at 20 points" in out
    SCHEMA.validate(json.loads(sarif.read_text()))
    report = json.loads(run(str(folder), "--json", "--task", "review", "--no-gitignore", "--exclude", "logo.*")[1])
    assert {file["path"] for file in report["files"]} == {path for path in files if not path.startswith("..")}
    reasons = {file["path"]: file["skipped"] for file in report["files"] if file["skipped"]}
    assert reasons == {
        "project/logo.png": "A pattern of `exclude` matches it.",
        "project/webhooks/__init__.py": "It is empty.",
    }
    assert (report["map"], report["summary"]) == (None, None)


def test_the_command_sends_an_archive_as_it_is(run: Run, tmp_path: Path) -> None:
    archive = tmp_path / "code.tgz"
    archive.write_bytes(tar(codebase()).getvalue())
    report = json.loads(run(str(archive), "--json", "--include", "addresses.py", "--task", "map")[1])
    assert [file["path"] for file in report["files"] if not file["skipped"]] == ["project/webhooks/addresses.py"]


def test_the_command_tells_what_is_wrong(run: Run, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("no archive")
    for words, code, message in (
        (("missing",), 1, "No such file or directory"),
        ((str(tmp_path / "text.txt"),), 1, "The archive cannot be read"),
        ((__file__, "--strategy", "llm"), 2, "/strategy"),
        ((str(tmp_path), "--question", "x" * 4_001), 2, "/question"),
    ):
        exit_code, _, err = run(*words)
        assert (exit_code, message in err) == (code, True), err


def test_the_client_sends_files(service: Service) -> None:
    with Client(service.url) as client:
        job = client.analyses.submit(
            files={"a.py": "def f():\n    return 1\n", "b.txt": "Text about pumps."},
            tasks=["search", "summary"],
            exclude=["a.*"],
            gitignore=False,
            budget={"chunks": 1},
            metadata={"a": "b"},
        )
        analysis = client.analyses.wait(job, timeout_s=TIMEOUT_S)
        assert (job.metadata, analysis.files, analysis.skipped) == ({"a": "b"}, 1, 1)
        with pytest.raises(ValueError, match="either an archive or files"):
            client.analyses.submit()


def test_hostile_archives_cost_only_their_own_job(service: Service) -> None:
    """Each is refused, or its good file is read and the rest listed, while the service goes on."""
    sparse = tarfile.TarInfo("device")
    sparse.type = tarfile.CHRTYPE
    files = {"good.py": b"x = 1\n"}
    many = io.BytesIO(gzip.compress(tarfile.TarInfo("a.py").tobuf() * 100_000, 1)).getvalue()
    nested = {**files, "inner.tgz": tar(files).getvalue(), "a\0b.py": b"y = 1\n"}
    latin = {**files, "latin.py": "# gr\xf6\xdfer\n".encode("latin-1"), "nul.py": b"a\0", "line.js": b"a" * (10 << 20)}
    jobs = {
        "many": service.client.post("/v1/analyses", content=many, headers=GZIP).json(),
        "nested": submit(service, nested, tasks="map"),
        "device": httpx.post(
            f"{service.url}/v1/analyses", content=tar(files, extra=[sparse]).getvalue(), headers=GZIP
        ).json(),
        "texts": submit(service, latin, tasks="map"),
    }
    assert "more than 20,000 files" in finished(service, jobs.pop("many"))["error"]["detail"]
    for name, job in jobs.items():
        read = {file["path"] for file in get_report(service, job)["files"] if file["skipped"] is None}
        assert "good.py" in read, name
        assert ("latin.py" in read) == (name == "texts")
    assert service.client.get("/readyz").status_code == 200


def get_report(service: Service, job: dict[str, Any]) -> dict[str, Any]:
    result(service, job)
    report: dict[str, Any] = get(service, job, "report").json()
    return report
