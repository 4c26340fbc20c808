import re
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from core import settings
from tests.containers.files import (
    COMPOSE,
    DOCKERFILE,
    ENV_EXAMPLE,
    REALM,
    environment,
    example_variables,
    is_secret,
    references,
    services,
)


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


@pytest.mark.parametrize("file", [COMPOSE, DOCKERFILE, ENV_EXAMPLE], ids=lambda file: file.name)
def test_every_variable_of_the_platform_belongs_to_a_setting(file: Path) -> None:
    named = set(re.findall(r"\bSENSORFLOW_\w+", file.read_text()))
    assert named <= set(known_variables())


def test_known_variables_include_those_of_every_group() -> None:
    some = {"SENSORFLOW_DATABASE_URL", "SENSORFLOW_API_PORT", "SENSORFLOW_IDP_PORT"}
    assert some <= set(known_variables())


@pytest.mark.parametrize(
    ("service", "groups"),
    [
        ("migrate", [settings.MigrateSettings]),
        ("worker", [settings.DatabaseSettings, settings.StorageSettings]),
        (
            "api",
            [settings.DatabaseSettings, settings.StorageSettings, settings.AuthSettings],
        ),
    ],
)
def test_every_required_setting_is_set(service: str, groups: list[type[BaseSettings]]) -> None:
    required = {name for name, field in variables(*groups).items() if field.is_required()}
    assert required <= set(environment(service))


def test_ports_default_to_those_of_the_settings() -> None:
    for reference in references(COMPOSE.read_text()):
        if reference.operator == ":-":
            assert reference.operand == str(known_variables()[reference.name].default)


def test_no_secret_has_a_default() -> None:
    for reference in references(COMPOSE.read_text()):
        assert is_secret(reference.name) == reference.is_required, reference


@pytest.mark.parametrize("service", services())
def test_no_secret_is_written_into_compose_yaml(service: str) -> None:
    for name, value in environment(service).items():
        if is_secret(name):
            (reference,) = references(value)
            assert reference.is_required, name


def test_the_example_describes_every_variable_and_no_other() -> None:
    referenced = {reference.name for reference in references(COMPOSE.read_text())}
    assert set(example_variables()) == referenced
    assert all(comment for _, comment in example_variables().values())


def test_the_example_has_no_secrets_and_the_same_defaults() -> None:
    defaults = {
        reference.name: reference.operand
        for reference in references(COMPOSE.read_text())
        if not is_secret(reference.name)
    }
    examples = {name: value for name, (value, _) in example_variables().items()}
    assert examples == dict.fromkeys(filter(is_secret, examples), "") | defaults


def test_every_placeholder_of_the_realm_is_set_for_keycloak() -> None:
    placeholders = {reference.name for reference in references(REALM.read_text())}
    assert placeholders
    assert placeholders <= set(environment("keycloak"))
