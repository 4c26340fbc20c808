"""What BI tools read, over so many readings as --rows says: windows, a month, equipment."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from pydantic import SecretStr

from api.aggregates.parsing import parse_query
from api.aggregates.query import WINDOWS
from api.aggregates.repository import AggregateRepository
from api.aggregates.route import choose_page_route
from bench.equipment import EQUIPMENT, fill
from bench.measure import Bench, Result, least_in_turns, seconds
from bench.month import Month
from bench.table import empty, require_no_readings
from core.database import Pool, open_pool
from core.settings import DatabaseSettings
from core.time import utc_now

TURNS = 7
EQUIPMENT_BOUND_MILLISECONDS = 100
MONTH = "SELECT * FROM bi.readings_1h WHERE time >= $1 AND time < $2"
API = "the API's SQL"

Work = Callable[[], Awaitable[object]]


async def bi(bench: Bench) -> list[Result]:
    """The views against the SQL of the API, in sessions like the server's."""
    await require_no_readings(bench.pool)
    settings = DatabaseSettings(url=SecretStr(bench.stack.database_url))
    async with await open_pool(settings) as pool:
        try:
            month = Month.of_rows(bench.plan.import_rows)
            await month.fill(bench.pool, tenth=True)
            await month.fill(bench.pool, tenth=False)
            results = [await window(pool, interval) for interval in WINDOWS]
            results.append(await hours_of_a_month(pool))
            await empty(bench.pool)
            await fill(bench.pool, EQUIPMENT)
            return [*results, await equipment(pool)]
        finally:
            await empty(bench.pool)


async def window(pool: Pool, interval: str) -> Result:
    """A window by equipment against all that the API reads for the same interval."""
    view = partial(pool.fetch, f"SELECT * FROM bi.window_{interval}")  # noqa: S608  # ours
    return await _against(f"bi.window_{interval}", view, partial(_api, pool, interval))


async def hours_of_a_month(pool: Pool) -> Result:
    """All hours of 30 days by equipment."""
    end = utc_now().replace(minute=0, second=0, microsecond=0)
    view = partial(pool.fetch, MONTH, end - timedelta(hours=720), end)
    return await _against("a month of bi.readings_1h", view, partial(_api, pool, "1m"))


async def equipment(pool: Pool) -> Result:
    """The view of much equipment against its bound."""
    (taken,) = await least_in_turns(
        TURNS, lambda: seconds(pool.fetch("SELECT * FROM bi.equipment"))
    )
    name = f"bi.equipment, {EQUIPMENT:,} ids"
    return Result(name, "ms", taken * 1000, EQUIPMENT_BOUND_MILLISECONDS, "the bound")


async def _against(name: str, view: Work, api: Work) -> Result:
    ours, theirs = await least_in_turns(TURNS, lambda: seconds(view()), lambda: seconds(api()))
    return Result(name, "ms", ours * 1000, theirs * 1000, API)


async def _api(pool: Pool, interval: str) -> None:
    query = parse_query([("interval", interval)], utc_now())
    async with AggregateRepository(pool).snapshot() as snapshot:
        await snapshot.state(query)
        await snapshot.page(query, choose_page_route(query))
        await snapshot.totals(query)
