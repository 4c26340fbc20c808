"""kill -9 of the worker, the API or the database at random times, from upload to done.

    SENSORFLOW_KILL_RUNS=60 pytest tests/kills

The database is a server of its own: of the binaries in SENSORFLOW_KILL_BINARIES, as
/usr/lib/postgresql/17/bin, which must know TimescaleDB, else the embedded engine.
"""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr

from core.database import open_pool
from core.settings import DatabaseSettings, StorageSettings
from core.storage import Storage
from migrations.runner import upgrade
from tests.conftest import empty_database
from tests.jobs.known_file import CONTENT, assert_as_undisturbed
from tests.kills.sender import Sender
from tests.kills.victims import Program, Victim, database_server
from tests.support.logins import create_login
from tests.support.ports import free_port
from tests.support.stub_provider import AUDIENCE, StubProvider

RUNS = int(os.environ.get("SENSORFLOW_KILL_RUNS", "3"))
BINARIES = os.environ.get("SENSORFLOW_KILL_BINARIES")
BATCH_LINES = 25
DEADLINE_SECONDS = 120


async def nothing() -> None:
    """Disturb nothing."""


@dataclass(frozen=True)
class Platform:
    """Everything that runs, and how long an undisturbed import takes from upload to done."""

    victims: dict[str, Victim]
    sender: Sender
    database: DatabaseSettings
    storage: Storage
    undisturbed_seconds: float = 0

    async def import_file(
        self, disturbance: Callable[[], Coroutine[None, None, None]] = nothing
    ) -> None:
        """Import the file into an empty database and compare all that is left of it."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            async with await open_pool(self.database) as pool:
                await empty_database(pool)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(disturbance())
                sending = tasks.create_task(self.sender.send(CONTENT.encode()))
            async with await open_pool(self.database) as pool:
                await assert_as_undisturbed(pool, self.storage, sending.result())

    async def kill(self, name: str, after_seconds: float) -> None:
        """Kill the victim after so long and start it again at once."""
        await asyncio.sleep(after_seconds)
        await asyncio.to_thread(self.victims[name].kill)
        await asyncio.to_thread(self.victims[name].start)


@pytest_asyncio.fixture(scope="module")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    folder = tmp_path_factory.mktemp("kills")
    with database_server(BINARIES) as server:
        await upgrade(server.url)
        async with StubProvider().serving() as provider:
            port = free_port()
            service_url = await create_login(server.url, "sensorflow_app")
            environment = settings_of(service_url, provider, folder, port)
            api = Program(("cli", "serve"), environment, folder / "api.log")
            worker = Program(
                ("tests.jobs.worker_process", str(BATCH_LINES)), environment, folder / "worker.log"
            )
            api.start()
            worker.start()
            headers = {"Authorization": f"Bearer {provider.token(exp=int(time.time()) + 86_400)}"}
            async with httpx2.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30
            ) as client:
                yield await measured(
                    Platform(
                        {"worker": worker, "api": api, "database": server},
                        Sender(client),
                        DatabaseSettings(url=SecretStr(server.url)),
                        Storage.open(StorageSettings(url=str(folder / "storage"))),
                    )
                )
            api.kill()
            worker.kill()


def settings_of(url: str, provider: StubProvider, folder: Path, port: int) -> dict[str, str]:
    return {
        "SENSORFLOW_DATABASE_URL": url,
        "SENSORFLOW_STORAGE_URL": str(folder / "storage"),
        "SENSORFLOW_API_PORT": str(port),
        "SENSORFLOW_API_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "SENSORFLOW_API_UPLOAD_SECRET": "a secret that outlives every restart",
        "SENSORFLOW_AUTH_ISSUER": provider.issuer,
        "SENSORFLOW_AUTH_AUDIENCE": AUDIENCE,
        "SENSORFLOW_WORKER_LEASE_SECONDS": "1",
        "SENSORFLOW_WORKER_REFRESH_INTERVAL_SECONDS": "60",
    }


async def measured(platform: Platform) -> Platform:
    """Knowing how long the second undisturbed import took; the first warms everything up."""
    for _ in range(2):
        start = time.monotonic()
        await platform.import_file()
    return replace(platform, undisturbed_seconds=time.monotonic() - start)


@pytest.mark.parametrize("run", range(RUNS))
async def test_whatever_is_killed_and_whenever_the_import_ends_as_if_undisturbed(
    platform: Platform, run: int
) -> None:
    name = list(platform.victims)[run % len(platform.victims)]
    after_seconds = random.uniform(0, platform.undisturbed_seconds)  # noqa: S311  # no secret
    await platform.import_file(partial(platform.kill, name, after_seconds))
