import httpx2

from core.database import Pool
from tests.api.http.test_problem_details import assert_problem
from tests.api.stored import HOUR, insert, refresh, this_hour

PATH = "/rollups/audit"


async def test_an_audit_counts_wrong_buckets_and_responses_report_them_as_stale(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    hour = this_hour() - 5 * HOUR
    await insert(pool, ("a", hour, 1))
    await refresh(pool, hour - 24 * HOUR, hour + 2 * HOUR)
    parameters = {"from": hour.isoformat(), "to": (hour + HOUR).isoformat()}
    right = (await client.post(PATH, params=parameters)).json()
    assert (right["days"], right["wrongBuckets"]) == (1, 0)
    await pool.execute("UPDATE readings SET value = 2")
    wrong = (await client.post(PATH, params=parameters)).json()
    assert wrong["wrongBuckets"] >= 1
    aggregates = (
        await client.get("/sensor-data/aggregated", params=parameters | {"resolution": "1h"})
    ).json()
    assert aggregates["staleRanges"] != []
    metrics = (await client.get("/metrics")).text
    assert f"sensorflow_audit_wrong_buckets {wrong['wrongBuckets']}.0" in metrics
    assert "sensorflow_audit_days 2.0" in metrics


async def test_a_long_range_is_audited_in_parts(client: httpx2.AsyncClient) -> None:
    parameters = {"from": "2026-01-01T00:00:00Z", "to": "2026-02-02T00:00:00Z"}
    assert_problem(await client.post(PATH, params=parameters), 400, "range_too_long")
    assert_problem(
        await client.post(PATH, params={"from": parameters["from"]}), 400, "missing_value"
    )
