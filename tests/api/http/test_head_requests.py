"""HEAD is answered as GET, without the body."""

import httpx2
import pytest

from core.database import Pool
from tests.api.stored import insert, this_hour

VARYING = ("x-request-id", "date", "transfer-encoding")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/health/ready",
        "/docs/openapi.json",
        "/equipment",
        "/equipment/a",
        "/equipment/none",
        "/sensor-data",
        "/sensor-data?format=csv",
        "/sensor-data?format=parquet",
        "/sensor-data?limit=0",
        "/imports",
        "/nowhere",
    ],
)
async def test_head_responds_as_get_would(
    client: httpx2.AsyncClient, pool: Pool, path: str
) -> None:
    await insert(pool, ("a", this_hour(), 1))
    get = await client.get(path)
    head = await client.head(path)
    assert head.status_code == get.status_code
    assert head.content == b""
    headers = [
        {name: text for name, text in response.headers.items() if name not in VARYING}
        for response in (get, head)
    ]
    if get.status_code < 400:
        assert headers[0] == headers[1]
    assert headers[0].keys() == headers[1].keys()


async def test_without_a_get_there_is_no_head(client: httpx2.AsyncClient) -> None:
    response = await client.head("/sensor-data/upload-csv")
    assert response.status_code == 405
    assert "POST" in response.headers["allow"]


async def test_head_without_a_token_is_unauthorized(anonymous: httpx2.AsyncClient) -> None:
    assert (await anonymous.head("/imports")).status_code == 401
