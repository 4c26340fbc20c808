"""What GET /metrics says of the queue, the imports and the connections, and to whom."""

import asyncio
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import SecretStr

from api.health.metrics import DatabaseConnections
from core.database import Pool, borrowed, control_engine, open_pool
from core.queue import enqueue_import
from core.settings import ApiSettings, DatabaseSettings
from tests.api.imports.test_imports import new_import
from tests.api.serving import server_settings, serving
from tests.support.stub_provider import StubProvider

TOKEN = "a metrics token of the tests, long enough"
FINISHED = """
UPDATE imports SET
    state = $2, error_code = nullif($2, 'done'), error_message = nullif($2, 'done'),
    started_at = now() - make_interval(secs => $3), finished_at = now(),
    repair_at = CASE WHEN $4 THEN now() END
WHERE id = $1
"""


async def finished_import(
    pool: Pool, state: str, seconds: float, *, resubmitted: bool = False
) -> UUID:
    import_id = await new_import(pool)
    await pool.execute(FINISHED, import_id, state, seconds, resubmitted)
    return import_id


async def test_the_metrics_count_jobs_imports_and_durations(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await finished_import(pool, "done", 3)
    await finished_import(pool, "done", 100)
    await finished_import(pool, "failed", 20_000)
    await finished_import(pool, "done", 200_000, resubmitted=True)  # the pause is no duration
    async with pool.acquire() as connection:
        await enqueue_import(connection, await new_import(pool))
    lines = (await client.get("/metrics")).text.splitlines()
    assert 'sensorflow_queue_jobs{status="queued"} 1.0' in lines
    assert 'sensorflow_queue_jobs{status="picked"} 0.0' in lines
    assert 'sensorflow_imports{state="queued"} 1.0' in lines
    assert 'sensorflow_imports{state="done"} 3.0' in lines
    assert 'sensorflow_imports{state="cancelled"} 0.0' in lines
    name = "sensorflow_import_duration_seconds"
    assert f'{name}_bucket{{le="1.0",state="done"}} 0.0' in lines
    assert f'{name}_bucket{{le="5.0",state="done"}} 1.0' in lines
    assert f'{name}_bucket{{le="300.0",state="done"}} 2.0' in lines
    assert f'{name}_count{{state="done"}} 2.0' in lines
    assert f'{name}_bucket{{le="14400.0",state="failed"}} 0.0' in lines
    assert f'{name}_bucket{{le="+Inf",state="failed"}} 1.0' in lines
    assert f'{name}_sum{{state="failed"}} 20000.0' in lines


async def test_the_metrics_say_how_many_connections_are_used_and_wanted(migrated_url: str) -> None:
    settings = DatabaseSettings(url=SecretStr(migrated_url), pool_size=2)
    registry, engine = CollectorRegistry(), control_engine(migrated_url)
    async with await open_pool(settings) as pool:
        DatabaseConnections(registry, pool, engine)
        async with borrowed(pool), engine.connect():
            assert lines_with("readings", registry) == [
                'sensorflow_database_connections{pool="readings",state="idle"} 0.0',
                'sensorflow_database_connections{pool="readings",state="used"} 1.0',
                'sensorflow_database_connections_max{pool="readings"} 2.0',
                'sensorflow_database_connections_waiting{pool="readings"} 0.0',
            ]
            assert 'sensorflow_database_connections{pool="control",state="used"} 1.0' in (
                lines_with("control", registry)
            )
            async with borrowed(pool):
                waiting = asyncio.create_task(borrow(pool))
                await asyncio.sleep(0.05)
                expected = 'sensorflow_database_connections_waiting{pool="readings"} 1.0'
                assert expected in lines_with("readings", registry)
            await waiting
        assert 'sensorflow_database_connections_waiting{pool="readings"} 0.0' in (
            lines_with("readings", registry)
        )
    await engine.dispose()


async def borrow(pool: Pool) -> None:
    async with borrowed(pool):
        pass


def lines_with(pool: str, registry: CollectorRegistry) -> list[str]:
    return [
        line for line in generate_latest(registry).decode().splitlines() if f'pool="{pool}"' in line
    ]


async def test_the_metrics_token_opens_the_metrics_and_nothing_else(
    migrated_url: str, stub_provider: StubProvider, tmp_path: Path, pool: Pool
) -> None:
    del pool
    api = ApiSettings(metrics_token=SecretStr(TOKEN))
    settings = server_settings(migrated_url, stub_provider.issuer, tmp_path, api)
    async with serving(settings) as url, httpx2.AsyncClient(base_url=url) as client:

        async def status(path: str, token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return (await client.get(path, headers=headers)).status_code

        assert await status("/metrics", "") == 401
        assert await status("/metrics", TOKEN[:-1]) == 401
        assert await status("/metrics", TOKEN) == 200
        assert await status("/metrics", stub_provider.token()) == 200
        for path in ("/imports", "/auth/me", "/docs", "/sensor-data/aggregated?interval=24h"):
            assert await status(path, TOKEN) == 401


@pytest.mark.parametrize("token", [TOKEN, "undefined", "None"])
async def test_without_the_setting_no_such_token_is_accepted(
    anonymous: httpx2.AsyncClient, token: str
) -> None:
    response = await anonymous.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401
