"""GET /system: its figures are the database's, and a part that fails takes no other with it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from api.system import repository
from api.system.repository import ingest_until
from api.system.schemas import IngestMinute
from core.database import REVISION, Connection, Pool, shares_one_session
from core.queries import queries
from core.queue import enqueue_import
from tests.api.imports.test_imports import new_import, set_state
from tests.api.stored import HOUR, enter, insert, roll_until, this_hour

MINUTE = timedelta(minutes=1)


async def system(client: httpx2.AsyncClient) -> dict[str, Any]:
    response = await client.get("/system")
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_readings_are_counted_by_whichever_way_they_come(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    hour = this_hour().isoformat()
    assert (await system(client))["ingest"] == {
        **dict.fromkeys(("lastMinute", "lastHour", "lastDay"), 0),
        "minutes": [],
    }
    reading = {"equipmentId": "a", "timestamp": hour, "value": 1}
    for value in (1, 1, 2):  # stored, unchanged, replaced
        await client.post("/sensor-data", json=reading | {"value": value})
    batch = [reading | {"equipmentId": f"b{number}"} for number in range(5)]
    await client.post("/sensor-data/batch", json=batch)  # all new
    await client.post("/sensor-data/batch", json=[*batch, reading])  # one replaced
    await client.post("/api/v2/write", content=b"m f=1,g=2")
    for _ in range(2):  # before the worker has added them up, and after
        ingest = (await system(client))["ingest"]
        assert (ingest["lastHour"], ingest["lastDay"]) == (10, 10)
        assert sum(minute["readings"] for minute in ingest["minutes"]) == 10
        await queries().compact_changes(pool)
    assert await pool.fetchval("SELECT count(*) FROM data_changes") == 0


async def test_minutes_of_long_ago_are_forgotten(client: httpx2.AsyncClient, pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO ingest_minutes (minute, readings) "
        "SELECT date_trunc('minute', now()) - make_interval(hours => hours), 1 "
        "FROM unnest('{2,23,24,30}'::int[]) AS hours"
    )
    await queries().compact_changes(pool)
    assert await pool.fetchval("SELECT count(*) FROM ingest_minutes") == 3
    ingest = (await system(client))["ingest"]
    assert (ingest["lastHour"], ingest["lastDay"]) == (0, 2)


def test_the_last_minute_is_the_last_full_one_and_the_last_hour_has_sixty() -> None:
    now = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
    ages = (0, 1, 2, 59, 60, 61)
    minutes = [IngestMinute(now.replace(second=0) - age * MINUTE, 2**age) for age in ages]
    ingest = ingest_until(now, minutes)
    assert (ingest.last_minute, ingest.last_hour) == (2, 1 + 2 + 4 + 2**59)
    assert ingest.last_day == sum(2**age for age in ages)


async def test_imports_are_counted_by_state_and_jobs_since_they_are_due(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    for state in ("queued", "queued", "loading", "aggregating", "awaiting_upload", "done"):
        await pool.execute(
            "UPDATE imports SET state = $2 WHERE id = $1", await new_import(pool), state
        )
    async with pool.acquire() as connection:
        await enqueue_import(connection, await new_import(pool))
        await enqueue_import(connection, await new_import(pool), delay=HOUR)
    queue = (await system(client))["queue"]
    due_since = datetime.fromisoformat(queue.pop("dueSince"))
    assert due_since == await pool.fetchval("SELECT min(created) FROM queue.pgqueuer")
    assert queue == {
        "awaitingUpload": 1,
        "queued": 4,
        "loading": 1,
        "aggregating": 1,
        "queuedJobs": 2,
        "pickedJobs": 0,
    }


async def test_stale_ranges_are_merged_and_the_oldest_comes_first(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for first, last, age in ((0, 2, 10), (5, 6, 60), (1, 3, 20), (3, 4, 0), (5, 6, 5)):
        await enter(pool, start + first * HOUR, start + last * HOUR)
        await pool.execute(
            "UPDATE rollup_dirty_ranges SET created_at = now() - make_interval(mins => $1) "
            "WHERE id = (SELECT max(id) FROM rollup_dirty_ranges)",
            age,
        )
    stale = (await system(client))["staleRanges"]
    assert stale["total"] == 2
    found = [
        (datetime.fromisoformat(item["from"]), datetime.fromisoformat(item["to"]))
        for item in stale["items"]
    ]
    assert found == [(start + 5 * HOUR, start + 6 * HOUR), (start, start + 4 * HOUR)]
    oldest = datetime.fromisoformat(stale["items"][1]["staleSince"])
    assert timedelta(minutes=20) <= datetime.now(UTC) - oldest < timedelta(minutes=25)


async def test_more_stale_ranges_than_are_listed_are_counted(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    for number in range(repository.MAX_ITEMS + 5):
        day = datetime(2026, 1, 1, tzinfo=UTC) + number * timedelta(days=1)
        await enter(pool, day, day + HOUR)
    stale = (await system(client))["staleRanges"]
    assert (stale["total"], len(stale["items"])) == (repository.MAX_ITEMS + 5, repository.MAX_ITEMS)


async def test_who_refreshes_the_rollups_is_said(client: httpx2.AsyncClient, pool: Pool) -> None:
    assert (await system(client))["rollups"]["lease"] is None
    holder = uuid4()
    await queries().take_refresh_lease(pool, holder=holder, lease_seconds=30, backend_pids=[0])
    lease = (await system(client))["rollups"]["lease"]
    assert (lease["holder"], lease["address"]) == (str(holder), None)


async def test_rollups_have_a_watermark_and_a_limit(client: httpx2.AsyncClient, pool: Pool) -> None:
    await insert(pool, ("a", this_hour() - 5 * HOUR, 1))
    rollups = (await system(client))["rollups"]["items"]
    assert [rollup["name"] for rollup in rollups] == ["readings_1h", "readings_1d"]
    for rollup in rollups:
        limit = datetime.fromisoformat(rollup["refreshLimit"])
        assert limit <= datetime.now(UTC) - timedelta(minutes=30)


async def test_it_is_said_how_far_what_no_rollup_holds_is_added_up(
    client: httpx2.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "MAX_PENDING_READINGS", 2)
    nothing = {"end": None, "pendingReadings": 0}
    assert (await system(client))["rollups"]["partialHours"] == nothing
    await roll_until(pool, 20 * MINUTE)
    # The one without an equipment stands for changes of which nobody knows the readings.
    await pool.execute("INSERT INTO pending_readings VALUES ('', now(), NULL), ('a', now(), 1)")
    for pending in (1, 2, 2):
        partial = (await system(client))["rollups"]["partialHours"]
        assert partial["pendingReadings"] == pending
        await pool.execute("INSERT INTO pending_readings VALUES ('b', now(), NULL)")
    end = await pool.fetchval("SELECT end_ts FROM partial_hours_range")
    assert datetime.fromisoformat(partial["end"]) == end


async def test_policies_and_the_server_are_described(client: httpx2.AsyncClient) -> None:
    answer = await system(client)
    assert {(policy["procedure"], policy["target"]) for policy in answer["policies"]} == {
        ("policy_refresh_continuous_aggregate", "readings_1h"),
        ("policy_refresh_continuous_aggregate", "readings_1d"),
        ("policy_compression", "readings"),
    }
    assert {policy["everySeconds"] for policy in answer["policies"]} == {600, 3600, 43_200}
    database = answer["database"]
    assert (database["revision"], database["expectedRevision"]) == (REVISION, REVISION)
    assert (database["license"], int(database["postgresql"][:2]) >= 15) == ("timescale", True)
    assert database["maxSessions"] > 0


async def test_the_chunks_are_counted(client: httpx2.AsyncClient, pool: Pool) -> None:
    empty = (await system(client))["storage"]
    await insert(pool, *(("a", this_hour() - weeks * timedelta(days=7), 1) for weeks in range(3)))
    storage = (await system(client))["storage"]
    assert (storage["chunks"] - empty["chunks"], storage["columnstoreChunks"]) == (3, 0)
    assert 0 < storage["readingsBytes"] < storage["databaseBytes"]
    assert datetime.fromisoformat(storage["firstStart"]) <= this_hour() - timedelta(days=14)


async def test_of_failed_imports_the_latest_come_first(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    imports = [await new_import(pool) for _ in range(3)]
    for import_id, days in zip(imports, (8, 3, 0), strict=True):
        await set_state(pool, import_id, "failed", "not_text")
        await pool.execute(
            "UPDATE imports SET finished_at = now() - make_interval(days => $2) WHERE id = $1",
            import_id,
            days,
        )
    failed = (await system(client))["failedImports"]
    assert failed["lastDay"] == 1
    assert [item["importId"] for item in failed["items"]] == [str(imports[2]), str(imports[1])]
    assert failed["items"][0]["code"] == "not_text"


async def test_a_part_that_may_not_be_read_leaves_the_others(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await pool.execute("REVOKE SELECT ON ingest_minutes FROM sensorflow_app")
    try:
        answer = await system(client)
    finally:
        await pool.execute("GRANT SELECT ON ingest_minutes TO sensorflow_app")
    assert [name for name, part in answer.items() if part is None] == ["ingest"]
    assert {"part": "ingest"} in [finding["values"] for finding in answer["findings"]]


async def test_a_part_that_takes_too_long_leaves_the_others(
    client: httpx2.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "STATEMENT_MILLISECONDS", "500")
    async with pool.acquire() as connection:
        if await shares_one_session(connection):
            pytest.skip("the engine has one session, in which a transaction holds up everybody")
        async with connection.transaction():
            await connection.execute("LOCK TABLE workers")
            answer = await system(client)
    assert [name for name, part in answer.items() if part is None] == ["workers"]
    assert "worker_absent" not in [finding["code"] for finding in answer["findings"]]


async def explained(connection: Connection, name: str, *parameters: object) -> str:
    rows = await connection.fetch(f"EXPLAIN {getattr(queries(), name).sql}", *parameters)
    return "\n".join(row[0] for row in rows)


async def test_no_statement_reads_all_imports_or_all_readings(pool: Pool) -> None:
    weeks = [this_hour() - number * timedelta(days=7) for number in range(5)]
    await insert(pool, *(("a", week, 1) for week in weeks))
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        assert "imports_unfinished" in await explained(connection, "queue_state")
        assert "imports_failed" in await explained(connection, "failed_imports", 1)
        plan = await explained(connection, "has_readings_between", weeks[1], weeks[0])
    assert "Seq Scan" not in plan
    assert plan.count("_hyper_") <= 4, plan  # of each chunk in the range, itself and its index


async def test_the_application_may_not_forget_what_it_stores(migrated_url: str) -> None:
    connection = await asyncpg.connect(migrated_url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("TRUNCATE ingest_minutes")
    finally:
        await connection.close()
