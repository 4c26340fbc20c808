"""Aggregates of a month: over HTTP against bare SQL, against raw rows, against fewer raw rows.

The results that are compared are not cached, since the readings are not in the ledger of changes;
the line on cached results comes last, after they are recorded there.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from pydantic import SecretStr

from api.aggregates.parsing import parse_query
from api.aggregates.query import Grouping
from api.aggregates.repository import AggregateRepository
from bench.answers import FROM_RAW, FROM_RAW_OF_ONE, HOURS, HOURS_OF_ONE, PATH, QueryTimer
from bench.bare_handler import BareHandler, running_bare_handler
from bench.influx_queries import hours_against_influx
from bench.load import get_request, load
from bench.measure import Bench, Result, least_in_turns, seconds
from bench.month import HALF, HALF_PREFIX, Month, month_equipment
from bench.table import empty, require_no_readings
from core.database import open_pool
from core.settings import DatabaseSettings
from core.time import utc_now

WINDOW_HOURS = {"24h": 24, "1m": 720}
BARE = "bare SQL, asyncpg"
TOTALS_BOUND_MILLISECONDS = 100
REQUESTS = 400
CONNECTIONS = 4
MEDIANS = 5
TURNS = 10

Figures = dict[str, float]


async def aggregates(bench: Bench) -> list[Result]:
    """Every figure, of a table that is filled for it and emptied afterwards."""
    await require_no_readings(bench.pool)
    month, timer = Month.of_rows(bench.plan.import_rows), QueryTimer(bench)
    try:
        await month.fill(bench.pool, tenth=True)
        fewer = await _figures(timer)
        await month.fill(bench.pool, tenth=False)
        more = await _figures(timer)
        return [
            *await _against_sql(bench, timer),
            *await _ids_against_prefix(bench, timer),
            *(
                Result(f"{name}, ten times the raw rows", "ms", more[name], fewer[name], "a tenth")
                for name in more
            ),
            *await _against_raw(timer),
            await _totals(bench),
            *await hours_against_influx(bench, timer, month),
            *await _not_modified_and_cached(bench, timer, month),
        ]
    finally:
        await empty(bench.pool)


async def _figures(timer: QueryTimer) -> Figures:
    """Milliseconds of the responses that must not depend on the number of raw rows.

    The least of some medians: minutes of loading lie between what is compared, and other load on
    the machine only adds to one of them.
    """
    measurements: dict[str, Callable[[], Awaitable[float]]] = {
        "one equipment, 1m": partial(timer.http, 40, one=True, interval="1m"),
        "all equipment, 24h": partial(timer.http, 5, interval="24h"),
        "all together, 1m": partial(timer.http, 5, interval="1m", groupBy="all"),
    }
    return {
        name: min([await measure() for _ in range(MEDIANS)])
        for name, measure in measurements.items()
    }


async def _against_sql(bench: Bench, timer: QueryTimer) -> list[Result]:
    turns = TURNS * bench.plan.runs
    with running_bare_handler(bench.stack.database_url) as handler:
        results = [await _one_against_sql(turns, timer, handler, window) for window in WINDOW_HOURS]
    ours, bare = await least_in_turns(
        turns,
        partial(timer.http, 3, interval="24h"),
        partial(timer.sql, 3, HOURS, WINDOW_HOURS["24h"]),
    )
    return [*results, Result("all equipment, 24h", "ms", ours, bare, BARE)]


async def _one_against_sql(
    turns: int, timer: QueryTimer, handler: BareHandler, window: str
) -> Result:
    hours = WINDOW_HOURS[window]
    ours, least, bare = await least_in_turns(
        turns,
        partial(timer.http, 20, one=True, interval=window),
        partial(handler.http, 20, hours),
        partial(timer.sql, 20, HOURS_OF_ONE, hours, one=True),
    )
    above = {"above_milliseconds": ours - bare, "bare_handler_above_milliseconds": least - bare}
    return Result(f"one equipment, {window}", "ms", ours, bare, BARE, above)


async def _ids_against_prefix(bench: Bench, timer: QueryTimer) -> list[Result]:
    """Half of the equipment, each id named, against the prefix that finds the same."""
    ids, prefix = [*map(month_equipment, range(HALF))], [f"{HALF_PREFIX}*"]
    results = []
    for name, grouping in ("", Grouping.EQUIPMENT), (", together", Grouping.ALL):
        by_ids, by_prefix = await least_in_turns(
            TURNS * bench.plan.runs,
            partial(timer.http, 3, named=ids, interval="24h", groupBy=grouping),
            partial(timer.http, 3, named=prefix, interval="24h", groupBy=grouping),
        )
        result = Result(f"{HALF} named ids, 24h{name}", "ms", by_ids, by_prefix, "one prefix")
        results.append(result)
    return results


async def _against_raw(timer: QueryTimer) -> list[Result]:
    """The time it takes from raw rows, against ours."""
    together = await timer.http(5, interval="1m", groupBy="all")
    by_day = await timer.http(5, interval="1m", groupBy="all", resolution="1d")
    days_from_raw = await timer.sql(1, FROM_RAW.replace("1 hour", "1 day"), WINDOW_HOURS["1m"])
    from_raw = await timer.sql(1, FROM_RAW, WINDOW_HOURS["1m"])
    of_one = await timer.http(50, one=True, interval="1m")
    of_one_from_raw = await timer.sql(50, FROM_RAW_OF_ONE, WINDOW_HOURS["1m"], one=True)
    ours = "our answer over HTTP"
    return [
        Result("all together, 1m, from raw rows", "ms", from_raw, together, ours),
        Result("all together, 1m by day, from raw rows", "ms", days_from_raw, by_day, ours),
        Result("one equipment, 1m, from raw rows", "ms", of_one_from_raw, of_one, ours),
    ]


async def _totals(bench: Bench) -> Result:
    """The SQL for the totals on every page, in a session like the server's."""
    query = parse_query([("interval", "1m")], utc_now())
    settings = DatabaseSettings(url=SecretStr(bench.stack.database_url))
    async with (
        await open_pool(settings) as pool,
        AggregateRepository(pool).snapshot() as snapshot,
    ):
        milliseconds = sorted([await seconds(snapshot.totals(query)) for _ in range(5)])[2] * 1000
    bound = TOTALS_BOUND_MILLISECONDS
    return Result("totals of all equipment, 1m", "ms of SQL", milliseconds, bound, "the bound")


async def _not_modified_and_cached(bench: Bench, timer: QueryTimer, month: Month) -> list[Result]:
    path = f"{PATH}?interval=48h&equipmentId=EQ-00*"
    response = await bench.http.get(path)
    tag = response.raise_for_status().headers["etag"]
    not_modified, complete = [
        (await load(bench.stack.api_url, [request] * REQUESTS, CONNECTIONS)).rate
        for request in (get_request(path, bench.token, tag), get_request(path, bench.token))
    ]
    executed = await timer.http(10, interval="24h")
    await month.record_changes(bench.pool)
    await timer.http(1, interval="24h")
    cached = await timer.http(10, interval="24h")
    return [
        Result("304 answers, 100 ids, 48h", "requests/s", not_modified, complete, "whole ones"),
        Result("all equipment, 24h, cached", "ms", cached, executed, "executed"),
    ]
