"""Errors during long exports: resources are released, and no partial file looks complete."""

import asyncio
import io
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import pytest_asyncio

from api.exports.parsing import ExportQuery, parse_export_query
from api.exports.repository import ExportRepository, Records
from api.exports.service import ExportService
from api.files.formats import Format
from api.files.running import RunningExports
from core.database import Pool
from tests.api.http.test_problem_details import assert_problem
from tests.api.proxy import Proxy, proxied
from tests.api.serving import server_settings, serving
from tests.support.stub_provider import StubProvider

PATH = "/sensor-data"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
ROWS = 60_000  # more than the buffers between a server and its client hold
READING = {"equipmentId": "new", "timestamp": "2026-01-01T00:00:00Z", "value": 1}
MAX_RUNNING = 3  # a third of the connections
FILE_FORMATS = [name for name in Format if name is not Format.JSON]


@pytest_asyncio.fixture
async def proxy(migrated_url: str) -> AsyncIterator[Proxy]:
    async with proxied(migrated_url) as proxy:
        yield proxy


@pytest_asyncio.fixture
async def served(
    proxy: Proxy, stub_provider: StubProvider, tmp_path: Path, pool: Pool
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server with many readings, whose database is behind the proxy."""
    await pool.execute(
        """
        INSERT INTO readings
        SELECT repeat('x', 200) || n % 10, $1::timestamptz + n * interval '1 second', n
        FROM generate_series(1, $2::int) AS n
        """,
        NOON,
        ROWS,
    )
    headers = {"Authorization": f"Bearer {stub_provider.token()}"}
    async with (
        serving(server_settings(proxy.url, stub_provider.issuer, tmp_path)) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=20) as client,
    ):
        yield client


async def test_exports_whose_clients_do_not_read_leave_the_database_to_other_requests(
    served: httpx2.AsyncClient,
) -> None:
    async with AsyncExitStack() as stuck:
        for _ in range(MAX_RUNNING):
            response = await stuck.enter_async_context(
                served.stream("GET", PATH, params={"format": "ndjson"})
            )
            assert response.status_code == 200
        rejected = await served.get(PATH, params={"format": "csv"})
        assert_problem(rejected, 429, "too_many_exports")
        assert int(rejected.headers["retry-after"]) > 0
        for _ in range(20):
            assert (await served.post(PATH, json=READING)).status_code == 201
        assert (await served.get(PATH, params={"limit": 1})).status_code == 200
    await until_exports_are_accepted(served)


async def until_exports_are_accepted(client: httpx2.AsyncClient) -> None:
    """Return when all disconnected clients are noticed; bounded by the suite's time limit."""
    statuses = {429}
    while statuses != {200}:
        exports = [client.get(PATH, params={"format": "csv"}) for _ in range(MAX_RUNNING)]
        statuses = {response.status_code for response in await asyncio.gather(*exports)}


async def test_a_file_that_fails_half_way_does_not_end_as_if_it_were_complete(
    served: httpx2.AsyncClient, proxy: Proxy
) -> None:
    for form in FILE_FORMATS:
        part: list[bytes] = []
        with pytest.raises(httpx2.RemoteProtocolError):
            await cut_while_reading(served, proxy, form, part)
        if form is Format.PARQUET:
            with pytest.raises(pa.ArrowInvalid):
                pq.read_table(io.BytesIO(b"".join(part)))
        await proxy.restore()


async def cut_while_reading(
    client: httpx2.AsyncClient, proxy: Proxy, form: Format, part: list[bytes]
) -> None:
    async with client.stream("GET", PATH, params={"format": form}) as response:
        assert response.status_code == 200
        async for chunk in response.aiter_raw():
            part.append(chunk)
            await proxy.cut()


async def test_an_error_before_the_first_chunk_has_a_response_of_its_own(
    served: httpx2.AsyncClient, proxy: Proxy
) -> None:
    await proxy.cut()
    for _ in range(MAX_RUNNING + 1):
        response = await served.get(PATH, params={"format": "parquet"})
        assert_problem(response, 503, "database_unavailable")


class GeneratedReadings(ExportRepository):
    """Batches that are not in any database."""

    def __init__(self, batches: int) -> None:
        self._batches = batches

    async def fetch_all(self, query: ExportQuery) -> AsyncGenerator[Records]:
        del query
        for number in range(self._batches):
            start = NOON + number * timedelta(hours=1)
            yield [
                (f"pump-{n}", start + n * timedelta(seconds=1), n / 7, NOON)  # type: ignore[misc]  # as good as a Record
                for n in range(1000)
            ]


async def peak_bytes(form: Format, batches: int) -> int:
    query = parse_export_query([("format", form)], "")
    tracemalloc.start()
    try:
        async for _ in ExportService(GeneratedReadings(batches), RunningExports(1)).file_chunks(
            query
        ):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", [Format.NDJSON, Format.CSV, Format.ARROW])
async def test_a_longer_file_takes_no_more_memory(form: Format) -> None:
    await peak_bytes(form, 1)  # imports that happen once
    assert await peak_bytes(form, 24) < 1.5 * await peak_bytes(form, 4)


async def test_a_longer_parquet_file_takes_no_more_memory_than_a_row_group() -> None:
    query = parse_export_query([("format", Format.PARQUET)], "")
    chunks = ExportService(GeneratedReadings(400), RunningExports(1)).file_chunks(query)
    allocated = [pa.total_allocated_bytes() async for _ in chunks]
    half = len(allocated) // 2
    assert max(allocated[half:]) <= 1.1 * max(allocated[:half])
