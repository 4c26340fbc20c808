"""The computations of the benchmarks, whose errors nobody would notice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import soak, sustained
from bench.acknowledged import Span, as_csv, readings_of
from bench.load import Load, get_request
from bench.measure import Result, least_in_turns, medians_in_turns
from bench.month import HALF, HALF_PREFIX, Month, month_equipment
from bench.users import aggregated
from core.database import Pool

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_growth_is_the_last_quarter_over_the_second_and_leaves_the_first_out() -> None:
    minutes = [{"post p50 ms": value} for value in (90.0, 90, 10, 10, 20, 20, 30, 30)]
    (result,) = soak.growth(minutes)
    assert (result.measured, result.baseline, result.ratio) == (30, 10, 3)
    assert result.unit == "ms"
    assert result.series["each minute"] == [90, 90, 10, 10, 20, 20, 30, 30]


def test_what_is_sustained_is_the_last_minute_over_the_second_and_p99_over_p50() -> None:
    minutes = [
        sustained.figures_of(
            {
                sustained.QUERY: [first, first + 1, 900],
                sustained.BI_VIEW: [1],
                sustained.CONTROL: [1],
                "single reading": [number * first for number in range(1, 100)],
            }
        )
        for first in (1.0, 2, 3)
    ]
    query, *_, singles = sustained.growth(minutes)
    assert (query.measured, query.baseline) == (4, 3)
    assert (singles.measured, singles.baseline) == (198, 100)


def test_a_result_without_a_baseline_has_no_ratio() -> None:
    assert Result("errors", "errors", 0, 0, "none").as_json()["ratio"] is None


def test_a_load_computes_its_rate_and_percentiles_of_latency() -> None:
    load = Load(seconds=2.0, latencies=[number / 1000 for number in range(1, 100)])
    load.statuses[201] += 100
    assert load.rate == 50
    assert round(load.milliseconds(50)) == 50
    assert round(load.milliseconds(99)) == 99


async def test_medians_are_of_interleaved_runs() -> None:
    order: list[str] = []

    async def measured() -> float:
        order.append("measured")
        return float(len(order))

    async def baseline() -> float:
        order.append("baseline")
        return float(len(order) * 10)

    assert await medians_in_turns(3, measured, baseline) == (3, 40)
    assert order == ["measured", "baseline"] * 3


async def test_minima_are_of_interleaved_runs() -> None:
    order: list[str] = []

    async def one() -> float:
        order.append("one")
        return 10.0 - len(order)

    async def other() -> float:
        order.append("other")
        return float(len(order))

    assert await least_in_turns(3, one, other) == [5, 2]
    assert order == ["one", "other"] * 3


def test_spans_follow_each_other_and_are_the_same_in_json_and_in_a_file() -> None:
    first, second = (Span.after("a", START, number, 2) for number in range(2))
    assert first.end == second.start
    lines = as_csv([first, second]).decode().splitlines()
    rows = [
        ",".join(map(str, reading.values()))
        for span in (first, second)
        for reading in readings_of(span)
    ]
    assert lines == ["equipmentId,timestamp,value", *rows]
    assert len({line.split(",")[1] for line in lines[1:]}) == 4


def test_the_row_over_all_requests_is_read_from_the_table_of_locust(tmp_path: Path) -> None:
    table = tmp_path / "stats.csv"
    table.write_text("Type,Name,Request Count,95%\nPOST,/sensor-data,7,30\n,Aggregated,9,40\n")
    assert aggregated(table)["Request Count"] == "9"


async def test_a_month_is_filled_in_two_parts_within_the_same_buckets(pool: Pool) -> None:
    month = Month.of_rows(15_001)
    assert month.readings == 20  # of each id
    parts = []
    for tenth in (True, False):
        await month.fill(pool, tenth=tenth)
        parts.append(await pool.fetch("SELECT equipment_id, ts FROM readings"))
    first, both = ({(row[0], row[1]) for row in part} for part in parts)
    assert len(first) * 10 == len(both) == 20_000
    assert {row[1] for row in first} == {month.start, month.start + timedelta(days=15)}
    assert min(both)[1] >= month.start
    assert max(row[1] for row in both) < month.end


async def test_half_of_a_month_has_a_prefix_of_its_own(pool: Pool) -> None:
    await Month.of_rows(10_000).fill(pool, tenth=True)
    rows = await pool.fetch("SELECT DISTINCT equipment_id FROM readings")
    ids = {row[0] for row in rows}
    assert ids == {month_equipment(number) for number in range(1_000)}
    prefixed = {name for name in ids if name.startswith(HALF_PREFIX)}
    assert prefixed == {month_equipment(number) for number in range(HALF)}


def test_a_get_with_an_entity_tag_is_conditional() -> None:
    assert b"If-None-Match" not in get_request("/a", "t")
    request = get_request("/a", "t", 'W/"x"')
    assert request.startswith(b"GET /a HTTP/1.1\r\n")
    assert request.endswith(b'If-None-Match: W/"x"\r\n\r\n')
