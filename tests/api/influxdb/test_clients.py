"""Real clients of InfluxDB find their server here, and their points are stored."""

import asyncio
import gzip
import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from influxdb import InfluxDBClient as InfluxDBClient1
from influxdb.exceptions import InfluxDBClientError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS, WriteOptions
from influxdb_client.rest import ApiException
from influxdb_client_3 import InfluxDBClient3
from influxdb_client_3.exceptions.exceptions import InfluxDBPartialWriteError

from core.database import Pool
from embedded.node import find_node, install_packages
from tests.api.readings.test_readings import stored
from tests.support.stub_provider import StubProvider

HERE = Path(__file__).parent
START = datetime(2026, 1, 1, tzinfo=UTC)
NOT_A_POINT = "line must be measurement,tag=value field=value timestamp"
NO_NUMBER = "f must be a number, a boolean or a string"
POINTS: list[dict[str, Any]] = [
    {"measurement": "weather", "time": START, "tags": {"site": "JFK"}, "fields": {"temp": 21.5}},
    {
        "measurement": "weather",
        "time": START,
        "tags": {"site": "LGA"},
        "fields": {"temp": 20, "wet": True, "sky": "clear"},
    },
]
STORED = [
    ("weather,site=JFK temp", START, 21.5),
    ("weather,site=LGA temp", START, 20),
    ("weather,site=LGA wet", START, 1),
]

pytestmark = pytest.mark.usefixtures("pool")


async def test_influxdb_client_finds_a_healthy_server(
    base_url: str, stub_provider: StubProvider
) -> None:
    def ask() -> None:
        with InfluxDBClient(base_url, stub_provider.token(), org="any") as influx:
            assert influx.ping()
            assert (influx.version(), influx.build()) == ("1.8.10", "OSS")
            with pytest.warns(DeprecationWarning, match="ping"):
                health = influx.health()
            assert (health.name, health.status, health.checks) == ("influxdb", "pass", [])
            assert influx.ready().status == "ready"

    await asyncio.to_thread(ask)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("options", [SYNCHRONOUS, WriteOptions(flush_interval=10)])
async def test_influxdb_client_writes(
    base_url: str, stub_provider: StubProvider, pool: Pool, compressed: bool, options: WriteOptions
) -> None:
    def send() -> None:
        with (
            InfluxDBClient(
                base_url, stub_provider.token(), org="any", enable_gzip=compressed
            ) as influx,
            influx.write_api(options) as writer,
        ):
            writer.write("any", record=POINTS)

    await asyncio.to_thread(send)
    assert await stored(pool) == STORED


async def test_influxdb_client_understands_refusals(
    base_url: str, stub_provider: StubProvider, pool: Pool
) -> None:
    def send(token: str, record: str) -> ApiException:
        with (
            InfluxDBClient(base_url, token, org="any") as influx,
            pytest.raises(ApiException) as raised,
        ):
            influx.write_api(SYNCHRONOUS).write("any", record=record)
        return raised.value

    partial = await asyncio.to_thread(lambda: send(stub_provider.token(), "good f=1\nbad\nbad f=x"))
    assert partial.status == 400
    assert partial.message == (
        f"partial write: line 1: {NOT_A_POINT}; line 2: {NO_NUMBER} dropped=2"
    )
    assert [row[0] for row in await stored(pool)] == ["good f"]
    unscoped = await asyncio.to_thread(lambda: send(stub_provider.token(scope=""), "good f=1"))
    assert (unscoped.status, unscoped.message) == (403, "The scope readings:write is missing.")


def client_1(base_url: str, stub_provider: StubProvider, **options: Any) -> InfluxDBClient1:
    """The client of InfluxDB 1, with a token in the place of user and password."""
    address = urlsplit(base_url)
    headers = {"Authorization": f"Token {stub_provider.token()}"}
    return InfluxDBClient1(
        address.hostname, address.port, database="any", headers=headers, **options
    )


@pytest.mark.parametrize("compressed", [False, True])
async def test_influxdb_1_finds_its_database_and_writes(
    base_url: str, stub_provider: StubProvider, pool: Pool, compressed: bool
) -> None:
    def send() -> None:
        with client_1(base_url, stub_provider, gzip=compressed) as influx:
            assert influx.ping() == "1.8.10"
            influx.create_database('any "name"')
            assert influx.get_list_database() == [{"name": "sensorflow"}]
            assert influx.write_points(POINTS)
            assert influx.write_points([])

    await asyncio.to_thread(send)
    assert await stored(pool) == STORED


async def test_influxdb_1_understands_refusals(base_url: str, stub_provider: StubProvider) -> None:
    def refusal(call: Callable[[InfluxDBClient1], object]) -> InfluxDBClientError:
        with (
            client_1(base_url, stub_provider) as influx,
            pytest.raises(InfluxDBClientError) as raised,
        ):
            call(influx)
        return raised.value

    bad = await asyncio.to_thread(
        lambda: refusal(lambda influx: influx.write_points(["bad"], protocol="line"))
    )
    assert bad.code == 400
    error = f"partial write: line 0: {NOT_A_POINT} dropped=1"
    assert json.loads(bad.content) == {"error": error}
    query = await asyncio.to_thread(
        lambda: refusal(lambda influx: influx.query("SELECT * FROM weather"))
    )
    assert (query.code, json.loads(query.content)["code"]) == (400, "unsupported_query")


def client_3(base_url: str, stub_provider: StubProvider, **options: Any) -> InfluxDBClient3:
    """The client of InfluxDB 3, which writes by the path of InfluxDB 2 unless changed."""
    influx: InfluxDBClient3 = InfluxDBClient3(  # type: ignore[no-untyped-call]  # theirs to annotate
        base_url, database="any", token=stub_provider.token(), **options
    )
    return influx


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "options",
    [{}, {"write_use_v2_api": False}, {"write_use_v2_api": False, "write_no_sync": True}],
)
async def test_influxdb_3_writes(
    base_url: str,
    stub_provider: StubProvider,
    pool: Pool,
    compressed: bool,
    options: dict[str, bool],
) -> None:
    def send() -> None:
        with client_3(base_url, stub_provider, enable_gzip=compressed, **options) as influx:
            assert influx.get_server_version() == "1.8.10"
            influx.write(POINTS)
            influx.write("m f=1 1767225600", write_precision="s")

    await asyncio.to_thread(send)
    assert await stored(pool) == [("m f", START, 1), *STORED]


@pytest.mark.parametrize(("accept_partial", "kept"), [(False, []), (True, ["good f"])])
async def test_influxdb_3_understands_refusals(
    base_url: str, stub_provider: StubProvider, pool: Pool, accept_partial: bool, kept: list[str]
) -> None:
    def refusal() -> InfluxDBPartialWriteError:
        options = {"write_use_v2_api": False, "write_accept_partial": accept_partial}
        with (
            client_3(base_url, stub_provider, **options) as influx,
            pytest.raises(InfluxDBPartialWriteError) as raised,
        ):
            influx.write("good f=1\nbad\nbad f=x")
        return raised.value

    error = await asyncio.to_thread(refusal)
    reported = [(line.line_number, line.error_message) for line in error.line_errors]
    assert reported == [(2, NOT_A_POINT), (3, NO_NUMBER)]
    assert [row[0] for row in await stored(pool)] == kept


async def test_the_javascript_client_finds_a_healthy_server_and_writes(
    base_url: str, stub_provider: StubProvider, pool: Pool
) -> None:
    def run() -> str:
        install_packages(HERE)
        program = [str(find_node().executable), str(HERE / "client.mjs")]
        return subprocess.check_output(
            [*program, base_url, stub_provider.token()], text=True, timeout=60
        )

    assert json.loads(await asyncio.to_thread(run)) == {
        "health": "pass",
        "ready": "ready",
        "refusal": [400, f"partial write: line 0: {NOT_A_POINT} dropped=1"],
    }
    ids = {row[0].replace("J\\ F\\,K", "JFK"): row[2] for row in await stored(pool)}
    assert ids == {row[0]: row[2] for row in STORED}


TELEGRAF = {"User-Agent": "Telegraf/1.36.2 Go/1.25.1"}
METRICS = b"".join(
    b"cpu,cpu=cpu%d,host=web01 usage_idle=97.5,usage_user=1i 1767225600000000000\n" % number
    for number in range(3)
)


@pytest.mark.parametrize("compressed", [False, True])
async def test_what_telegraf_sends_by_its_output_influxdb(
    anonymous: httpx2.AsyncClient, stub_provider: StubProvider, pool: Pool, compressed: bool
) -> None:
    """As plugins/outputs/influxdb does, with the token in `http_headers`."""
    headers = TELEGRAF | {"Authorization": f"Token {stub_provider.token()}"}
    created = await anonymous.post(
        "/query", data={"q": 'CREATE DATABASE "telegraf"'}, headers=headers
    )
    assert (created.status_code, created.json()) == (200, {"results": [{"statement_id": 0}]})
    response = await anonymous.post(
        "/write?db=telegraf",
        **telegraf_body(headers, compressed=compressed),
    )
    assert response.status_code == 204
    assert len(await stored(pool)) == 6


@pytest.mark.parametrize("compressed", [False, True])
async def test_what_telegraf_sends_by_its_output_influxdb_v2(
    anonymous: httpx2.AsyncClient, stub_provider: StubProvider, pool: Pool, compressed: bool
) -> None:
    headers = TELEGRAF | {"Authorization": f"Token {stub_provider.token()}"}
    response = await anonymous.post(
        "/api/v2/write?bucket=telegraf&org=plant",
        **telegraf_body(headers, compressed=compressed),
    )
    assert response.status_code == 204
    assert len(await stored(pool)) == 6


def telegraf_body(headers: dict[str, str], *, compressed: bool) -> dict[str, Any]:
    headers = headers | {"Content-Type": "text/plain; charset=utf-8"}
    if not compressed:
        return {"headers": headers, "content": METRICS}
    return {
        "headers": headers | {"Content-Encoding": "gzip"},
        "content": gzip.compress(METRICS),
    }
