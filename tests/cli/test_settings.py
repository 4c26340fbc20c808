"""Every setting of every class set to nonsense, for every command that reads it."""

import signal
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import structlog
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

import cli.demo.run
import cli.imports.destination
import cli.serve
import cli.worker
from cli.main import run
from cli.signals import SIGNALS
from core import settings as module
from core.listening import ListenAddress
from core.setting_errors import DOCUMENTATION, example_of, variable_of
from core.settings import (
    ApiSettings,
    AuthSettings,
    ClientSettings,
    DatabaseSettings,
    MigrateSettings,
)

GROUPS = [
    group
    for group in vars(module).values()
    if isinstance(group, type) and issubclass(group, BaseSettings) and group is not BaseSettings
]
FILE = str(Path(__file__))
COMMANDS: dict[str, tuple[type[BaseSettings], ...]] = {
    "serve": cli.serve.SETTINGS,
    "worker": cli.worker.SETTINGS,
    "migrate": (MigrateSettings, DatabaseSettings),
    "audit --from 2026-01-01 --to 2026-01-02": (DatabaseSettings,),
    # and StorageSettings, but a folder that cannot be used is a finding, which hides no other
    "doctor": (DatabaseSettings, ApiSettings, AuthSettings, MigrateSettings),
    "doctor database": (DatabaseSettings,),
    "doctor auth": (ApiSettings, AuthSettings),
    f"import {FILE}": (ClientSettings, *cli.imports.destination.LOCAL_SETTINGS),
    f"import --dry-run {FILE}": cli.imports.destination.DRY_RUN_SETTINGS,
    "demo": cli.demo.run.SETTINGS,
}
RIGHT = {
    "SENSORFLOW_DATABASE_URL": "postgresql://somebody@127.0.0.1:1/nothing",
    "SENSORFLOW_AUTH_ISSUER": "https://id.example.org",
    "SENSORFLOW_AUTH_AUDIENCE": "sensorflow-api",
    "SENSORFLOW_STORAGE_URL": "unused",
}

NO_TEXT = ("\x07", "a\x7fb", "   ")
NO_JSON = ("x", "[", "17", '{"a": [1]}', '["\\u0007"]')
NONSENSE: dict[type, tuple[str, ...]] = {
    bool: ("perhaps", "2"),
    int: ("banana", "-1", "1.5", str(10**30)),
    float: ("banana", "-1", "nan", "inf", "1e300"),
    timedelta: ("banana", "-1", "P999999D", "inf"),
    tuple: NO_JSON,
    dict: NO_JSON,
    Path: NO_TEXT,
    str: NO_TEXT,
    SecretStr: NO_TEXT,
}
MORE_NONSENSE = [
    ("AUTH_ISSUER", "banana"),
    ("AUTH_ISSUER", "https://"),
    ("AUTH_ISSUER", "https://id.example.org:99999"),
    ("AUTH_ISSUER", "https://id.example.org/?a=b"),
    ("AUTH_ISSUER", "ftp://id.example.org"),
    ("AUTH_LOGIN_SCOPES", "openid  profile"),
    ("AUTH_SCOPE_MAPPING", '{"a": ["everything"]}'),
    ("API_CORS_ORIGINS", '["x"]'),
    ("API_CORS_ORIGINS", '["https://here", "https://there/path"]'),
    ("API_HOST", "banana"),
    ("API_PORT", "65536"),
    ("API_NAIVE_TIMESTAMPS", "banana"),
    ("API_PUBLIC_URL", "https://user@sensors.example.org"),
    ("API_PUBLIC_URL", "https://sensors.example.org:port"),
    ("API_UPLOAD_SECRET", "a" * 31),
    ("STORAGE_URL", "s4://x"),
    ("STORAGE_URL", "s3://"),
    ("STORAGE_URL", "file://host/folder"),
    ("STORAGE_URL", "/dev/null/x"),
    ("STORAGE_URL", "file:///dev/null/x"),
    ("DATABASE_URL", "banana"),
    ("DATABASE_URL", "mysql://u:hunter2@h/d"),
    ("DATABASE_URL", "postgresql://u:hun/ter2@h/d"),
    ("DATABASE_URL", "postgresql://u:hunter2@h:0/d"),
    ("DATABASE_URL", "postgresql://u:hunter2@[::1/d"),
    ("DATABASE_URL", "postgresql://u:hunter2@h/d?banana"),
    ("DATABASE_URL", "postgresql://u:hunter2@127.0.0.1:1/d?sslmode=banana"),
    ("SESSION_VALKEY_URL", "http://u:hunter2@h"),
    ("SESSION_VALKEY_URL", "valkey://u:hun/ter2@h"),
    ("SESSION_VALKEY_URL", "valkey://u:hunter2@h/banana"),
    ("LINE_PROTOCOL_EQUIPMENT_ID", "banana"),
    ("LINE_PROTOCOL_EQUIPMENT_ID", "{series} {banana}"),
    ("DATA_DIR", "/dev/null/x"),
]


def kind_of(field: FieldInfo) -> Any:
    """What the field holds: the type that is left without options, None and arguments."""
    wanted = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    kind = wanted[0] if type(None) in get_args(field.annotation) else field.annotation
    while hasattr(kind, "__metadata__"):
        kind = get_args(kind)[0]
    return get_origin(kind) or kind


def commands_of(group: type[BaseSettings], field: str) -> list[str]:
    """Those that read the field from the environment."""
    overridden = {"demo": cli.demo.run.OVERRIDES.get(group, {})}
    return [
        command
        for command, groups in COMMANDS.items()
        if group in groups and field not in overridden.get(command, {})
    ]


def walk() -> Iterator[tuple[str, str, str]]:
    """Command, variable and nonsense."""
    fields = {
        variable_of(group, name): (group, name) for group in GROUPS for name in group.model_fields
    }
    nonsense = [
        (variable, value)
        for variable, (group, name) in fields.items()
        for value in NONSENSE.get(kind_of(group.model_fields[name]), ("banana",))
    ]
    nonsense += [(f"SENSORFLOW_{name}", value) for name, value in MORE_NONSENSE]
    for variable, value in nonsense:
        for command in commands_of(*fields[variable]):
            yield command, variable, value


@pytest.fixture(autouse=True)
def right_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing wrong but what a test makes wrong, and the port, so that no server starts.

    The handlers of signals and the configuration of logs stay those of pytest.
    """
    logs = structlog.get_config()
    for name, value in RIGHT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    with ListenAddress("127.0.0.1", 0, ApiSettings).listen() as taken:
        monkeypatch.setenv("SENSORFLOW_API_PORT", str(taken.getsockname()[1]))
        yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    structlog.configure(**logs)


def test_every_class_is_read_by_a_command() -> None:
    assert {group for groups in COMMANDS.values() for group in groups} == set(GROUPS)


@pytest.mark.parametrize("command", COMMANDS)
def test_nonsense_is_one_line_that_names_the_variable_and_an_example(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sensorflow", *command.split()])
    cases = [(variable, value) for reader, variable, value in walk() if reader == command]
    assert cases
    for variable, value in cases:
        with monkeypatch.context() as wrong:
            wrong.setenv(variable, value)
            with pytest.raises(SystemExit) as ended:
                run()
        assert ended.value.code == 2, (variable, value)
        output = capsys.readouterr()
        assert output.out == ""
        (line,) = output.err.splitlines()
        assert line.startswith(f"{variable}: "), line
        assert ". Example: " in line
        assert line.endswith(DOCUMENTATION)
        assert "hunter2" not in line
        assert "ter2" not in line


@pytest.mark.parametrize("group", GROUPS)
def test_every_example_is_taken(group: type[BaseSettings], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, field in group.model_fields.items():
        monkeypatch.setenv(variable_of(group, name), example_of(field))
    assert set(group().model_dump()) == set(group.model_fields)


def test_every_fault_is_reported_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sensorflow", "serve"])
    monkeypatch.delenv("SENSORFLOW_DATABASE_URL")
    monkeypatch.setenv("SENSORFLOW_AUTH_ISSUER", "banana")
    monkeypatch.setenv("SENSORFLOW_API_PORT", "")  # not set
    with pytest.raises(SystemExit):
        run()
    names = [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert names == ["SENSORFLOW_DATABASE_URL", "SENSORFLOW_AUTH_ISSUER"]
