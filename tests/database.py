"""Which database the suite runs on: a given server, a container, or the embedded engine."""

import gc
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from docker.errors import DockerException
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.docker_client import DockerClient

from embedded.database import EmbeddedDatabase
from tests.containers.files import services

URL_VARIABLE = "SENSORFLOW_TEST_DATABASE_URL"


class Database(Protocol):
    """A TimescaleDB server for one run of the suite."""

    def __str__(self) -> str:
        """Which one it is and why, without any secret."""
        ...

    def running(self, data_dir: Path) -> AbstractContextManager[str]:
        """Its URL, while the block runs; what it starts may keep its data in `data_dir`."""
        ...


@dataclass(frozen=True)
class GivenServer:
    """One that runs already."""

    url: str

    def __str__(self) -> str:
        server = urlsplit(self.url)
        return f"{server.hostname}:{server.port or 5432}{server.path}, since {URL_VARIABLE} is set"

    @contextmanager
    def running(self, data_dir: Path) -> Iterator[str]:  # noqa: ARG002  # it keeps its own data
        yield self.url


@dataclass(frozen=True)
class ContainerServer:
    """One in a container of the image that production runs on."""

    image: str

    def __str__(self) -> str:
        return f"a container of {self.image}, since {URL_VARIABLE} is not set and Docker answers"

    @contextmanager
    def running(self, data_dir: Path) -> Iterator[str]:  # noqa: ARG002  # it goes with the container
        with self.container() as container:
            yield container.get_connection_url()

    def container(self) -> PostgresContainer:
        """The container, not started."""
        container = PostgresContainer(
            self.image,
            username="sensorflow",
            password="sensorflow",
            dbname="sensorflow",
            driver=None,
        )
        return container.with_env("TIMESCALEDB_TELEMETRY", "off")


@dataclass(frozen=True)
class EmbeddedEngine:
    """TimescaleDB in WebAssembly on Node, which needs nothing of this machine."""

    def __str__(self) -> str:
        return f"the embedded engine, since {URL_VARIABLE} is not set and Docker does not answer"

    @contextmanager
    def running(self, data_dir: Path) -> Iterator[str]:
        with EmbeddedDatabase.start(data_dir) as database:
            yield database.url


def choose_database(environment: Mapping[str, str], docker_answers: Callable[[], bool]) -> Database:
    """The first that is there: the given server, a container, the embedded engine."""
    if url := environment.get(URL_VARIABLE):
        return GivenServer(url)
    if docker_answers():
        return ContainerServer(services()["timescaledb"]["image"])
    return EmbeddedEngine()


def docker_answers() -> bool:
    """Whether a Docker daemon is there; a client without one does not count."""
    with warnings.catch_warnings():
        # A client that fails to connect leaves its socket open until it is collected.
        warnings.simplefilter("ignore", ResourceWarning)
        answers = _docker_connects()
        gc.collect()
    return answers


def _docker_connects() -> bool:
    try:
        DockerClient().client.close()
    except DockerException:
        return False
    return True
