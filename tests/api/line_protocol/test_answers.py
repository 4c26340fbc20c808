"""What a write is answered with: what is wrong with which lines, and what was not stored."""

import asyncio
import gzip
import re
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from core.database import Pool
from core.settings import LineProtocolSettings
from tests.api.batches.test_batch_faults import small_server
from tests.api.line_protocol.test_line_protocol import V1, V2, write
from tests.api.readings.test_readings import stored
from tests.api.serving import server_settings, serving
from tests.support.stub_provider import StubProvider

V3 = "/api/v3/write_lp"
SKIPPED = "Sensorflow-Skipped-Fields"
NOT_A_POINT = "must be measurement,tag=value field=value timestamp"

EXPLAINED = {
    "m,t= f=1": "must give the tag t a value, or leave it out",
    "m,t,u=v f=1": "must give the tag t a value, or leave it out",
    "m,t=v,a\\ b= f=1 1": "must give the tag a\\ b a value, or leave it out",
    "my sensor f=1": "must have a backslash before the blank after my",
    "m,t=a b f=1": "must have a backslash before the blank after m,t=a",
    "m,t=a b c=d f=1 1767225600": "must have a backslash before the blank after m,t=a",
    "m f=1,a b=2": "must have a backslash before the blank after f=1,a",
    'm f="x y",a b=2 1': "must have a backslash before the blank after f=,a",
    "m, t=v f=1": "must have no blank after m,",
    "m f=1, g=2": "must have no blank after f=1,",
    "m f=1 1767225600.5": "must have a timestamp without fraction; precision says its unit, "
    "such as ms",
    "m f=1 .5": "must have a timestamp without fraction; precision says its unit, such as ms",
    "m f=1 2026-01-01T00:00:00Z": "must end with its timestamp, a whole number; text belongs in "
    "quotes",
    "m f=open door": "must end with its timestamp, a whole number; text belongs in quotes",
    'm f="open door': "must close its string with a quote",
    "m": NOT_A_POINT,
    "m f": NOT_A_POINT,
    "m f=1,": NOT_A_POINT,
    "m f=1 1 1": NOT_A_POINT,
    "\\": NOT_A_POINT,
}


async def message(client: httpx2.AsyncClient, text: str, path: str = V2) -> str:
    response = await write(client, text, path)
    assert response.status_code == 400
    told: str = response.json()["message" if path == V2 else "error"]
    return told


@pytest.mark.parametrize("text", EXPLAINED)
async def test_each_common_mistake_has_a_message_of_its_own(
    client: httpx2.AsyncClient, text: str
) -> None:
    expected = f"partial write: line 0: line {EXPLAINED[text]} dropped=1"
    assert await message(client, text) == expected
    assert await message(client, f"{text}\r\n", V1) == expected


async def test_a_name_in_a_message_is_bounded(client: httpx2.AsyncClient) -> None:
    assert len(await message(client, f"m,{'t' * 60_000}= f=1")) < 200
    assert len(await message(client, f"{'m' * 60_000} x f=1")) < 200


@pytest.mark.parametrize("path", [V1, V2, V3])
async def test_gzip_without_content_encoding_is_reported(
    client: httpx2.AsyncClient, path: str
) -> None:
    response = await client.post(path, content=gzip.compress(b"m f=1"))
    assert (response.status_code, response.json()["code"]) == (400, "malformed_encoding")
    assert "Content-Encoding: gzip" in response.json()["message"]


async def test_the_first_ten_errors_are_listed_and_how_many_more(
    client: httpx2.AsyncClient,
) -> None:
    ten = "; ".join(f"line {index}: line {NOT_A_POINT}" for index in range(1, 11))
    lines = ["good f=1", *["bad"] * 10]
    assert await message(client, "\n".join(lines)) == f"partial write: {ten} dropped=10"
    lines += ["bad f=x,g=y"] * 60
    more = f"partial write: {ten}; and 120 more dropped=130"
    assert await message(client, "\n".join(lines)) == more
    assert await message(client, "\n".join(lines), V1) == more


async def test_fields_that_are_not_stored_are_counted_in_a_header_and_in_a_metric(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    before = await skipped_in_metrics(client)
    text = 'm state="open",f=1,level="21.5"\nm state="shut"'
    for path in (V1, V2, V3):
        response = await write(client, text, path)
        assert (response.status_code, response.headers[SKIPPED]) == (204, "3")
    partial = await write(client, f"{text}\nbad")
    assert (partial.status_code, partial.headers[SKIPPED]) == (400, "3")
    assert {row[0] for row in await stored(pool)} == {"m f"}
    assert await skipped_in_metrics(client) - before == 12
    assert SKIPPED not in (await write(client, "m f=1")).headers


async def skipped_in_metrics(client: httpx2.AsyncClient) -> float:
    metrics = (await client.get("/metrics")).text
    found = re.search(r"^sensorflow_ingest_skipped_fields_total (\S+)$", metrics, re.MULTILINE)
    assert found is not None
    return float(found[1])


async def test_a_setting_reads_numbers_in_strings(
    migrated_url: str, stub_provider: StubProvider, tmp_path: Path, pool: Pool
) -> None:
    numeric_strings = LineProtocolSettings(numeric_strings=True)
    server = server_settings(
        migrated_url, stub_provider.issuer, tmp_path, line_protocol=numeric_strings
    )
    headers = {"Authorization": f"Bearer {stub_provider.token()}"}
    async with serving(server) as url, httpx2.AsyncClient(base_url=url, headers=headers) as client:
        text = 'm a="21.5",b=" -3 ",c="1e3",d=4,e="21,5",f="nan",g="",h="0x1f",i="5i",j="\\"1\\""'
        response = await write(client, text)
        assert (response.status_code, response.headers[SKIPPED]) == (204, "6")
        huge = await write(client, 'm a="1e999",b="2"')
    assert huge.json()["message"] == ("partial write: line 0: a must be a finite number dropped=1")
    values = sorted((row[0], row[2]) for row in await stored(pool))
    assert values == [("m a", 21.5), ("m b", -3), ("m b", 2), ("m c", 1000), ("m d", 4)]


async def test_influxdb_3_reports_each_line_from_1(client: httpx2.AsyncClient, pool: Pool) -> None:
    response = await client.post(V3, content="m f=1\nbad\nm f=x", params={"precision": "second"})
    assert (response.status_code, response.json()) == (
        400,
        {
            "error": "partial write of line protocol occurred",
            "data": [
                {"line_number": 2, "error_message": f"line {NOT_A_POINT}"},
                {"line_number": 3, "error_message": "f must be a number, a boolean or a string"},
            ],
        },
    )
    assert [row[0] for row in await stored(pool)] == ["m f"]


async def test_influxdb_3_stores_nothing_where_partial_writes_are_not_accepted(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    query = {"accept_partial": "false", "no_sync": "true", "db": "any"}
    bad = await client.post(V3, content="m f=1\n" + "bad\n" * 12, params=query)
    assert bad.status_code == 400
    assert bad.json()["error"] == "parsing failed for write_lp endpoint; and 2 more"
    assert [error["line_number"] for error in bad.json()["data"]] == list(range(2, 12))
    assert await stored(pool) == []
    assert (await client.post(V3, content="m f=1", params=query)).status_code == 204
    assert len(await stored(pool)) == 1


@pytest.mark.parametrize(
    ("precision", "a_second"),
    [("nanosecond", 10**9), ("microsecond", 10**6), ("millisecond", 1000), ("second", 1)],
)
async def test_influxdb_3_has_its_own_names_of_units(
    client: httpx2.AsyncClient, pool: Pool, precision: str, a_second: int
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    text = f"m f=1 {int(start.timestamp()) * a_second}"
    response = await client.post(V3, content=text, params={"precision": precision})
    assert response.status_code == 204
    assert [row[1] for row in await stored(pool)] == [start]


async def test_other_refusals_have_the_member_that_clients_of_influxdb_1_log(
    client: httpx2.AsyncClient, anonymous: httpx2.AsyncClient
) -> None:
    for response in (
        await anonymous.post(V1, content="m f=1"),
        await client.post(V1, content="m f=1", params={"precision": "d"}),
        await client.post(V1, content="m f=1", headers={"Content-Encoding": "br"}),
        await client.post(V1, content=b" " * (33 * 2**20)),
    ):
        problem = response.json()
        assert problem["error"] == problem["detail"]
        assert problem["status"] == response.status_code
        assert problem["code"] in {
            *("missing_token", "validation_error", "unsupported_media_type", "body_too_large")
        }


async def test_a_full_queue_is_503_to_clients_of_influxdb_1_which_drop_what_a_4xx_refuses(
    migrated_url: str, stub_provider: StubProvider, tmp_path: Path, pool: Pool
) -> None:
    async with small_server(migrated_url, stub_provider, tmp_path) as client:
        # Whose token is then cached: an engine of one session looks up nothing while it is locked.
        assert (await write(client, "m f=1", V1)).status_code == 204
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE readings IN ACCESS EXCLUSIVE MODE")
            writes = [asyncio.create_task(write(client, "m f=1", V1)) for _ in range(2)]
            done, held = await asyncio.wait(writes, return_when=asyncio.FIRST_COMPLETED)
        refused = done.pop().result()
        assert (await held.pop()).status_code == 204
    assert (refused.status_code, refused.json()["status"]) == (503, 503)
    assert refused.json()["code"] == "too_many_requests"
    assert refused.headers["retry-after"] == "2"
