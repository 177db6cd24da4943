"""The list of query languages."""

import httpx

from nlp2filters.core.dialects import DIALECTS


def test_every_dialect_that_is_listed_compiles(client: httpx.Client) -> None:
    dialects = client.get("/v1/dialects").json()["dialects"]
    assert {dialect["name"]: dialect["title"] for dialect in dialects} == {
        name: dialect.title for name, dialect in DIALECTS.items()
    }
    body = {"catalog": "cars", "text": "8 cylinders", "dialects": [dialect["name"] for dialect in dialects]}
    job = client.post("/v1/jobs", json=body, headers={"Prefer": "wait=20"}).json()
    assert job["result"]["dialects"].keys() == DIALECTS.keys()
