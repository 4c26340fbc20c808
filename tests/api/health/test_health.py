import math
from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest

from core.database import Pool
from core.queries import queries
from tests.api.stored import roll_until


async def test_the_root_responds_with_ok(anonymous: httpx2.AsyncClient) -> None:
    response = await anonymous.get("/")
    assert (response.status_code, response.text) == (200, "ok")
    assert response.headers["content-type"].startswith("text/plain")


async def test_liveness_is_json(anonymous: httpx2.AsyncClient) -> None:
    assert (await anonymous.get("/health/live")).json() == {"status": "alive"}


@pytest.mark.parametrize(("seconds", "worker"), [(0, "ok"), (20, "ok"), (40, "absent")])
async def test_readiness_reports_whether_a_worker_sent_a_heartbeat_recently(
    client: httpx2.AsyncClient, pool: Pool, seconds: int, worker: str
) -> None:
    await pool.execute(
        "INSERT INTO workers (id, seen_at) VALUES ($1, now() - make_interval(secs => $2))",
        uuid4(),
        seconds,
    )
    response = await client.get("/health/ready")
    assert response.status_code == 200
    assert response.json()["checks"] == {"database": "ok", "migrations": "ok", "worker": worker}


async def test_a_heartbeat_registers_the_worker_and_deletes_those_of_long_ago(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await pool.execute(
        "INSERT INTO workers (id, seen_at) VALUES ($1, now() - INTERVAL '2 days')", uuid4()
    )
    worker = uuid4()
    for _ in range(2):
        await queries().record_worker_heartbeat(pool, id=worker)
    assert [row["id"] for row in await pool.fetch("SELECT id FROM workers")] == [worker]
    assert (await client.get("/health/ready")).json()["checks"]["worker"] == "ok"


@pytest.mark.parametrize(("revision", "migrations"), [("0001", "behind"), ("9999", "ok")])
async def test_a_schema_that_is_behind_is_not_ready_and_one_ahead_is(
    client: httpx2.AsyncClient, pool: Pool, revision: str, migrations: str
) -> None:
    current = await queries().schema_revision(pool)
    await pool.execute("UPDATE alembic_version SET version_num = $1", revision)
    try:
        response = await client.get("/health/ready")
    finally:
        await pool.execute("UPDATE alembic_version SET version_num = $1", current)
    assert response.json()["checks"]["migrations"] == migrations
    assert response.status_code == (200 if migrations == "ok" else 503)


async def test_the_metrics_report_how_long_late_rows_wait_for_the_rollups(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    assert await rollup_lag(client) == 0
    await pool.execute(
        "INSERT INTO rollup_dirty_ranges (range_start, range_end, created_at) "
        "VALUES (now(), now() + '1 hour', now() - INTERVAL '1 hour'), "
        "(now(), now() + '1 hour', now())"
    )
    assert 3600 <= await rollup_lag(client) < 3700


async def test_the_metrics_report_how_far_what_no_rollup_holds_is_added_up(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    assert math.isnan(await metric(client, "sensorflow_partial_hours_lag_seconds"))
    assert await metric(client, "sensorflow_pending_readings") == 0
    for behind, lag in ((20, 0), (90, 90)):
        await roll_until(pool, timedelta(seconds=behind))
        assert lag <= await rollup_lag(client) <= lag + 10
        rolled = await metric(client, "sensorflow_partial_hours_lag_seconds")
        assert behind <= rolled < behind + 10
    await pool.execute("INSERT INTO pending_readings VALUES ('a', now(), 1), ('b', now(), NULL)")
    assert await metric(client, "sensorflow_pending_readings") == 2


async def rollup_lag(client: httpx2.AsyncClient) -> float:
    return await metric(client, "sensorflow_rollup_lag_seconds")


async def metric(client: httpx2.AsyncClient, name: str) -> float:
    lines = (await client.get("/metrics")).text.splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name} "))
    return float(line.split(" ")[1])
