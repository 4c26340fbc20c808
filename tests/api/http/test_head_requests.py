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
async def test_head_tells_what_get_would(client: httpx2.AsyncClient, pool: Pool, path: str) -> None:
    await insert(pool, ("a", this_hour(), 1))
    whole = await client.get(path)
    head = await client.head(path)
    assert head.status_code == whole.status_code
    assert head.content == b""
    kept = [
        {name: text for name, text in response.headers.items() if name not in VARYING}
        for response in (whole, head)
    ]
    if whole.status_code < 400:
        assert kept[0] == kept[1]
    assert kept[0].keys() == kept[1].keys()


async def test_where_there_is_no_get_there_is_no_head(client: httpx2.AsyncClient) -> None:
    response = await client.head("/sensor-data/upload-csv")
    assert response.status_code == 405
    assert "POST" in response.headers["allow"]


async def test_head_without_a_token_is_refused(anonymous: httpx2.AsyncClient) -> None:
    assert (await anonymous.head("/imports")).status_code == 401
