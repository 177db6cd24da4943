"""Signatures of webhooks: by the standard, and refused for the right reason."""

import base64
from collections.abc import Callable

import pytest

from nlp2filters.core import signatures
from nlp2filters.errors import InvalidSignature

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"n" * 24).decode()
NOW, BODY = 1_700_000_000, '{"type": "job.succeeded", "é": "\u2028"}'.encode()


def test_a_signature_as_the_standard_has_it() -> None:
    signed = signatures.sign(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_signature_for_each_secret() -> None:
    first, second = signatures.sign([SECRET, OTHER], "m", 1, b"").split()
    assert first == signatures.sign([SECRET], "m", 1, b"")
    assert second == signatures.sign([OTHER], "m", 1, b"")


@pytest.mark.parametrize(
    "secret",
    ["", "secret", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ=", "whsec_" + "a2tr" * 22, SECRET.removeprefix("whsec_")],
)
def test_a_malformed_secret_is_told(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        signatures.sign([secret], "m", 1, b"")


def headers(*secrets: str, timestamp: int = NOW) -> dict[str, str]:
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(timestamp),
        "Webhook-Signature": signatures.sign(secrets, "msg_1", timestamp, BODY),
    }


@pytest.mark.parametrize("signing", [[SECRET], [OTHER, SECRET], [SECRET, OTHER]])
@pytest.mark.parametrize("known", [[SECRET], [SECRET, "whsec_" + base64.b64encode(b"x" * 24).decode()]])
def test_while_a_secret_is_replaced_on_either_side(signing: list[str], known: list[str]) -> None:
    signatures.verify(known, headers(*signing), BODY, NOW)


@pytest.mark.parametrize("away_s", [-300, 300])
def test_clocks_may_differ_by_five_minutes(away_s: int) -> None:
    signatures.verify([SECRET], headers(SECRET), BODY, NOW + away_s)
    with pytest.raises(InvalidSignature, match="301 s away"):
        signatures.verify([SECRET], headers(SECRET), BODY, NOW + away_s + (1 if away_s > 0 else -1))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda given: given.pop("Webhook-Id"), "webhook-id is missing"),
        (lambda given: given.update({"Webhook-Timestamp": "soon"}), "no number"),
        (lambda given: given.update({"Webhook-Id": "msg_2"}), "No signature"),
        (lambda given: given.update({"Webhook-Timestamp": str(NOW + 1)}), "No signature"),
        (lambda given: given.update({"Webhook-Signature": ""}), "No signature"),
        (lambda given: given.update({"Webhook-Signature": "v1,é"}), "No signature"),
        (lambda given: given.update(headers(OTHER)), "No signature"),
    ],
)
def test_what_is_not_so_is_refused(change: Callable[[dict[str, str]], object], said: str) -> None:
    given = headers(SECRET)
    change(given)
    with pytest.raises(InvalidSignature, match=said):
        signatures.verify([SECRET], given, BODY, NOW)


def test_another_body_is_refused() -> None:
    with pytest.raises(InvalidSignature, match="No signature"):
        signatures.verify([SECRET], headers(SECRET), BODY + b" ", NOW)
