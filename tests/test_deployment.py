"""The files for Docker are what Docker Compose takes, and agree with each other and with the code."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import yaml
from compose_spec.models import ComposeSpecification
from django.core.management import get_commands, load_command_class

from clickhouse.servers import servers

ROOT = Path(__file__).parents[1]
SECRETS = {"POSTGRES_PASSWORD": "p", "CLICKHOUSE_PASSWORD": "c", "SECRET_KEY": "s"}
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<otherwise>[^}]*))?\}")


def environment(*files: str) -> dict[str, str]:
    """The variables that these files set, and those that a user must."""
    lines = [line for file in files for line in (ROOT / file).read_text().splitlines()]
    return SECRETS | dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def compose(variables: dict[str, str]) -> dict[str, Any]:
    """docker-compose.yml as Docker Compose reads it."""

    def value(match: re.Match[str]) -> str:
        if match["kind"] == "?":
            return variables[match["name"]]
        return variables.get(match["name"], match["otherwise"])

    text = VARIABLE.sub(value, (ROOT / "docker-compose.yml").read_text())
    found: dict[str, Any] = yaml.safe_load(text)
    return {name: part for name, part in found.items() if not name.startswith("x-")}


MODES = {"single": compose(environment()), "cluster": compose(environment("deploy/cluster.env"))}


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def services(mode: str) -> dict[str, Any]:
    """Those that are started in this mode."""
    return {
        name: service
        for name, service in MODES[mode]["services"].items()
        if mode == "cluster" or "profiles" not in service
    }


def test_the_compose_file_is_one(mode: str) -> None:
    ComposeSpecification.model_validate(MODES[mode])


def test_docker_compose_takes_the_file(mode: str) -> None:
    if not shutil.which("docker") or subprocess.run(["docker", "compose", "version"], check=False).returncode:
        pytest.skip("Docker Compose is not installed; the file is checked against its schema only")
    options = ["--env-file", "deploy/cluster.env", "--profile", "cluster"] if mode == "cluster" else []
    command = ["docker", "compose", *options, "config", "--quiet"]
    subprocess.run(command, cwd=ROOT, env=os.environ | SECRETS, check=True)


def test_every_service_says_how_it_is_and_nothing_waits_for_what_is_not_started(
    services: dict[str, Any],
) -> None:
    for name, service in services.items():
        assert "healthcheck" in service or name == "setup"
        for needed, how in service.get("depends_on", {}).items():
            assert needed in services or how["required"] is False
            assert how["condition"] in {"service_healthy", "service_completed_successfully"}


def test_what_is_kept_is_in_volumes_and_what_is_mounted_is_there(mode: str, services: dict[str, Any]) -> None:
    kept = []
    for service in services.values():
        for volume in service.get("volumes", []):
            source, _, *how = str(volume).split(":")
            if source.startswith("./"):
                assert how == ["ro"]
                ElementTree.parse(ROOT / source)
            else:
                assert source in MODES[mode]["volumes"]
                kept.append(source)
    assert len(kept) == len(set(kept)) == {"single": 2, "cluster": 8}[mode]


def test_no_port_is_published_beyond_this_machine(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert published
    assert {port for port in published if not port.startswith("127.0.0.1:")} == set()


def test_our_commands_are_ours_and_their_settings_are_documented(services: dict[str, Any]) -> None:
    documented = (ROOT / "docs/operating.md").read_text()
    for name in ("setup", "web", "worker"):
        command, *options = services[name]["command"]
        assert get_commands()[command] == "persons"
        parser = load_command_class("persons", command).create_parser("manage.py", command)
        parser.parse_args([str(option) for option in options])
        for variable in services[name]["environment"]:
            assert f"| `{variable}` |" in documented
        assert services[name]["read_only"] is True


def test_the_hosts_that_are_asked_are_the_replicas_of_the_cluster(services: dict[str, Any]) -> None:
    hosts = {urlsplit(url).hostname for url in servers(services["web"]["environment"]["CLICKHOUSE_URL"])}
    stores = {name for name in services if name.startswith("clickhouse")}
    assert hosts == stores
    if len(stores) == 1:
        return
    config = ElementTree.parse(ROOT / "deploy/clickhouse/cluster.xml")
    cluster = config.find(f"remote_servers/{services['web']['environment']['CLICKHOUSE_CLUSTER']}")
    assert cluster is not None
    for number, shard in enumerate(cluster.iter("shard"), 1):
        for place, host in enumerate(_texts(shard, "replica/host"), 1):
            told = services[host]["environment"]
            assert (told["SHARD"], told["REPLICA"], services[host]["hostname"]) == (
                str(number),
                str(place),
                host,
            )
            stores.remove(host)
    assert not stores
    keepers = {name for name in services if name.startswith("keeper")}
    assert set(_texts(config, "zookeeper/node/host")) == keepers
    keeper = ElementTree.parse(ROOT / "deploy/clickhouse/keeper.xml")
    numbered = zip(_texts(keeper, ".//server/id"), _texts(keeper, ".//server/hostname"), strict=True)
    assert {(services[name]["environment"]["KEEPER_ID"], name) for name in keepers} == set(numbered)


def test_the_image_runs_as_nobody_special_from_a_stage_without_build_tools() -> None:
    stages = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)[1:]
    build, final = stages
    assert re.search(r"^USER (?!root)", final, re.MULTILINE)
    assert not re.search(r"\b(pip|apt|apk|uv)\b", final)
    assert build.index("COPY pyproject.toml") < build.index("pip install") < build.index("COPY persons ")


def _texts(tree: Any, path: str) -> Iterator[str]:
    return (str(element.text) for element in tree.findall(path))
