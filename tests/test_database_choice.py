from pathlib import Path

import pytest
from docker.errors import DockerException
from testcontainers.core import container as testcontainers_container

from tests import database
from tests.containers.files import services
from tests.database import (
    URL_VARIABLE,
    ContainerServer,
    EmbeddedEngine,
    GivenServer,
    choose_database,
    docker_answers,
)

URL = "postgresql://someone:hidden@db.example.org:6543/tests"


def yes() -> bool:
    return True


def no() -> bool:
    return False


def never_asked() -> bool:
    raise AssertionError


def test_a_given_server_is_used_without_asking_docker() -> None:
    assert choose_database({URL_VARIABLE: URL}, never_asked) == GivenServer(URL)


def test_a_container_of_the_image_in_compose_yaml_is_used_where_docker_answers() -> None:
    image = services()["timescaledb"]["image"]
    assert choose_database({}, yes) == ContainerServer(image)


def test_the_embedded_engine_is_used_where_docker_does_not_answer() -> None:
    assert choose_database({}, no) == EmbeddedEngine()


def test_an_empty_variable_gives_no_server() -> None:
    assert choose_database({URL_VARIABLE: ""}, no) == EmbeddedEngine()


def test_other_variables_of_the_platform_give_no_server() -> None:
    assert choose_database({"SENSORFLOW_DATABASE_URL": URL}, no) == EmbeddedEngine()


def test_a_docker_client_without_a_daemon_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-daemon.sock")
    assert docker_answers() is False


def test_a_docker_daemon_that_tells_its_version_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "DockerClient", Daemon)
    assert docker_answers() is True


def test_a_docker_daemon_that_refuses_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise DockerException("permission denied")

    monkeypatch.setattr(database, "DockerClient", refuse)
    assert docker_answers() is False


def test_the_container_is_of_the_image_with_a_database_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(testcontainers_container, "DockerClient", Daemon)
    container = ContainerServer("timescale/timescaledb:9.9.9-pg17").container()
    container._configure()  # noqa: SLF001  # what start() does first

    assert container.image == "timescale/timescaledb:9.9.9-pg17"
    assert container.ports == {"5432": None}
    assert container.env == {
        "POSTGRES_USER": "sensorflow",
        "POSTGRES_PASSWORD": "sensorflow",
        "POSTGRES_DB": "sensorflow",
        "TIMESCALEDB_TELEMETRY": "off",
    }


def test_a_given_server_is_used_at_its_url(tmp_path: Path) -> None:
    with GivenServer(URL).running(tmp_path) as url:
        assert url == URL


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (GivenServer(URL), "db.example.org:6543/tests, since SENSORFLOW_TEST_DATABASE_URL is set"),
        (GivenServer("postgresql://localhost/tests"), "localhost:5432/tests, since"),
        (ContainerServer("timescale/timescaledb:9.9.9-pg17"), "timescaledb:9.9.9-pg17, since"),
        (EmbeddedEngine(), "since SENSORFLOW_TEST_DATABASE_URL is not set and Docker does not"),
    ],
)
def test_a_choice_says_which_and_why_without_the_password(
    chosen: database.Database, words: str
) -> None:
    assert words in str(chosen)
    assert "hidden" not in str(chosen)


class Daemon:
    """As much of testcontainers' client as these tests touch."""

    def __init__(self) -> None:
        self.client = self

    def close(self) -> None:
        """Nothing is open."""
