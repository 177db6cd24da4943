"""Metrics: what they count, and that nobody can make them grow."""

import random
import string

import httpx
from prometheus_client.parser import text_string_to_metric_families

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "PROPFIND", "PURGE", "FOO", "get")
PLACES = (
    "/static/{}", "/static/{}/{}.js", "/{}", "/v1/jobs/{}", "/v1/jobs/{}/events", "/v1/catalogs/{}", "/problems/{}",
    "/v1/jobs/v1/{}", "/v1/batches/{}/", "//{}", "/embedding/result/{}", "/openapi.json/{}",
)  # fmt: skip


def samples(client: httpx.Client) -> list[tuple[str, dict[str, str], float]]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return [(sample.name, sample.labels, sample.value) for family in families for sample in family.samples]


def routes(client: httpx.Client) -> set[str]:
    return {labels["route"] for _, labels, _ in samples(client) if "route" in labels}


def request_anywhere(client: httpx.Client, chance: random.Random) -> None:
    names = ("".join(chance.choices(string.ascii_letters + "%/.-_", k=8)) for _ in range(2))
    address = chance.choice(PLACES).format(*names)
    client.request(chance.choice(METHODS), client.base_url.copy_with(raw_path=address.encode()))


def test_no_address_makes_a_series_of_its_own(idle: httpx.Client) -> None:
    chance = random.Random(7)
    for _ in range(1_000):
        request_anywhere(idle, chance)
    routes(idle)  # `/metrics` counts itself when it is read again
    addresses, before = routes(idle), len(samples(idle))
    for _ in range(1_000):
        request_anywhere(idle, chance)
    assert routes(idle) == addresses
    assert len(samples(idle)) <= before + 10  # a method and status that did not come up before
    assert "unknown" in addresses
    assert "/static" in addresses
    assert "/v1/jobs/{job_id}" in addresses
    methods = {labels["method"] for _, labels, _ in samples(idle) if "method" in labels}
    assert methods <= {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "other"}
