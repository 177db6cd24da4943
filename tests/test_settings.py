"""The settings come from a mapping, with types, and keep their secrets."""

import base64
from pathlib import Path

import pytest

from nlp2filters import settings
from nlp2filters.llm.registry import PROVIDERS
from nlp2filters.settings import Settings

CANARY = "whsec_" + base64.b64encode(b"canary-webhook-secret-01").decode()
README = Path(__file__).parent.parent / "README.md"


def test_without_an_environment_everything_has_a_default() -> None:
    read = Settings.read({})
    assert repr(read) == repr(Settings())
    assert (read.redis_url, read.llm_model, read.model_path, read.cors_origins) == (
        "redis://127.0.0.1:6379/0",
        "",
        None,
        (),
    )


def test_values_get_the_type_of_their_setting() -> None:
    read = Settings.read(
        {
            "RETENTION_S": "60",
            "LLM_TIMEOUT_S": "2.5",
            "WEBHOOK_ALLOW_PRIVATE": "true",
            "CORS_ORIGINS": "https://a.example, https://b.example",
            "MODEL_PATH": "/models/minilm",
        }
    )
    assert (read.retention_s, read.llm_timeout_s, read.webhook_allow_private) == (60, 2.5, True)
    assert read.cors_origins == ("https://a.example", "https://b.example")
    assert read.model_path == Path("/models/minilm")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RETENTION_S", "a day"),
        ("REDIS_CONNECTIONS", "1"),
        ("WEBHOOK_ALLOW_PRIVATE", "perhaps"),
        ("LLM_PROVIDER", "gpt"),
        ("PUBLIC_URL", "filters.example"),
        ("LLM_TIMEOUT_S", "0"),
        ("LLM_TIMEOUT_S", "inf"),
        ("LLM_TIMEOUT_S", "nan"),
        ("MAX_PUT_OFF_S", "-1"),
    ],
)
def test_a_value_of_the_wrong_type_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        Settings.read({name: value})


@pytest.mark.parametrize("size", [0, 23, 65])
def test_a_webhook_secret_of_the_wrong_size_is_refused_and_not_shown(size: int) -> None:
    secret = "whsec_" + base64.b64encode(b"k" * size).decode()
    with pytest.raises(ValueError, match=r"WEBHOOK_SECRET.*24 to 64 bytes") as caught:
        Settings.read({"WEBHOOK_SECRET": f"{CANARY} {secret}"})
    assert CANARY not in str(caught.value)
    assert not size or secret not in str(caught.value)


def test_the_own_host_is_that_of_the_public_address() -> None:
    assert Settings.read({}).own_hosts == ()
    assert Settings.read({"PUBLIC_URL": "https://filters.example:8443/"}).own_hosts == ("filters.example:8443",)


def test_secrets_do_not_show() -> None:
    read = Settings.read({"OPENAI_API_KEY": "sk-canary", "WEBHOOK_SECRET": CANARY})
    assert CANARY not in repr(read)
    assert "canary" not in repr(read)
    assert str(read.llm_accounts["openai"].api_key) == "sk-canary"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_has_a_key_and_an_address(provider: str) -> None:
    name = (PROVIDERS[provider].account or provider).upper()
    assert not Settings.read({}).lacks_llm_model
    assert Settings.read({f"{name}_API_KEY": "sk-canary"}).lacks_llm_model
    environment = {"LLM_PROVIDER": provider, "LLM_MODEL": "m", f"{name}_API_KEY": "sk-canary"}
    (llm,) = Settings.read({**environment, f"{name}_BASE_URL": "http://127.0.0.1:9/v1"}).llms
    assert (llm.provider, llm.api_key, llm.base_url, llm.model) == (
        provider,
        "sk-canary",
        "http://127.0.0.1:9/v1",
        "m",
    )
    assert "canary" not in repr(llm)


@pytest.mark.parametrize(
    ("provider", "address"),
    [(name, spec.default_base_url) for name, spec in PROVIDERS.items() if spec.default_base_url],
)
def test_most_providers_have_a_common_address(provider: str, address: str) -> None:
    (llm,) = Settings.read({"LLM_PROVIDER": provider, "LLM_MODEL": "m"}).llms
    assert llm.base_url == address


def test_several_providers_are_a_chain_and_each_may_have_a_model() -> None:
    read = Settings.read({"LLM_PROVIDER": "openai, ollama:qwen3:4b,anthropic", "LLM_MODEL": "m"})
    assert [(llm.provider, llm.model) for llm in read.llms] == [
        ("openai", "m"),
        ("ollama", "qwen3:4b"),
        ("anthropic", "m"),
    ]
    assert [llm.provider for llm in Settings.read({"LLM_PROVIDER": "openai,ollama:q"}).llms] == ["ollama"]


def test_prices_are_a_table_of_models() -> None:
    prices = Settings.read({"LLM_PRICES": "gpt-4.1-mini*=0.4/1.6/0.1, claude-*=1/5/0.1/1.25, small=0.02"}).llm_prices
    usage = {"input_tokens": 1000, "cached_tokens": 600, "output_tokens": 100, "reasoning_tokens": 50}
    assert prices.micros(usage, "gpt-4.1-mini-2025-04-14") == 400 * 0.4 + 600 * 0.1 + 100 * 1.6
    assert prices.micros({"input_tokens": 100, "cache_write_tokens": 80}, "claude-haiku-4-5") == 20 + 100
    assert prices.micros({"embedding_tokens": 1_000_000}, "other", "small") == 20_000
    assert prices.micros(usage, "other") is None


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"LLM_PROVIDER": "openai,openai"}, "LLM_PROVIDER"),
        ({"LLM_PROVIDER": ","}, "LLM_PROVIDER"),
        ({"LLM_PROVIDER": "azure", "LLM_MODEL": "m"}, "AZURE_BASE_URL"),
        ({"LLM_PRICES": "m"}, "LLM_PRICES"),
        ({"LLM_PRICES": "m=1/2/3/4/5"}, "LLM_PRICES"),
        ({"LLM_PRICES": "m=-1"}, "LLM_PRICES"),
        ({"MAX_DAILY_COST": "1"}, "LLM_PRICES"),
        ({"EMBEDDING_PROVIDER": "anthropic", "EMBEDDING_MODEL": "m"}, "EMBEDDING_PROVIDER"),
        ({"EMBEDDING_PROVIDER": "openai"}, "EMBEDDING_MODEL"),
        ({"EMBEDDING_MODEL": "m"}, "EMBEDDING_MODEL"),
        ({"EMBEDDING_PROVIDER": "azure", "EMBEDDING_MODEL": "m"}, "AZURE_BASE_URL"),
    ],
)
def test_settings_that_make_no_sense_name_a_variable(environment: dict[str, str], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Settings.read(environment)


@pytest.mark.parametrize("row", settings.table(), ids=lambda row: row[0])
def test_the_readme_lists_every_setting(row: tuple[str, str, str]) -> None:
    variable, default, doc = row
    line = f"| `{variable}` | {f'`{default}`' if default else ''} | {doc} |".replace("|  |", "| |")
    assert line in README.read_text().splitlines()
