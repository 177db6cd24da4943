"""Rows of an uploaded file, through the whole service: inferred, asked, sorted, plotted and exported."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from redis import Redis

from nlp2filters.client import Client
from nlp2filters.core import kinds
from tests.data.test_tables import FOLDER
from tests.service import Service

PENGUINS = (FOLDER / "files" / "penguins.csv").read_bytes()
WAIT = {"Prefer": "wait=25"}


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=40, trust_env=False) as client:
        yield client


def inferred(client: httpx.Client, content: bytes, media_type: str = "text/csv") -> str:
    headers = {"Content-Type": media_type, "Prefer": "respond-async"}
    job: dict[str, Any] = client.post(
        "/v1/catalogs/infer", content=content, headers=headers, params={"name": "penguins"}
    ).json()
    with client.stream("GET", job["urls"]["events"]) as events:
        events.read()
    return str(job["id"])


@pytest.fixture(scope="module")
def data(client: httpx.Client) -> str:
    return inferred(client, PENGUINS)


def rows(client: httpx.Client, **body: Any) -> Any:
    response = client.post("/v1/rows", json=body, headers=WAIT)
    assert response.status_code == 200, response.text
    job = response.json()
    assert job["status"] == "succeeded", job["error"]
    kinds.KINDS["rows"].result.model_validate(job["result"])
    return job


def test_rows_of_a_question(client: httpx.Client, data: str) -> None:
    catalog = client.get(f"/v1/jobs/{data}/result").json()["catalog"]
    question = {"catalog": catalog, "text": "Gentoo penguins heavier than 6 kg, heaviest first"}
    asked = client.post("/v1/jobs", json={**question, "strategy": "builtin"}, headers=WAIT).json()
    result = rows(client, data=data, job=asked["id"])["result"]
    records = [row for row in csv.DictReader(io.StringIO(PENGUINS.decode())) if row["body_mass_g"] not in ("", "NA")]
    meant = [row for row in records if row["species"] == "Gentoo" and int(row["body_mass_g"]) > 6000]
    assert (result["count"], result["total"]) == (len(meant), 344)
    assert [row["body_mass_g"] for row in result["rows"]] == sorted(
        (int(r["body_mass_g"]) for r in meant), reverse=True
    )
    assert result["lossy"] == []


def test_words_without_a_field_are_told_as_not_applied(client: httpx.Client, data: str) -> None:
    result = rows(client, data=data, filter="species = 'Adelie'", text="cuddly", page_size=0)["result"]
    assert result["count"] == 152
    assert [(loss["pointer"], loss["effect"]) for loss in result["lossy"]] == [("/text", "wider")]


def test_an_export_has_all_matching_rows(client: httpx.Client, data: str) -> None:
    for form, media_type in (("csv", "text/csv; charset=utf-8"), ("jsonl", "application/jsonl")):
        job = rows(client, data=data, filter="year = 2009", export=form, page_size=1, sort=[{"field": "body_mass_g"}])
        file = client.get(f"/v1/jobs/{job['id']}/export")
        assert file.headers["content-type"] == media_type
        assert file.headers["content-disposition"] == f'attachment; filename="rows.{form}"'
        lines = (
            [*csv.DictReader(io.StringIO(file.text))] if form == "csv" else [*map(orjson.loads, file.text.splitlines())]
        )
        assert len(lines) == job["result"]["count"] == 120
        masses = [int(line["body_mass_g"]) for line in lines if line["body_mass_g"] not in ("", None)]
        assert masses == sorted(masses)
    assert client.get(f"/v1/jobs/{data}/export").status_code == 404


def test_the_client_uploads_finds_and_exports(service: Service) -> None:
    with Client(service.url, trust_env=False) as client:
        data = client.rows.upload(FOLDER / "files" / "penguins.csv", "penguins")
        for event in client.jobs.follow(data):
            last = event
        assert last.job.status == "succeeded"
        page = client.rows.find(data, filter="island = 'Dream'", page_size=3, columns=["island"])
        assert (page.count, page.next_offset, page.rows) == (124, 3, [{"island": "Dream"}] * 3)
        assert client.rows.export(data, "jsonl", filter="island = 'Dream'").count(b"\n") == 124


def test_the_file_is_converted_once(client: httpx.Client, service: Service, data: str) -> None:
    """The upload is damaged after the first question: the next ones do not need it."""
    penguins = inferred(client, PENGUINS + b"\n")
    assert rows(client, data=penguins)["result"]["total"] == 344
    with Redis.from_url(service.environment["REDIS_URL"]) as redis:
        before = set(redis.scan_iter("n2f:blob:*"))
        catalog = client.get(f"/v1/jobs/{penguins}/result").json()["catalog"]
        catalog["fields"][0]["synonyms"] = ["kind"]
        assert rows(client, data=penguins, catalog=catalog, filter="species = 'Gentoo'")["result"]["count"] == 124
        assert set(redis.scan_iter("n2f:blob:*")) == before


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"filter": "colour = 'red'"}, 422, "/filter"),
        ({"sort": [{"field": "colour"}]}, 422, "/sort/0/field"),
        ({"columns": ["species; DROP TABLE t"]}, 422, ""),
        ({"plot": {"x": "species", "y": "year"}}, 422, "/plot"),
        ({"page_size": 201}, 422, "/page_size"),
        ({"export": "xlsx"}, 422, "/export"),
        ({"job": "job_0", "filter": "year = 2009"}, 422, ""),
        ({"job": "job_0"}, 404, None),
        ({"data": "job_0"}, 404, None),
    ],
)
def test_what_is_refused(
    client: httpx.Client, data: str, body: dict[str, Any], status: int, pointer: str | None
) -> None:
    response = client.post("/v1/rows", json={"data": data, **body}, headers=WAIT)
    assert response.status_code == status, response.text
    if pointer is not None:
        assert response.json()["errors"][0]["pointer"].startswith(pointer)


def test_a_catalog_of_other_columns_fails_with_their_names(client: httpx.Client, data: str) -> None:
    job = client.post("/v1/rows", json={"data": data, "catalog": "cars"}, headers=WAIT).json()
    assert job["status"] == "failed"
    assert "The file has no column 'Name'" in job["error"]["errors"][0]["detail"]


def test_a_file_that_is_gone_has_to_be_uploaded_again(client: httpx.Client, service: Service) -> None:
    other = inferred(client, PENGUINS + b"\n\n")
    with Redis.from_url(service.environment["REDIS_URL"]) as redis:
        for key in redis.scan_iter("n2f:blob:*"):
            redis.delete(key)
    response = client.post("/v1/rows", json={"data": other}, headers=WAIT)
    assert response.status_code == 410
    assert "Upload it again" in response.json()["detail"]


def test_names_and_values_are_never_part_of_the_statement(client: httpx.Client) -> None:
    """Columns and values are named as an attacker would."""
    header = 'a"; DROP TABLE x; --'
    value = "x' OR 1=1 --"
    content = f'"{header.replace(chr(34), chr(34) * 2)}",n\n"{value}",1\nplain,2\n'.encode()
    hostile = inferred(client, content)
    condition = {"op": "=", "args": [{"property": header}, value]}
    result = rows(client, data=hostile, filter=condition, sort=[{"field": header}])["result"]
    assert (result["count"], result["total"]) == (1, 2)
    assert result["rows"] == [{header: value, "n": 1}]
