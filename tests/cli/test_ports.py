"""A port that is taken: one line that names it and its setting, and nobody shares it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from cli.demo.stack import DemoNotReadyError, port_errors, wait_until_ready
from core.errors import SettingError
from core.listening import ListenAddress
from core.settings import EmbeddedSettings
from embedded.database import EmbeddedDatabase
from embedded.identity import IdentityProvider
from tests.cli.test_commands import sensorflow
from tests.support.ports import free_port

START_SECONDS = 30


@contextmanager
def taken_port(host: str = "127.0.0.1") -> Iterator[int]:
    """A port at which somebody listens who would share it, as Granian does."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, 0))
        listener.listen()
        yield listener.getsockname()[1]


def serve_settings(port: int, folder: Path) -> dict[str, str]:
    return {
        "SENSORFLOW_DATABASE_URL": "postgresql://somebody@127.0.0.1:1/nothing",
        "SENSORFLOW_AUTH_ISSUER": "http://127.0.0.1:1",
        "SENSORFLOW_AUTH_AUDIENCE": "sensorflow-api",
        "SENSORFLOW_STORAGE_URL": str(folder / "storage"),
        "SENSORFLOW_API_PORT": str(port),
    }


def expected_error(variable: str, port: int) -> str:
    return f"{variable}: port {port} of 127.0.0.1 is in use; stop the other process or choose"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104  # that is the case
def test_a_second_server_does_not_share_the_port(tmp_path: Path, host: str) -> None:
    with taken_port(host) as port:
        outcome = sensorflow("serve", **serve_settings(port, tmp_path))
    assert outcome.returncode == 2
    (line,) = outcome.stderr.splitlines()
    assert line.startswith(expected_error("SENSORFLOW_API_PORT", port))


def test_of_two_servers_that_start_at_once_one_is_refused(tmp_path: Path) -> None:
    port = free_port()
    with (
        subprocess.Popen(
            [sys.executable, "-m", "cli", "serve"],
            env=os.environ | serve_settings(port, tmp_path),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as one,
        subprocess.Popen(
            [sys.executable, "-m", "cli", "serve"],
            env=os.environ | serve_settings(port, tmp_path),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as other,
    ):
        try:
            refused, stays = first_to_end(one, other)
            assert refused.returncode == 2
            assert refused.stderr
            assert expected_error("SENSORFLOW_API_PORT", port) in refused.stderr.read()
            answer = httpx2.get(f"http://127.0.0.1:{port}/health/live", timeout=START_SECONDS)
            assert answer.status_code == 200
            assert stays.poll() is None
        finally:
            one.kill()
            other.kill()


Process = subprocess.Popen[str]


def first_to_end(one: Process, other: Process) -> tuple[Process, Process]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if one.poll() is not None:
            return one, other
        if other.poll() is not None:
            return other, one
        time.sleep(0.05)
    pytest.fail("both go on")


@pytest.mark.parametrize("name", ["API", "DATABASE", "IDP"])
def test_the_demo_starts_nothing_if_one_of_its_ports_is_taken(tmp_path: Path, name: str) -> None:
    ports = {f"SENSORFLOW_{other}_PORT": str(free_port()) for other in ("API", "DATABASE", "IDP")}
    with taken_port() as port:
        ports[f"SENSORFLOW_{name}_PORT"] = str(port)
        outcome = sensorflow("demo", SENSORFLOW_DATA_DIR=str(tmp_path / "data"), **ports)
    assert outcome.returncode == 2
    (line,) = outcome.stderr.splitlines()
    assert line.startswith(expected_error(f"SENSORFLOW_{name}_PORT", port))
    assert outcome.stdout == ""
    assert list((tmp_path / "data").iterdir()) == []


def test_a_port_that_is_taken_after_it_was_checked_is_reported_the_same_way(tmp_path: Path) -> None:
    with taken_port() as port:
        database = ListenAddress("127.0.0.1", port, EmbeddedSettings, "database_port")
        provider = ListenAddress("127.0.0.1", port, EmbeddedSettings, "idp_port")
        error_of_database = expected_error("SENSORFLOW_DATABASE_PORT", port)
        with pytest.raises(SettingError, match=error_of_database), port_errors(database):
            EmbeddedDatabase.start(tmp_path / "database", port=port)
        error_of_provider = expected_error("SENSORFLOW_IDP_PORT", port)
        with pytest.raises(SettingError, match=error_of_provider), port_errors(provider):
            IdentityProvider.serve(tmp_path, port=port)


def test_the_demo_does_not_wait_for_a_process_that_has_ended(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
        with taken_port() as port, pytest.raises(DemoNotReadyError, match=str(tmp_path)):
            wait_until_ready(f"http://127.0.0.1:{port}", tmp_path, [ended])
