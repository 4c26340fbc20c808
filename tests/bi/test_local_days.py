"""Days of a time zone by SQL are those of the API, also where clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from core.database import Pool
from tests.api.stored import insert

DAY = timedelta(days=1)
# A day with a change and its zone: what the clock does.
CHANGES = [
    ("America/Sao_Paulo", date(2018, 11, 4)),  # skips midnight
    ("America/Sao_Paulo", date(2018, 2, 17)),  # shows the last hour of the day twice
    ("America/St_Johns", date(2010, 11, 7)),  # goes back to the day before at 00:01
    ("Atlantic/Azores", date(2026, 10, 25)),  # shows two midnights
    ("Europe/Lisbon", date(2026, 3, 29)),
    ("Europe/Lisbon", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # by half an hour
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Apia", date(2011, 12, 30)),  # is left out
    ("Asia/Kolkata", date(2026, 6, 1)),  # never changes, off the whole hour
    ("UTC", date(2026, 6, 1)),
]


def start_of(day: date, zone: str) -> datetime:
    """As the API has it."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(("zone", "day"), CHANGES)
async def test_days_around_a_change_of_the_clock(pool: Pool, zone: str, day: date) -> None:
    days = [day + number * DAY for number in range(-2, 3)]
    starts = {each: (start_of(each, zone), start_of(each + DAY, zone)) for each in days}
    first = starts[days[0]][0] - DAY
    moments = [first + number * timedelta(minutes=30) for number in range(7 * 48)]
    await insert(pool, *(("a", moment, float(n)) for n, moment in enumerate(moments)))
    expected = {
        each: [float(n) for n, moment in enumerate(moments) if start <= moment < end]
        for each, (start, end) in starts.items()
        if start < end
    }

    rows = await pool.fetch(
        "SELECT * FROM bi.readings_by_local_day($1, $2, $3) ORDER BY day",
        zone,
        days[0],
        days[-1] + DAY,
    )
    assert {row["day"]: row["total_value"] for row in rows} == {
        each: sum(values) for each, values in expected.items()
    }
    assert {row["day"]: (row["start_time"], row["end_time"]) for row in rows} == {
        each: starts[each] for each in expected
    }
    for row in rows:
        values = expected[row["day"]]
        assert (row["sample_count"], row["average"]) == (len(values), sum(values) / len(values))
        assert (row["minimum"], row["maximum"]) == (values[0], values[-1])
        assert (row["first"], row["last"]) == (values[0], values[-1])

    counted = await pool.fetch(
        "SELECT bi.local_day(time, $1) AS day, count(*) AS readings FROM bi.readings "
        "WHERE time >= $2 AND time < $3 GROUP BY 1",
        zone,
        starts[days[0]][0],
        starts[days[-1]][1],
    )
    assert {row["day"]: row["readings"] for row in counted} == {
        each: len(values) for each, values in expected.items()
    }


@pytest.mark.parametrize("zone", ["Mars/Olympus", ""])
async def test_a_zone_that_does_not_exist_is_refused_by_name(pool: Pool, zone: str) -> None:
    with pytest.raises(asyncpg.InvalidParameterValueError, match=f'time zone "{zone}"'):
        await pool.fetch(
            "SELECT * FROM bi.readings_by_local_day($1, '2026-01-01', '2026-01-03')", zone
        )


async def test_days_that_end_before_they_begin_are_none(pool: Pool) -> None:
    await insert(pool, ("a", datetime(2026, 1, 2, tzinfo=UTC), 1.0))
    rows = await pool.fetch(
        "SELECT * FROM bi.readings_by_local_day('UTC', '2026-01-03', '2026-01-01')"
    )
    assert rows == []
