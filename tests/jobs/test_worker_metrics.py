"""The worker's own metrics: on an address of their own, if one is set."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from pgqueuer.domain.errors import RetryRequested
from prometheus_client import generate_latest

from core.database import Pool
from core.settings import StorageSettings
from core.storage import Storage
from jobs.metrics import WorkerMetrics
from tests.jobs.support import HEADER, add_import
from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 30


@asynccontextmanager
async def worker(
    database_url: str, storage: StorageSettings, address: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`sensorflow worker`, which serves its metrics there."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "worker"),
        cwd=ROOT,
        env=os.environ
        | {
            "SENSORFLOW_DATABASE_URL": database_url,
            "SENSORFLOW_STORAGE_URL": storage.url,
            "SENSORFLOW_WORKER_METRICS_ADDRESS": address,
        },
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_worker_serves_what_its_jobs_and_tasks_took(
    migrated_url: str, pool: Pool, storage_settings: StorageSettings
) -> None:
    port = free_port()
    await add_import(pool, Storage.open(storage_settings), f"{HEADER}a,2026-01-01T00:00:00Z,1\n")
    async with worker(migrated_url, storage_settings, f"127.0.0.1:{port}"):
        lines = await metrics_with("sensorflow_worker_job_duration_seconds_count", port)
    assert 'sensorflow_worker_job_duration_seconds_count{outcome="ended"} 1.0' in lines
    tasks = "sensorflow_worker_task_duration_seconds_count"
    assert any(line.startswith(f'{tasks}{{outcome="ended",task="refresh"}}') for line in lines)
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)


async def metrics_with(name: str, port: int) -> list[str]:
    """The lines of the metrics, once one of that name is among them."""
    async with asyncio.timeout(START_SECONDS), httpx2.AsyncClient() as http:
        while True:
            try:
                text = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
            except httpx2.TransportError:
                text = ""
            if f"\n{name}{{" in text:
                return text.splitlines()
            await asyncio.sleep(0.1)


async def test_an_address_in_use_is_one_line_that_names_the_setting(
    migrated_url: str, storage_settings: StorageSettings
) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, worker(migrated_url, storage_settings, f"127.0.0.1:{port}") as process:
        _, errors = await asyncio.wait_for(process.communicate(), START_SECONDS)
    assert process.returncode == 2
    (line,) = errors.decode().splitlines()
    assert line.startswith(f"SENSORFLOW_WORKER_METRICS_ADDRESS: port {port} of 127.0.0.1 is in use")


def outcomes(metrics: WorkerMetrics, name: str) -> list[str]:
    lines = generate_latest(metrics.registry).decode().splitlines()
    return [line for line in lines if line.startswith(f"sensorflow_worker_{name}_seconds_count")]


def test_outcomes_of_jobs_are_distinguished() -> None:
    metrics = WorkerMetrics()
    with metrics.job():
        pass
    with pytest.raises(RetryRequested), metrics.job():
        raise RetryRequested(reason="again")
    with pytest.raises(ZeroDivisionError), metrics.job():
        _ = 1 / 0
    name = "sensorflow_worker_job_duration_seconds_count"
    assert sorted(outcomes(metrics, "job_duration")) == [
        f'{name}{{outcome="{outcome}"}} 1.0' for outcome in ("ended", "failed", "retried")
    ]


async def test_a_task_that_fails_is_observed_as_such() -> None:
    metrics = WorkerMetrics()

    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await metrics.observed("refresh", fail)()
    name = "sensorflow_worker_task_duration_seconds_count"
    assert outcomes(metrics, "task_duration") == [f'{name}{{outcome="failed",task="refresh"}} 1.0']
