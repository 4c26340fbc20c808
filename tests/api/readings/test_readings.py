import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from core.database import Pool
from core.settings import ApiSettings, ReadingSettings
from tests.api.readings.ways import WAYS, make_token_known
from tests.api.serving import server_settings, serving
from tests.support.stub_provider import StubProvider

HOUR = timedelta(hours=1)


def ago(span: timedelta) -> str:
    return (datetime.now(UTC) - span).isoformat()


def reading(**changes: Any) -> dict[str, Any]:
    return {"equipmentId": "pump-1", "timestamp": ago(HOUR / 4), "value": 21.5, **changes}


async def stored(pool: Pool) -> list[tuple[str, datetime, float]]:
    rows = await pool.fetch("SELECT equipment_id, ts, value FROM readings ORDER BY 1, 2")
    return [tuple(row) for row in rows]


async def ledger(pool: Pool) -> list[tuple[datetime, datetime]]:
    rows = await pool.fetch("SELECT range_start, range_end FROM rollup_dirty_ranges ORDER BY id")
    return [tuple(row) for row in rows]


@pytest_asyncio.fixture(params=WAYS)
async def client(client: httpx2.AsyncClient, request: pytest.FixtureRequest) -> httpx2.AsyncClient:
    """One whose single readings take each of the two ways."""
    await make_token_known(client)
    client.headers.update(WAYS[request.param])
    return client


async def post(client: httpx2.AsyncClient, body: bytes | str) -> httpx2.Response:
    headers = {"Content-Type": "application/json"}
    return await client.post("/sensor-data", content=body, headers=headers)


async def test_a_reading_is_stored_and_acknowledged(client: httpx2.AsyncClient, pool: Pool) -> None:
    response = await client.post("/sensor-data", json=reading(timestamp="2026-01-01T00:00:00Z"))
    assert response.status_code == 201
    assert response.json() == {"message": "Data saved successfully"}
    assert await stored(pool) == [("pump-1", datetime(2026, 1, 1, tzinfo=UTC), 21.5)]


@pytest.mark.parametrize(
    ("text", "ts"),
    [
        ("2026-01-01T01:30:00-05:00", datetime(2026, 1, 1, 6, 30, tzinfo=UTC)),
        ("2026-01-01T01:30:00+0530", datetime(2025, 12, 31, 20, 0, tzinfo=UTC)),
        ("2026-01-01T01:30:00+01", datetime(2026, 1, 1, 0, 30, tzinfo=UTC)),
        ("2026-01-01T01:30:00", datetime(2026, 1, 1, 1, 30, tzinfo=UTC)),
        ("2026-01-01 01:30", datetime(2026, 1, 1, 1, 30, tzinfo=UTC)),
        ("2026-01-01T01:30:00.123456789Z", datetime(2026, 1, 1, 1, 30, 0, 123456, tzinfo=UTC)),
        ("2026-01-01t01:30:00z", datetime(2026, 1, 1, 1, 30, tzinfo=UTC)),
    ],
)
async def test_an_offset_is_honoured_and_none_means_utc(
    client: httpx2.AsyncClient, pool: Pool, text: str, ts: datetime
) -> None:
    assert (await client.post("/sensor-data", json=reading(timestamp=text))).status_code == 201
    assert (await stored(pool))[0][1] == ts


async def test_implausibly_old_timestamps_are_refused_unless_a_setting_allows_them(
    client: httpx2.AsyncClient,
    migrated_url: str,
    stub_provider: StubProvider,
    tmp_path: Path,
    pool: Pool,
) -> None:
    old = reading(timestamp="1969-12-31T23:59:59Z")
    for path, body in (("/sensor-data", old), ("/sensor-data/batch", [old])):
        refused = await client.post(path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (400, "too_old")
        assert "timestamp must not be earlier than 2000-01-01T00:00:00" in refused.text
    first = reading(timestamp="2000-01-01T00:00:00Z")
    assert (await client.post("/sensor-data", json=first)).status_code == 201
    readings = ReadingSettings(earliest=datetime(1969, 1, 1, tzinfo=UTC))
    settings = server_settings(migrated_url, stub_provider.issuer, tmp_path, readings=readings)
    async with (
        serving(settings) as url,
        httpx2.AsyncClient(base_url=url, headers=client.headers) as tolerated,
    ):
        await make_token_known(tolerated)
        assert (await tolerated.post("/sensor-data", json=old)).status_code == 201
        again = await tolerated.post("/sensor-data/batch", json=[old])
        assert again.json()["unchanged"] == 1
    timestamps = [datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)]
    assert [ts for _, ts, _ in await stored(pool)] == timestamps


@pytest.mark.parametrize("way", WAYS)
async def test_a_setting_refuses_timestamps_without_offset(
    migrated_url: str, stub_provider: StubProvider, tmp_path: Path, pool: Pool, way: str
) -> None:
    settings = server_settings(
        migrated_url, stub_provider.issuer, tmp_path, ApiSettings(naive_timestamps="refuse")
    )
    headers = {"Authorization": f"Bearer {stub_provider.token()}", **WAYS[way]}
    async with (
        serving(settings) as url,
        httpx2.AsyncClient(base_url=url, headers=headers) as client,
    ):
        await make_token_known(client)
        naive = await client.post("/sensor-data", json=reading(timestamp="2026-01-01T00:00:00"))
        aware = await client.post("/sensor-data", json=reading(timestamp="2026-01-01T00:00:00Z"))
    assert (naive.status_code, naive.json()["code"]) == (400, "bad_timestamp")
    assert "offset" in naive.json()["message"]
    assert aware.status_code == 201
    assert len(await stored(pool)) == 1


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "no id": ({"equipmentId": None}, "equipmentId", "missing_value"),
    "empty id": ({"equipmentId": ""}, "equipmentId", "missing_value"),
    "number as id": ({"equipmentId": 7}, "equipmentId", "bad_text"),
    "object as id": ({"equipmentId": {}}, "equipmentId", "bad_text"),
    "long id": ({"equipmentId": "x" * 256}, "equipmentId", "too_long"),
    "blank id": ({"equipmentId": " \t"}, "equipmentId", "missing_value"),
    "control character in id": ({"equipmentId": "a\tb"}, "equipmentId", "bad_text"),
    "replacement character in id": ({"equipmentId": "a\ufffd"}, "equipmentId", "bad_text"),
    "NUL in id": ({"equipmentId": "a\0b"}, "equipmentId", "bad_text"),
    "no timestamp": ({"timestamp": None}, "timestamp", "missing_value"),
    "number as timestamp": ({"timestamp": 1767225600}, "timestamp", "bad_timestamp"),
    "words as timestamp": ({"timestamp": "yesterday"}, "timestamp", "bad_timestamp"),
    "date only": ({"timestamp": "2026-01-01"}, "timestamp", "bad_timestamp"),
    "no such day": ({"timestamp": "2026-02-30T00:00:00Z"}, "timestamp", "bad_timestamp"),
    "no such hour": ({"timestamp": "2026-01-01T24:30:00Z"}, "timestamp", "bad_timestamp"),
    "leap second": ({"timestamp": "2016-12-31T23:59:60Z"}, "timestamp", "bad_timestamp"),
    "the first timestamp": ({"timestamp": "0001-01-01T00:00:00Z"}, "timestamp", "bad_timestamp"),
    "before year one": ({"timestamp": "0001-01-01T00:00:00+01:00"}, "timestamp", "bad_timestamp"),
    "year zero": ({"timestamp": "0000-01-01T00:00:00Z"}, "timestamp", "bad_timestamp"),
    "no such offset": ({"timestamp": "2026-01-01T00:00:00+99:00"}, "timestamp", "bad_timestamp"),
    "other digits": ({"timestamp": "٢٠٢٦-01-01T00:00:00Z"}, "timestamp", "bad_timestamp"),
    "newline": ({"timestamp": "2026-01-01T00:00:00Z\n"}, "timestamp", "bad_timestamp"),
    "no value": ({"value": None}, "value", "missing_value"),
    "number as text": ({"value": "21.5"}, "value", "bad_number"),
    "boolean": ({"value": True}, "value", "bad_number"),
    "list": ({"value": [1]}, "value", "bad_number"),
    "too large": ({"value": 1e301}, "value", "out_of_range"),
    "too small": ({"value": 1e-300}, "value", "out_of_range"),
    "unknown": ({"unit": "K"}, "unit", "unknown_field"),
    "other case": ({"Value": 1}, "Value", "unknown_field"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_one_wrong_field_gives_its_own_code_and_is_named(
    client: httpx2.AsyncClient, pool: Pool, case: str
) -> None:
    changes, field, code = WRONG[case]
    response = await client.post("/sensor-data", json=reading(**changes))
    problem = response.json()
    assert (response.status_code, problem["code"]) == (400, code)
    assert problem["message"].startswith(field)
    assert problem["errors"] == [{"field": field, "code": code, "message": problem["message"]}]
    assert await stored(pool) == []


async def test_every_unknown_missing_and_wrong_field_is_named_at_once(
    client: httpx2.AsyncClient,
) -> None:
    response = await client.post("/sensor-data", json={"unit": "K", "timestamp": "x", "value": "1"})
    problem = response.json()
    assert (response.status_code, problem["code"]) == (400, "validation_error")
    assert [message.split(" ")[0] for message in problem["message"]] == [
        "unit",
        "equipmentId",
        "timestamp",
        "value",
    ]
    assert [error["code"] for error in problem["errors"]] == [
        "unknown_field",
        "missing_value",
        "bad_timestamp",
        "bad_number",
    ]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("NaN", "not_finite"),
        ("Infinity", "not_finite"),
        ("-Infinity", "not_finite"),
        ("1e400", "out_of_range"),
        ("9" * 299, None),
        ("9" * 301, "out_of_range"),
        ("9" * 401, "out_of_range"),
        ("9" * 6000, "out_of_range"),
        ("-1" + "0" * 400, "out_of_range"),
        ("1e-400", "out_of_range"),
        ("0e-400", None),
        ("-0.0", None),
        ("-0", None),
        ("1e300", None),
        ("123456789012345678901234567890", None),
    ],
)
async def test_a_number_that_no_rollup_can_hold_is_refused_by_name(
    client: httpx2.AsyncClient, value: str, code: str | None
) -> None:
    body = json.dumps(reading(value=0)).replace('"value": 0', f'"value": {value}')
    response = await post(client, body)
    assert response.status_code == (400 if code else 201)
    assert response.json().get("code") == code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b'{"equipmentId":"\xff"}', "malformed_json"),
        ('{"value":1}'.encode("utf-16"), "malformed_json"),
        (b"\xef\xbb\xbf{}", "validation_error"),
        (b"[" * 60_000, "malformed_json"),
        (b'{"a":' * 10_000, "malformed_json"),
        (b"null", "validation_error"),
        (b"[]", "validation_error"),
        (b'"text"', "validation_error"),
        (b"1", "validation_error"),
        (b"{}", "validation_error"),
        (b'{"value":1,"value":2}', "repeated_field"),
        (b'{"equipmentId":"a","equipmentId":"b","value":{"x":1,"x":2}}', "repeated_field"),
    ],
)
async def test_a_body_that_is_not_one_plain_object_is_refused(
    client: httpx2.AsyncClient, pool: Pool, body: bytes, code: str
) -> None:
    response = await post(client, body)
    assert (response.status_code, response.json()["code"]) == (400, code)
    assert await stored(pool) == []


async def test_half_a_surrogate_pair_is_refused(client: httpx2.AsyncClient) -> None:
    body = json.dumps(reading(equipmentId="pump")).replace("pump", "pump\\ud800")
    response = await post(client, body)
    assert (response.status_code, response.json()["code"]) == (400, "bad_text")
    unknown = json.dumps(reading() | {"x": 1}).replace('"x"', '"\\udfff"')
    assert (await post(client, unknown)).json()["code"] == "unknown_field"


@pytest.mark.parametrize("text", ["日本語 🌡", "two  spaces", "a'; DROP TABLE readings; --"])
async def test_any_other_text_names_equipment(
    client: httpx2.AsyncClient, pool: Pool, text: str
) -> None:
    assert (await client.post("/sensor-data", json=reading(equipmentId=text))).status_code == 201
    assert (await stored(pool))[0][0] == text


async def test_a_body_of_ten_megabytes_is_too_large(client: httpx2.AsyncClient) -> None:
    response = await client.post("/sensor-data", json=reading(equipmentId="x" * 10_000_000))
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


async def test_a_large_body_that_hides_its_length_is_too_large(client: httpx2.AsyncClient) -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 8192

    headers = {"Content-Type": "application/json"}
    response = await client.post("/sensor-data", content=chunks(), headers=headers)
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]
)
async def test_another_content_type_is_not_read(
    client: httpx2.AsyncClient, content_type: str
) -> None:
    body = json.dumps(reading())
    response = await client.post(
        "/sensor-data", content=body, headers={"Content-Type": content_type}
    )
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


async def test_the_content_type_may_name_its_charset(client: httpx2.AsyncClient) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    body = json.dumps(reading())
    response = await client.post("/sensor-data", content=body, headers=headers)
    assert response.status_code == 201


async def test_a_reading_of_the_day_after_tomorrow_is_refused_with_the_bound(
    client: httpx2.AsyncClient,
) -> None:
    accepted = await client.post("/sensor-data", json=reading(timestamp=ago(-23 * HOUR)))
    refused = await client.post("/sensor-data", json=reading(timestamp=ago(-25 * HOUR)))
    assert accepted.status_code == 201
    assert (refused.status_code, refused.json()["code"]) == (400, "too_future")
    bound = datetime.fromisoformat(refused.json()["message"].rpartition(" ")[2])
    assert abs(bound - datetime.now(UTC) - timedelta(days=1)) < timedelta(minutes=1)


async def test_a_reading_below_the_retention_horizon_is_refused_with_the_bound(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    horizon = datetime(2026, 1, 1, tzinfo=UTC)
    await pool.execute("INSERT INTO retention_horizon (horizon) VALUES ($1)", horizon)
    below = await client.post("/sensor-data", json=reading(timestamp="2025-12-31T23:59:59Z"))
    on_it = await client.post("/sensor-data", json=reading(timestamp="2026-01-01T00:00:00Z"))
    assert (below.status_code, below.json()["code"]) == (400, "below_retention")
    assert horizon.isoformat() in below.json()["message"]
    assert on_it.status_code == 201
    assert [row[1] for row in await stored(pool)] == [horizon]


async def test_the_last_write_wins_and_an_equal_one_changes_nothing(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    registered, timestamp = [], ago(HOUR)[:19]
    for value in (1, 1, 2):
        await client.post("/sensor-data", json=reading(timestamp=timestamp, value=value))
        registered.append(await pool.fetchval("SELECT register_time FROM readings"))
    assert registered[0] == registered[1] < registered[2]
    assert [row[2] for row in await stored(pool)] == [2]


async def test_twenty_writers_of_one_key_leave_one_row_of_one_of_them(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    timestamp = ago(HOUR / 4)
    responses = await asyncio.gather(
        *(
            client.post("/sensor-data", json=reading(timestamp=timestamp, value=value))
            for value in range(20)
        )
    )
    assert {response.status_code for response in responses} == {201}
    rows = await stored(pool)
    assert len(rows) == 1
    assert rows[0][2] in range(20)


async def test_a_late_row_enters_its_hour_into_the_ledger(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await client.post("/sensor-data", json=reading(timestamp="2026-01-01T06:59:59.999Z"))
    start = datetime(2026, 1, 1, 6, tzinfo=UTC)
    assert await ledger(pool) == [(start, start + HOUR)]
    assert await pool.fetchval(
        """
        SELECT readings.xmin = rollup_dirty_ranges.xmin FROM readings, rollup_dirty_ranges
        """
    ), "the ledger is written by the transaction that wrote the row"


async def test_only_late_rows_that_change_something_enter_the_ledger(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    on_time = reading(timestamp=ago(timedelta(minutes=10)))
    late = reading(timestamp=ago(timedelta(minutes=20)))
    for body in (on_time, late, late, late | {"value": 7}, late | {"value": 7}):
        assert (await client.post("/sensor-data", json=body)).status_code == 201
    assert len(await ledger(pool)) == 2
