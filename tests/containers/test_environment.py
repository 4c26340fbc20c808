import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import get_type_hints

import pytest
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from api.services import ServerSettings
from cli.worker import SETTINGS as WORKER_SETTINGS
from core import settings
from tests.containers.files import (
    COMPOSE,
    DOCKERFILE,
    ENV_DEMO,
    ENV_EXAMPLE,
    REALM,
    ROOT,
    described_variables,
    environment,
    interpolate,
    is_secret,
    references,
    services,
    variables_of,
)

GROUPS: dict[str, tuple[type[BaseSettings], ...]] = {
    "migrate": (settings.MigrateSettings,),
    "worker": WORKER_SETTINGS,
    "api": tuple(get_type_hints(ServerSettings).values()),
}
# Of the object store, as docs/deployment.md describes them, and of Python's tempfile.
OTHERS = {
    "AWS_ENDPOINT",
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ALLOW_HTTP",
    "TMPDIR",
}
# Made by the program once the database is there, so it cannot be required before.
MADE_LATER = "GRAFANA_BI_PASSWORD"


def variables(*groups: type[BaseSettings]) -> dict[str, FieldInfo]:
    return {
        f"{group.model_config.get('env_prefix', '')}{name}".upper(): field
        for group in groups
        for name, field in group.model_fields.items()
    }


def known_variables() -> dict[str, FieldInfo]:
    """Every environment variable that a settings class reads."""
    groups = BaseSettings.__subclasses__()
    return variables(*(group for group in groups if group.__module__ == settings.__name__))


def script(name: str, environment: Mapping[str, str], folder: Path = ROOT) -> tuple[int, str]:
    """Exit status and errors of a script of deploy/."""
    result = subprocess.run(
        ["sh", folder / "deploy" / name],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.returncode, result.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of the .env that the documented command writes."""
    folder = tmp_path_factory.mktemp("installation")
    (folder / "deploy").mkdir()
    shutil.copy(ENV_EXAMPLE, folder)
    shutil.copy(ROOT / "deploy" / "make-env.sh", folder / "deploy")
    assert script("make-env.sh", {}, folder) == (0, "")
    status, errors = script("make-env.sh", {}, folder)
    assert (status, errors) == (1, ".env is there already, and is left as it is.\n")
    assert (folder / ".env").stat().st_mode & 0o077 == 0
    return variables_of(folder / ".env")


@pytest.mark.parametrize("file", [DOCKERFILE], ids=lambda file: file.name)
def test_every_variable_of_the_image_belongs_to_a_setting(file: Path) -> None:
    named = set(re.findall(r"\bSENSORFLOW_\w+", file.read_text()))
    assert named
    assert named <= set(known_variables())


@pytest.mark.parametrize("service", GROUPS)
def test_every_variable_of_a_process_is_one_that_it_reads(service: str) -> None:
    assert set(environment(service)) <= set(variables(*GROUPS[service])) | OTHERS


def test_every_variable_of_grafana_is_one_that_its_files_or_itself_read() -> None:
    sources = (ROOT / "deploy/grafana/provisioning/datasources/sensorflow.yaml").read_text()
    read = set(re.findall(r"\$(\w+)", re.sub(r"^\s*#.*", "", sources, flags=re.MULTILINE)))
    given = {name for name in environment("grafana") if not name.startswith("GF_")}
    assert given == read


@pytest.mark.parametrize("service", sorted(set(services()) - {*GROUPS, "grafana"}))
def test_no_other_container_is_given_a_setting_of_the_platform(service: str) -> None:
    assert not [name for name in environment(service) if name.startswith("SENSORFLOW_")]


@pytest.mark.parametrize("file", ["made", "demo"])
@pytest.mark.parametrize("service", GROUPS)
def test_the_settings_accept_what_compose_hands_over(
    service: str, file: str, made: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = made if file == "made" else variables_of(ENV_DEMO)
    for name in known_variables():
        monkeypatch.delenv(name, raising=False)
    for name, value in environment(service).items():
        monkeypatch.setenv(name, interpolate(value, given))
    for group in GROUPS[service]:
        group()


def test_the_settings_refuse_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSORFLOW_SESSION_VALKEY_URL", "http://valkey:6379")
    with pytest.raises(ValidationError):
        settings.SessionSettings()


@pytest.mark.parametrize("service", GROUPS)
def test_every_required_setting_is_set(service: str) -> None:
    groups = variables(*GROUPS[service]).items()
    assert {name for name, field in groups if field.is_required()} <= set(environment(service))


def test_defaults_are_those_of_the_settings() -> None:
    """But that there is a proxy."""
    compared = 0
    for reference in references(COMPOSE.read_text()):
        field = known_variables().get(reference.name)
        if field and reference.operator == ":-" and reference.name not in environment("api"):
            assert reference.operand == str(field.default)
            compared += 1
    assert compared


def test_no_secret_has_a_default() -> None:
    for reference in references(COMPOSE.read_text()):
        if reference.name == MADE_LATER:
            assert (reference.operator, reference.operand) == (":-", "")
        else:
            assert is_secret(reference.name) == reference.is_required, reference


@pytest.mark.parametrize("service", services())
def test_no_secret_is_written_into_compose_yaml(service: str) -> None:
    for name, value in environment(service).items():
        if is_secret(name) or name in {"AWS_SECRET_ACCESS_KEY", "ROOT_SECRET_ACCESS_KEY"}:
            assert [each.name for each in references(value) if is_secret(each.name)], name
            assert re.fullmatch(r"\$\{[^}]*\}", value)


def test_the_example_describes_every_variable_and_no_other() -> None:
    referenced = {reference.name for reference in references(COMPOSE.read_text())}
    example = described_variables(ENV_EXAMPLE)
    assert set(example) == referenced | {"COMPOSE_PROFILES"}
    assert all(comment for _, comment in example.values())


def test_the_example_has_no_secrets_and_the_same_defaults() -> None:
    defaults = {
        reference.name: "" if references(reference.operand) else reference.operand
        for reference in references(COMPOSE.read_text())
        if not is_secret(reference.name)
    }
    examples = variables_of(ENV_EXAMPLE)
    assert examples.pop("COMPOSE_PROFILES") == "core"
    assert examples == dict.fromkeys(filter(is_secret, examples), "") | defaults


def test_every_secret_that_compose_requires_is_checked_before_the_core_starts() -> None:
    required = {each.name for each in references(COMPOSE.read_text()) if each.is_required}
    checked = environment("check-secrets")
    assert set(checked) == required
    assert all([each.name for each in references(value)] == [n] for n, value in checked.items())


def test_the_secrets_of_the_demo_do_not_open_the_core() -> None:
    demo = {name: value for name, value in variables_of(ENV_DEMO).items() if is_secret(name)}
    assert set(demo) == set(environment("check-secrets"))
    status, errors = script("check-secrets.sh", demo)
    assert status == 1
    assert set(re.findall(r"^(\w+) is the demo's", errors, re.MULTILINE)) == set(demo)


def test_the_secrets_that_the_command_makes_open_the_core(made: dict[str, str]) -> None:
    secrets = {name: made[name] for name in environment("check-secrets")}
    assert len(set(secrets.values())) == len(secrets)
    assert script("check-secrets.sh", secrets) == (0, "")
    for wrong in ("short", "", "demo-only-" + "x" * 40, "with/a/slash" * 5, "'; exit 0 #" * 5):
        assert script("check-secrets.sh", secrets | {"METRICS_TOKEN": wrong})[0] == 1


def test_the_demo_has_a_project_and_a_profile_of_its_own_and_shows_its_accounts() -> None:
    demo = variables_of(ENV_DEMO)
    assert demo["COMPOSE_PROFILES"] == "demo"
    assert demo["COMPOSE_PROJECT_NAME"] == "sensorflow-demo"
    assert json.loads(demo["SENSORFLOW_AUTH_SHOWN_ACCOUNTS"])


def test_every_placeholder_of_the_realm_is_set_for_keycloak() -> None:
    placeholders = {reference.name for reference in references(REALM.read_text())}
    assert placeholders
    assert placeholders <= set(environment("keycloak"))
