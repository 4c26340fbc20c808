"""The list of 10,000 equipment with its usual ranges, against the list without."""

from bench.measure import Bench, Result, medians_in_turns, seconds
from bench.month import REFRESH
from bench.table import empty, require_no_readings
from core.database import Pool

EQUIPMENT = 10_000
DAYS = 31
PAGE = 1_000

FILL = """
INSERT INTO readings (equipment_id, ts, value)
SELECT
    'sensor-' || lpad(id::text, 5, '0'),
    date_trunc('hour', now()) - number * '12 hours'::interval,
    20 + 5 * sin(number / 7.0) + id % 13 + number * 7919 % 100 / 100.0
FROM generate_series(0, $1::int - 1) AS id, generate_series(0, 2 * $2::int) AS number
"""


async def equipment(bench: Bench) -> list[Result]:
    """All pages of the list; each equipment has two readings on each of 31 days."""
    await require_no_readings(bench.pool)
    await fill(bench.pool, EQUIPMENT)
    measured, baseline = await medians_in_turns(
        bench.plan.runs,
        lambda: seconds(_all_pages(bench, {"include": "usualRange"})),
        lambda: seconds(_all_pages(bench, {})),
    )
    await empty(bench.pool)
    details = {"equipment": EQUIPMENT, "days": DAYS}
    return [Result("equipment", "s", measured, baseline, "without the usual range", details)]


async def fill(pool: Pool, number: int) -> None:
    """Store a month of so many pieces of equipment, in the rollups too."""
    await pool.execute(FILL, number, DAYS)
    for statement in REFRESH:
        await pool.execute(statement)


async def _all_pages(bench: Bench, parameters: dict[str, str]) -> None:
    cursor: str | None = ""
    while cursor is not None:
        page = {"cursor": cursor} if cursor else {}
        response = await bench.http.get("/equipment", params={**parameters, **page, "limit": PAGE})
        response.raise_for_status()
        cursor = response.json()["nextCursor"]
