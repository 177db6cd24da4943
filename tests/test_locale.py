"""The language of a job's text, through the whole service."""

import pytest

from tests.service import Service

CATALOG = {
    "name": "pisos",
    "fields": [
        {"name": "precio", "type": "money", "currency": "EUR"},
        {"name": "ascensor", "type": "boolean"},
    ],
}


def test_a_spanish_text(service: Service) -> None:
    job = service.submit("menos de 1.200 € y sin ascensor", catalog=CATALOG, locale="es-ES")
    result = service.result(job)
    assert result["filter"] == {
        "op": "and",
        "args": [
            {"op": "<", "args": [{"property": "precio"}, 1200]},
            {"op": "=", "args": [{"property": "ascensor"}, False]},
        ],
    }
    assert (result["text"], result["ignored"]) == ("", [])


@pytest.mark.parametrize("locale", ["xx", "es_ES", ""])
def test_a_language_that_is_not_known_is_refused(service: Service, locale: str) -> None:
    body = {"catalog": "cars", "text": "a", "locale": locale}
    response = service.client.post("/v1/jobs", json=body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/locale"
