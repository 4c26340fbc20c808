"""A byte order mark before text is not part of it, however the text comes in."""

import gzip
from codecs import BOM_UTF8

import httpx2
import pytest

from core.database import Pool
from tests.api.readings.test_readings import stored

JSON = '{"equipmentId": "m f", "timestamp": "2026-01-01T00:00:00Z", "value": 1}'
WRITES = {
    "/sensor-data": ("application/json", JSON, 201),
    "/sensor-data/batch": ("application/json", f"[{JSON}]", 200),
    "/sensor-data/batch?mode=atomic": ("application/x-ndjson", f"{JSON}\n", 200),
    "/api/v2/write": ("text/plain", "m f=1 1767225600000000000", 204),
    "/write?precision=s": ("text/plain", "m f=1 1767225600\n", 204),
}


@pytest.mark.parametrize("path", WRITES)
async def test_readings_in_any_format_may_begin_with_it(
    client: httpx2.AsyncClient, pool: Pool, path: str
) -> None:
    content_type, text, status = WRITES[path]
    response = await client.post(
        path, content=BOM_UTF8 + text.encode(), headers={"Content-Type": content_type}
    )
    assert response.status_code == status, response.text
    assert {(row[0], row[2]) for row in await stored(pool)} == {("m f", 1)}


async def test_compressed_text_too(client: httpx2.AsyncClient, pool: Pool) -> None:
    body = gzip.compress(BOM_UTF8 + b"m f=1")
    response = await client.post("/write", content=body, headers={"Content-Encoding": "gzip"})
    assert response.status_code == 204
    assert [row[0] for row in await stored(pool)] == ["m f"]


async def test_other_json_too(client: httpx2.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    body = BOM_UTF8 + b'{"fileName": "january.csv", "sizeBytes": 9}'
    assert (await client.post("/imports", content=body, headers=headers)).status_code == 201
    await client.post("/api/v2/write", content=b"m f=1")
    body = BOM_UTF8 + b'{"unit": "bar"}'
    headers = {"Content-Type": "application/merge-patch+json"}
    response = await client.patch("/equipment/m%20f", content=body, headers=headers)
    assert (response.status_code, response.json()["unit"]) == (200, "bar")


async def test_a_second_one_is_not_passed_over(client: httpx2.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    body = 2 * BOM_UTF8 + JSON.encode()
    response = await client.post("/sensor-data", content=body, headers=headers)
    assert (response.status_code, response.json()["code"]) == (400, "malformed_json")
