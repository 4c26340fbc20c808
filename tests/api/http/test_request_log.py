"""The log's lines of requests, a line each or one for several stored readings."""

from pathlib import Path

import httpx2
import pytest
from structlog.testing import capture_logs

from core.database import Pool
from core.settings import ApiSettings
from tests.api.readings.test_group_commit import post
from tests.api.readings.ways import WAYS, make_token_known
from tests.api.serving import server_settings, serving
from tests.support.stub_provider import StubProvider


@pytest.mark.parametrize("way", WAYS)
async def test_stored_readings_share_a_line_that_counts_them_and_others_have_their_own(
    migrated_url: str, stub_provider: StubProvider, tmp_path: Path, pool: Pool, way: str
) -> None:
    del pool
    api = ApiSettings(readings_per_log_line=3)
    headers = {"Authorization": f"Bearer {stub_provider.token()}", **WAYS[way]}
    async with (
        serving(server_settings(migrated_url, stub_provider.issuer, tmp_path, api)) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=20) as client,
    ):
        await make_token_known(client)
        with capture_logs() as logs:
            for number in range(7):
                assert (await post(client, number)).status_code == 201
                assert (await client.post("/sensor-data", json={})).status_code == 400
            await client.get("/nowhere")
    stored = [entry for entry in logs if entry.get("status") == 201]
    assert [(entry["path"], entry["requests"]) for entry in stored] == [("/sensor-data", 3)] * 2
    others = [entry["status"] for entry in logs if entry not in stored]
    assert others == [400] * 7 + [404]
    assert not any("requests" in entry for entry in logs if entry not in stored)
