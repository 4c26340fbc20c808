"""POST /sensor-data/batch: every row is accounted for, whatever its neighbours are."""

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.database import Pool
from tests.api.readings.test_readings import ago, ledger, stored
from tests.conftest import empty_database
from tests.jobs.test_data_changes import recorded_changes

URL = "/sensor-data/batch"
START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
NDJSON = {"Content-Type": "application/x-ndjson"}
COUNTS = ("inserted", "replaced", "unchanged", "skipped", "rejected")

Row = dict[str, Any]


def row(number: int = 0, value: Any = 1.5, **changes: Any) -> Row:
    timestamp = (START + timedelta(minutes=number)).isoformat()
    return {"equipmentId": "a", "timestamp": timestamp, "value": value, **changes}


def ndjson(rows: Sequence[Row]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


async def post(
    client: httpx2.AsyncClient, rows: Sequence[Row] | bytes, headers: Any = None, **query: str
) -> httpx2.Response:
    body = rows if isinstance(rows, bytes) else ndjson(rows)
    return await client.post(URL, content=body, params=query, headers=NDJSON | (headers or {}))


def counts(response: httpx2.Response) -> dict[str, int]:
    """Those that are not zero; the identity is checked on the way."""
    assert response.status_code == 200, response.text
    account = response.json()
    assert account["read"] == sum(account[name] for name in COUNTS)
    return {name: account[name] for name in COUNTS if account[name]}


def array(body: bytes) -> bytes:
    return b"[" + b",".join(body.splitlines()) + b"]"


@pytest.mark.parametrize("shape", [array, lambda body: b"\r\n" + body.replace(b"\n", b"\r\n\n")])
@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("identity", lambda body: body),
        ("gzip", gzip.compress),
        ("GZIP", lambda body: gzip.compress(body[:90]) + gzip.compress(body[90:])),
        ("zstd", zstandard.compress),
    ],
)
async def test_an_array_or_lines_compressed_or_not_are_stored(
    client: httpx2.AsyncClient,
    pool: Pool,
    shape: Callable[[bytes], bytes],
    encoding: str,
    encode: Callable[[bytes], bytes],
) -> None:
    kind = "application/json; charset=utf-8" if shape is array else "application/x-ndjson"
    headers = {"Content-Type": kind, "Content-Encoding": encoding}
    body = encode(shape(ndjson([row(number, number) for number in range(3)])))
    response = await post(client, body, headers)
    assert counts(response) == {"inserted": 3}
    assert [value for _, _, value in await stored(pool)] == [0, 1, 2]


async def test_new_changed_and_equal_rows_are_counted_apart(client: httpx2.AsyncClient) -> None:
    assert counts(await post(client, [row(1), row(2), row(3)])) == {"inserted": 3}
    again = await post(client, [row(2), row(3, 7), row(4)])
    assert counts(again) == {"inserted": 1, "replaced": 1, "unchanged": 1}
    assert again.json()["errors"] == []


async def test_of_several_for_one_key_the_last_wins_and_each_is_counted(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    rows = [row(1, value) for value in (1, 2, 2, 3)]
    assert counts(await post(client, rows)) == {"inserted": 1, "replaced": 2, "unchanged": 1}
    assert [value for _, _, value in await stored(pool)] == [3]


async def test_skip_leaves_what_is_stored(client: httpx2.AsyncClient, pool: Pool) -> None:
    await post(client, [row(1), row(2)])
    response = await post(client, [row(1, 9), row(2), row(3, 9)], onConflict="skip")
    assert counts(response) == {"inserted": 1, "unchanged": 1, "skipped": 1}
    assert [value for _, _, value in await stored(pool)] == [1.5, 1.5, 9]


async def test_error_refuses_another_value_and_an_equal_one_is_unchanged(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await post(client, [row(1), row(2)])
    rows = [row(0), row(1, 9), row(2), row(3)]
    atomic = await post(client, rows, onConflict="error")
    problem = atomic.json()
    assert (atomic.status_code, problem["code"]) == (409, "conflict")
    assert (problem["read"], problem["rejected"]) == (4, 1)
    assert [(error["index"], error["field"]) for error in problem["errors"]] == [(1, "value")]
    assert len(await stored(pool)) == 2
    partial = await post(client, rows, onConflict="error", mode="partial")
    assert counts(partial) == {"inserted": 2, "unchanged": 1, "rejected": 1}
    assert [value for _, _, value in await stored(pool)] == [1.5] * 4


BAD: list[tuple[bytes, str, str]] = [
    (b"{", "malformed_json", "row"),
    (b"\xff", "malformed_json", "row"),
    (b"1", "validation_error", "body"),
    (b'{"value":1}', "validation_error", "equipmentId, timestamp"),
    (json.dumps(row(unit="K")).encode(), "unknown_field", "unit"),
    (json.dumps(row(timestamp="x")).encode(), "bad_timestamp", "timestamp"),
    (json.dumps(row(timestamp=ago(-25 * HOUR))).encode(), "too_future", "timestamp"),
    (json.dumps(row(value=1e301)).encode(), "out_of_range", "value"),
    (json.dumps(row(equipmentId="x" * 70_000)).encode(), "too_long", "row"),
]


async def test_partial_stores_the_good_rows_and_names_each_bad_one(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    lines = [
        line for number, (bad, _, _) in enumerate(BAD) for line in (bad, ndjson([row(number)]))
    ]
    response = await post(client, b"\n".join(line.strip() for line in lines), mode="partial")
    assert counts(response) == {"inserted": len(BAD), "rejected": len(BAD)}
    errors = response.json()["errors"]
    assert [(error["code"], error["field"]) for error in errors] == [case[1:] for case in BAD]
    assert [error["index"] for error in errors] == list(range(0, 2 * len(BAD), 2))
    assert len(await stored(pool)) == len(BAD)


async def test_atomic_stores_nothing_when_any_row_is_bad(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    response = await post(client, [row(0), row(1, "x"), row(2)])
    problem = response.json()
    assert (response.status_code, problem["code"]) == (400, "bad_number")
    assert problem["message"] == "1 of 3 readings are refused; nothing was stored."
    assert problem["errors"] == [
        {"field": "value", "code": "bad_number", "message": "value must be a number", "index": 1}
    ]
    assert await stored(pool) == []


async def test_the_first_hundred_bad_rows_are_listed_and_all_are_counted(
    client: httpx2.AsyncClient,
) -> None:
    rows = [row(number, "x" if number % 2 else None) for number in range(300)]
    problem = (await post(client, rows)).json()
    assert problem["code"] == "validation_error"
    assert (problem["read"], problem["rejected"], len(problem["errors"])) == (300, 300, 100)


@pytest.mark.parametrize("mode", ["atomic", "partial"])
async def test_a_row_below_the_horizon_is_refused_with_the_bound(
    client: httpx2.AsyncClient, pool: Pool, mode: str
) -> None:
    await pool.execute("INSERT INTO retention_horizon (horizon) VALUES ($1)", START)
    response = await post(client, [row(0), row(-1), row(1)], mode=mode)
    (error,) = response.json()["errors"]
    assert (error["index"], error["code"]) == (1, "below_retention")
    assert error["message"] == "timestamp must not be earlier than 2026-01-01T00:00:00+00:00"
    assert len(await stored(pool)) == (2 if mode == "partial" else 0)
    assert response.status_code == (200 if mode == "partial" else 400)


async def test_late_rows_enter_the_ledger_whichever_way_they_are_written(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    far = START + timedelta(days=100)
    rows = [row(timestamp=ts.isoformat()) for ts in (START, far, datetime.now(UTC))]
    for value in (1, 2):
        await post(client, [each | {"value": value} for each in rows])
        assert sorted(await ledger(pool)) == [(hour, hour + HOUR) for hour in (START, far)]
        await pool.execute("TRUNCATE rollup_dirty_ranges")


async def test_a_batch_enters_which_equipment_changed_on_which_days_and_nothing_else(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    rows = [row(0), row(24 * 60), row(0, equipmentId="b")]
    for batch in (rows, rows, [row(0), row(24 * 60, 9)]):
        await post(client, batch)
    days = [date(2026, 1, 1), date(2026, 1, 2)]
    assert await recorded_changes(pool) == [
        {("a", days[0]), ("a", days[1]), ("b", days[0])},
        {("a", days[1])},
    ]


async def test_no_late_row_is_stored_without_its_entry_in_the_ledger(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await pool.execute("ALTER TABLE rollup_dirty_ranges ADD CONSTRAINT none CHECK (false)")
    try:
        assert (await post(client, [row()])).status_code == 500
    finally:
        await pool.execute("ALTER TABLE rollup_dirty_ranges DROP CONSTRAINT none")
    assert await stored(pool) == []


async def test_rows_in_the_columnstore_are_replaced_and_counted(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await post(client, [row(number) for number in range(50)])
    await pool.execute("SELECT compress_chunk(chunk) FROM show_chunks('readings') AS chunk")
    rows = [row(number, 7) for number in range(40, 60)]
    assert counts(await post(client, rows)) == {"inserted": 10, "replaced": 10}
    assert sum(value == 7 for _, _, value in await stored(pool)) == 20


@pytest.mark.parametrize("body", [b"", b"\n\n", b" "])
async def test_no_rows_are_none(client: httpx2.AsyncClient, body: bytes) -> None:
    assert counts(await post(client, body)) == {}
    assert counts(await post(client, b"[]", {"Content-Type": "application/json"})) == {}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_json"),
        (b"[1,", 400, "malformed_json"),
        (b"[" * 100_000, 400, "malformed_json"),
        (b"{}", 400, "validation_error"),
        (b"[" + b"1," * 1_000_001 + b"1]", 413, "too_many_readings"),
        (b"[" + b"1," * 100_000 + b"1]", 413, "too_many_readings"),
        (b" " * (32 * 2**20 + 1), 413, "body_too_large"),
    ],
)
async def test_a_body_that_is_no_bounded_array_is_refused(
    client: httpx2.AsyncClient, body: bytes, status: int, code: str
) -> None:
    response = await post(client, body, {"Content-Type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_more_lines_than_a_batch_may_have_are_refused(client: httpx2.AsyncClient) -> None:
    response = await post(client, b"\n" * 100_001)
    assert (response.status_code, response.json()["code"]) == (413, "too_many_readings")


@pytest.mark.parametrize(
    ("encoding", "body", "status", "code"),
    [
        ("gzip", gzip.compress(bytes(33 * 2**20)), 413, "body_too_large"),
        ("zstd", zstandard.compress(bytes(2**30)), 413, "body_too_large"),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-1], 400, "malformed_encoding"),
        ("zstd", zstandard.compress(b"{}")[:-1], 400, "malformed_encoding"),
        ("gzip", b"{}", 400, "malformed_encoding"),
        ("zstd", b"", 400, "malformed_encoding"),
        ("br", b"{}", 415, "unsupported_media_type"),
        ("gzip, gzip", b"{}", 415, "unsupported_media_type"),
    ],
)
async def test_a_bomb_or_broken_compression_is_refused(
    client: httpx2.AsyncClient, encoding: str, body: bytes, status: int, code: str
) -> None:
    response = await post(client, body, {"Content-Encoding": encoding})
    assert (response.status_code, response.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", gzip.compress(b"[]", mtime=0)), ("zstd", zstandard.compress(b"[]"))],
)
async def test_compressed_bytes_without_content_encoding_are_reported(
    client: httpx2.AsyncClient, encoding: str, body: bytes
) -> None:
    problem = (await post(client, body)).json()
    assert problem["code"] == "malformed_encoding"
    remedy = f"The body is compressed with {encoding}. Send Content-Encoding: {encoding}."
    assert problem["message"] == remedy


async def test_other_types_and_parameters_are_refused_by_name(client: httpx2.AsyncClient) -> None:
    plain = await post(client, [row()], {"Content-Type": "text/plain"})
    assert (plain.status_code, plain.json()["code"]) == (415, "unsupported_media_type")
    wrong = await post(client, [row()], mode="all", onConflict="", unit="K")
    assert wrong.status_code == 400
    assert {error["field"] for error in wrong.json()["errors"]} == {"mode", "onConflict", "unit"}


@dataclass(frozen=True)
class Case:
    """What is stored by number, what is sent (number, value, whether it is valid), and how."""

    before: dict[int, float]
    sent: list[tuple[int, float, bool]]
    mode: str
    on_conflict: str

    def expected(self) -> dict[int, float] | None:
        """What is stored afterwards; None: nothing of it."""
        last = {number: value for number, value, good in self.sent if good}
        differs = any(self.before.get(number, value) != value for number, value in last.items())
        bad = not all(good for *_, good in self.sent)
        if self.mode == "atomic" and (bad or (differs and self.on_conflict == "error")):
            return None
        return self.before | last | (self.before if self.on_conflict != "replace" else {})


cases = st.builds(
    Case,
    st.dictionaries(st.integers(0, 5), st.sampled_from([1.0, 2.0]), max_size=6),
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from([1.0, 2.0, 3.0]), st.booleans()), max_size=8
    ),
    st.sampled_from(["atomic", "partial"]),
    st.sampled_from(["replace", "skip", "error"]),
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases)
async def test_any_batch_ends_as_the_model_says_with_every_row_accounted_for(
    client: httpx2.AsyncClient, pool: Pool, case: Case
) -> None:
    await empty_database(pool)
    await post(client, [row(number, value) for number, value in case.before.items()])
    rows = [row(number, value if good else None) for number, value, good in case.sent]
    response = await post(client, rows, mode=case.mode, onConflict=case.on_conflict)
    expected = case.expected()
    if expected is None:
        assert response.status_code in {400, 409}
    else:
        counts(response)
    assert {ts: value for _, ts, value in await stored(pool)} == {
        START + timedelta(minutes=number): value
        for number, value in (case.before if expected is None else expected).items()
    }
