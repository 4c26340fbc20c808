"""Aggregates as files: what all pages of JSON hold, in every format."""

import csv
import io
import json
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from api.aggregates.files import BATCH_BUCKETS, AggregateFileService
from api.aggregates.gapfill import MAX_FILLED_BUCKETS
from api.aggregates.metrics import AggregateMetrics
from api.aggregates.parsing import parse_query
from api.aggregates.repository import AggregateRepository
from api.auth.visibility import Visibility
from api.files.errors import TooManyExportsError
from api.files.running import RunningExports
from core.database import Pool
from core.scopes import Scope
from tests.api.http.test_problem_details import assert_problem
from tests.api.stored import HOUR, insert
from tests.conftest import empty_database

PATH = "/sensor-data/aggregated"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
FILE_FORMATS = ("ndjson", "csv", "parquet", "arrow")
ZONES = ("America/Sao_Paulo", "Europe/Berlin", "Asia/Kathmandu")
STATISTICS_OF_ALL = ("average", "minimum", "maximum", "count", "total", "range")
STATISTICS = (*STATISTICS_OF_ALL, "first", "last")
TEXTS, INTEGERS = {"equipmentId"}, {"sampleCount", "seconds"}

Row = dict[str, Any]
Query = Mapping[str, Any]
Reading = tuple[str, datetime, float]

FORM = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25
)

any_readings = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "=1+1", "com,ma"]),
        st.integers(-60 * 60, 60 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes)),
        st.floats(-1e300, 1e300).filter(lambda number: not number or abs(number) >= 1e-290),
    ),
    max_size=12,
    unique_by=lambda row: row[:2],
)


@st.composite
def any_queries(draw: st.DrawFn) -> Query:
    """A range of two days, or what it says of grouping, statistics, gaps and zones."""
    resolution, zone = draw(
        st.sampled_from(
            [("15m", None), ("auto", None), *((r, z) for r in ("1h", "1d") for z in (None, *ZONES))]
        )
    )
    grouping = draw(st.sampled_from(["equipment", "all"]))
    allowed = [
        name for name in STATISTICS if grouping == "equipment" or name not in {"first", "last"}
    ]
    statistics = draw(st.none() | st.lists(st.sampled_from(allowed), min_size=1).map(",".join))
    optional = {
        "tz": zone,
        "statistics": statistics,
        "compare": draw(st.sampled_from([None, "previous", "1w"])),
        "equipmentId": draw(st.sampled_from([None, ["a", "="], ["=*", "a"], ["none"]])),
    }
    return {
        "from": (NOON - DAY).isoformat(),
        "to": (NOON + DAY).isoformat(),
        "resolution": resolution,
        "groupBy": grouping,
        "fill": draw(st.sampled_from(["none", "null", "previous", "linear"])),
        **{name: value for name, value in optional.items() if value is not None},
    }


async def items_by_pages(client: httpx2.AsyncClient, query: Query) -> list[Row]:
    items: list[Row] = []
    cursor: dict[str, str] = {}
    while True:
        response = await client.get(PATH, params={**query, "limit": 3, **cursor})
        page = response.raise_for_status().json()
        items += page["items"]
        if page["nextCursor"] is None:
            return items
        cursor = {"cursor": page["nextCursor"]}


def flattened(item: Row, zone: str) -> Row:
    """The row of the item in a table, as the documentation says."""
    row = {name: value for name, value in item.items() if name != "compared"}
    compared = item.get("compared") or {}
    row |= {f"compared.{name}": value for name, value in compared.items() if name != "equipmentId"}
    starts = {name for name in row if name.endswith("intervalStart")}
    return row | {name: datetime.fromtimestamp(row[name], ZoneInfo(zone)) for name in starts}


def value_of_cell(name: str, cell: str) -> Any:
    name = name.removeprefix("compared.")
    if cell == "":
        return None
    if name == "intervalStart":
        return datetime.fromisoformat(cell)
    return cell if name in TEXTS else int(cell) if name in INTEGERS else float(cell)


def rows_of_csv(body: bytes) -> list[Row]:
    rows = csv.DictReader(io.StringIO(body.decode(), ""))
    return [{name: value_of_cell(name, cell) for name, cell in row.items()} for row in rows]


READERS: dict[str, Callable[[bytes], list[Row]]] = {
    "csv": rows_of_csv,
    "parquet": lambda body: pq.read_table(io.BytesIO(body)).to_pylist(),
    "arrow": lambda body: pa.ipc.open_stream(io.BytesIO(body)).read_all().to_pylist(),
}


async def file(client: httpx2.AsyncClient, query: Query, form: str) -> bytes:
    response = await client.get(PATH, params={**query, "format": form})
    return response.raise_for_status().content


def assert_same(rows: Sequence[Row], items: Iterable[Row], zone: str) -> None:
    """Equal to the last bit, and shown at the clock of the zone; an absent value is null."""
    expected = [flattened(item, zone) for item in items]
    assert [{name: value for name, value in row.items() if value is not None} for row in rows] == [
        {name: value for name, value in row.items() if value is not None} for row in expected
    ]
    for row, other in zip(rows, expected, strict=True):
        assert other.keys() <= row.keys()
        assert row["intervalStart"].isoformat() == other["intervalStart"].isoformat()


@FORM
@given(stored=any_readings, query=any_queries())
async def test_every_format_has_the_items_of_all_pages(
    client: httpx2.AsyncClient,
    pool: Pool,
    stored: Sequence[tuple[str, datetime, float]],
    query: Query,
) -> None:
    await empty_database(pool)
    await insert(pool, *stored)
    items = await items_by_pages(client, query)
    lines = (await file(client, query, "ndjson")).splitlines()
    assert [json.loads(line) for line in lines] == items
    for form, read in READERS.items():
        assert_same(read(await file(client, query, form)), items, query.get("tz", "UTC"))


async def test_a_table_in_a_zone_has_its_clock_and_names_compared_columns(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await insert(pool, ("a", NOON, 1.5), ("a", NOON + DAY, -4))
    query = {
        "from": "2026-03-11T03:00:00Z",
        "to": "2026-03-12T03:00:00Z",
        "resolution": "1d",
        "tz": "America/Sao_Paulo",
        "statistics": "average,count",
        "compare": "previous",
    }
    assert (await file(client, query, "csv")).decode() == (
        "equipmentId,intervalStart,sampleCount,average,seconds,"
        "compared.intervalStart,compared.sampleCount,compared.average\n"
        "a,2026-03-11T00:00:00-03:00,1,-4.0,86400,2026-03-10T00:00:00-03:00,1,1.5\n"
    )
    schema = pq.read_schema(io.BytesIO(await file(client, query, "parquet")))
    assert {field.name: str(field.type) for field in schema} == {
        "equipmentId": "string",
        "intervalStart": "timestamp[us, tz=America/Sao_Paulo]",
        "sampleCount": "int64",
        "average": "double",
        "seconds": "int64",
        "compared.intervalStart": "timestamp[us, tz=America/Sao_Paulo]",
        "compared.sampleCount": "int64",
        "compared.average": "double",
    }


async def test_a_file_without_buckets_has_its_columns(client: httpx2.AsyncClient) -> None:
    query = {"interval": "24h", "groupBy": "all", "statistics": "average"}
    assert await file(client, query, "csv") == b"intervalStart,average\n"
    table = pq.read_table(io.BytesIO(await file(client, query, "parquet")))
    assert (table.column_names, table.num_rows) == (["intervalStart", "average"], 0)


async def insert_many(pool: Pool) -> None:
    """A reading for each of 4,500 quarters of an hour."""
    await pool.execute(
        """
        INSERT INTO readings SELECT name, $1::timestamptz + n * interval '15 minutes', n / 3.0
        FROM generate_series(1, 1500) AS n, unnest(array['a', 'b', 'c']) AS name
        """,
        NOON,
    )


async def test_a_file_of_many_batches_has_each_bucket_once(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await insert_many(pool)
    span = {"from": NOON.isoformat(), "to": (NOON + 30 * DAY).isoformat(), "resolution": "15m"}
    for query in ({}, {"equipmentId": ["c", "b", "a"]}, {"compare": "1w"}):
        rows = rows_of_csv(await file(client, {**span, **query}, "csv"))
        assert len(rows) == 4_500 > BATCH_BUCKETS
        keys = [(row["intervalStart"], row["equipmentId"]) for row in rows]
        assert keys == sorted(set(keys))
        if "compare" in query:
            assert sum(row["compared.average"] is not None for row in rows) == 3 * (1500 - 7 * 96)


async def test_a_spreadsheet_gets_no_formula(client: httpx2.AsyncClient, pool: Pool) -> None:
    await insert(pool, ("=1+1", NOON, -5))
    query = {"from": NOON.isoformat(), "to": (NOON + HOUR).isoformat(), "statistics": "average"}
    safe = await file(client, {**query, "csvDialect": "spreadsheet"}, "csv")
    assert safe.splitlines()[1] == b'"\'=1+1","2026-03-10T12:00:00+00:00",-5.0'
    assert (await file(client, query, "csv")).splitlines()[1].startswith(b"=1+1,")


@pytest.mark.parametrize("form", FILE_FORMATS)
async def test_a_file_is_confirmed_until_the_data_change(
    client: httpx2.AsyncClient, pool: Pool, form: str
) -> None:
    reading = {"equipmentId": "a", "timestamp": NOON.isoformat(), "value": 1}
    (await client.post("/sensor-data", json=reading)).raise_for_status()
    await pool.execute("TRUNCATE rollup_dirty_ranges")
    query = {"from": NOON.isoformat(), "to": (NOON + HOUR).isoformat(), "format": form}
    first = (await client.get(PATH, params=query)).raise_for_status()
    assert first.headers["content-disposition"] == f'attachment; filename="aggregates.{form}"'
    assert (first.headers["vary"], first.headers["cache-control"]) == (
        "Accept",
        "private, no-cache",
    )
    known = {"If-None-Match": first.headers["etag"]}
    again = await client.get(PATH, params=query, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    other = "csv" if form != "csv" else "parquet"
    assert (await client.get(PATH, params=query | {"format": other}, headers=known)).is_success
    assert (await client.get(PATH, params=query | {"format": "json"}, headers=known)).is_success
    (await client.post("/sensor-data", json=reading | {"value": 2})).raise_for_status()
    assert (await client.get(PATH, params=query, headers=known)).status_code == 200


@pytest.mark.parametrize("path", [PATH, "/sensor-data-aggregated"])
async def test_the_header_accept_selects_a_file_as_for_readings(
    client: httpx2.AsyncClient, path: str
) -> None:
    async def content_type(accept: str, **query: str) -> str:
        response = await client.get(
            path, params={"interval": "24h", **query}, headers={"Accept": accept}
        )
        assert response.headers["vary"] == "Accept"
        return str(response.raise_for_status().headers["content-type"])

    assert await content_type("text/html, */*;q=0.1") == "application/json"
    assert await content_type("text/csv") == "text/csv; charset=utf-8"
    assert await content_type("text/csv", format="parquet") == "application/vnd.apache.parquet"
    response = await client.get(path, params={"interval": "24h"}, headers={"Accept": "image/*"})
    assert "text/csv" in assert_problem(response, 406, "not_acceptable")["message"]


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("interval=24h&format=xml", "format", "validation_error"),
        ("interval=24h&format=csv&limit=1", "limit", "validation_error"),
        ("interval=24h&format=parquet&cursor=x", "cursor", "invalid_cursor"),
        ("interval=24h&format=parquet&csvDialect=plain", "csvDialect", "validation_error"),
        ("interval=24h&csvDialect=spreadsheet", "csvDialect", "validation_error"),
        ("format=csv", "interval", "invalid_interval"),
    ],
)
async def test_what_no_file_can_have_is_rejected_by_name(
    client: httpx2.AsyncClient, query: str, field: str, code: str
) -> None:
    problem = (await client.get(f"{PATH}?{query}")).json()
    assert problem["status"] == 400
    assert (field, code) in [(error["field"], error["code"]) for error in problem["errors"]]


async def test_more_gaps_than_can_be_filled_are_a_problem_and_no_file(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await insert(
        pool, *((f"e{number}", NOON, 1) for number in range(MAX_FILLED_BUCKETS // 8_760 + 1))
    )
    query = {"from": NOON.isoformat(), "to": (NOON + 365 * DAY).isoformat(), "resolution": "1h"}
    response = await client.get(PATH, params={**query, "fill": "null", "format": "csv"})
    assert_problem(response, 400, "range_too_long")


def service_of(pool: Pool, running: RunningExports) -> AggregateFileService:
    return AggregateFileService(
        AggregateRepository(pool), running, AggregateMetrics(CollectorRegistry())
    )


async def chunks_of(service: AggregateFileService, end: datetime) -> AsyncGenerator[bytes]:
    span = {"from": NOON.isoformat(), "to": end.isoformat(), "resolution": "15m", "format": "csv"}
    query = parse_query([*span.items()], NOON)
    made = await service.file(query, Visibility(Scope.READINGS_READ), None)
    assert made.chunks is not None
    return made.chunks


async def test_files_are_limited_together_with_exports_of_readings_and_give_their_place_back(
    pool: Pool,
) -> None:
    await insert(pool, ("a", NOON, 1))
    service = service_of(pool, RunningExports(1))
    first = await chunks_of(service, NOON + HOUR)
    assert await anext(first)
    with pytest.raises(TooManyExportsError):
        await anext(await chunks_of(service, NOON + HOUR))
    await first.aclose()
    assert len([chunk async for chunk in await chunks_of(service, NOON + HOUR)]) == 1


async def test_no_more_than_a_batch_is_in_memory(pool: Pool) -> None:
    await insert_many(pool)
    chunks = await chunks_of(service_of(pool, RunningExports(1)), NOON + 30 * DAY)
    assert [chunk.count(b"\n") async for chunk in chunks] == [1 + BATCH_BUCKETS, 500]
