"""Bodies that drip: every route answers and closes the connection, and serves others meanwhile."""

import asyncio
import re
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
import pytest_asyncio
from litestar.types import HTTPRequestEvent, ReceiveMessage
from pydantic import SecretStr

from api.http.request_body_timeout import BodyReceiver, BodyTimeout, BodyTooSlowError
from core.database import Pool
from core.settings import ApiSettings
from tests.api.imports.test_imports import new_import
from tests.api.imports.test_presigned_uploads import announced
from tests.api.imports.test_uploads import files_below
from tests.api.openapi.test_reference import document
from tests.api.readings.ways import make_token_known
from tests.api.serving import UPLOAD_SECRET, server_settings, serving
from tests.support.stub_provider import StubProvider

ANNOUNCED_BYTES = 5_000
PAUSE_SECONDS = 0.05
METHODS = ("post", "put", "patch")

# Everything else is sent as JSON.
MEDIA_TYPES = {
    "/sensor-data/upload-csv": "multipart/form-data; boundary=x",
    "/imports/preview": "multipart/form-data; boundary=x",
    "/imports/{import_id}/rejects": "multipart/form-data; boundary=x",
    "/auth/backchannel-logout": "application/x-www-form-urlencoded",
    "/query": "application/x-www-form-urlencoded",
}
FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'

# Routes that read a body without asking who sends it, and those that read none.
READ_ANONYMOUS = {"/auth/backchannel-logout"}
READ_NONE = {
    "/auth/login",
    "/auth/logout",
    "/rollups/audit",
    "/imports/{import_id}/complete",
    "/imports/{import_id}/cancel",
    "/imports/{import_id}/retry",
    "/imports/{import_id}/content",  # without its signature
}


@pytest_asyncio.fixture
async def served(
    clean_url: str, stub_provider: StubProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx2.AsyncClient]:
    """A server with short timeouts."""
    monkeypatch.setattr("api.http.body_draining.DRAIN_TIMEOUT_SECONDS", 0.5)
    api = ApiSettings(
        body_timeout_seconds=0.5, min_body_rate=1000, upload_secret=SecretStr(UPLOAD_SECRET)
    )
    headers = {"Authorization": f"Bearer {stub_provider.token()}"}
    async with (
        serving(server_settings(clean_url, stub_provider.issuer, tmp_path, api)) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=20) as client,
    ):
        yield client


async def routes_with_bodies(client: httpx2.AsyncClient) -> list[tuple[str, str]]:
    """Every method and path of the reference that may have a body."""
    paths = (await document(client))["paths"]
    return [(method, path) for path in paths for method in METHODS if method in paths[path]]


async def drip(base_url: str, head: str, start: bytes = b"") -> str:
    """Send the head, then a byte of the body every moment; what came until the server closed."""
    address = urlsplit(base_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    length = f"Content-Length: {ANNOUNCED_BYTES}\r\n"
    writer.write(f"{head}Host: here\r\n{length}\r\n".encode() + start)
    sending = asyncio.create_task(_keep_sending(writer))
    try:
        return await _until_closed(reader)
    finally:
        sending.cancel()
        writer.close()


async def _keep_sending(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b"1")
        await asyncio.sleep(PAUSE_SECONDS)


async def _until_closed(reader: asyncio.StreamReader) -> str:
    received = b""
    try:
        while more := await reader.read(2**16):
            received += more
    except ConnectionResetError:
        pass  # the response was read before, else the caller finds none
    return received.decode()


async def drip_to(
    client: httpx2.AsyncClient, method: str, path: str, import_id: str, authorization: str
) -> str:
    """Drip to the route, of whose path parameters one may be an import."""
    target = path.format(import_id=import_id, equipment_id="a")
    media_type = MEDIA_TYPES.get(path, "application/json")
    head = f"{method.upper()} {target} HTTP/1.1\r\nContent-Type: {media_type}\r\n{authorization}"
    return await drip(str(client.base_url), head, FORM if "multipart" in media_type else b"")


@pytest.mark.parametrize("signed_in", [True, False])
async def test_every_route_answers_a_body_that_drips_and_closes_the_connection(
    served: httpx2.AsyncClient, pool: Pool, *, signed_in: bool
) -> None:
    import_id = str(await new_import(pool))
    await pool.execute("UPDATE imports SET state = 'done'")
    await make_token_known(served)
    routes = await routes_with_bodies(served)
    bearer = f"Authorization: {served.headers['authorization']}\r\n" if signed_in else ""
    dripping = {
        path: asyncio.create_task(drip_to(served, method, path, import_id, bearer))
        for method, path in routes
    }
    while not all(task.done() for task in dripping.values()):
        assert (await served.get("/health/live")).status_code == 200
    received = {path: task.result() for path, task in dripping.items()}
    assert all(re.match("HTTP/1.1 [24]", response) for response in received.values()), received
    too_slow = {path for path, response in received.items() if "body_too_slow" in response}
    assert too_slow == (received.keys() - READ_NONE if signed_in else READ_ANONYMOUS)
    assert all("HTTP/1.1 408 " in received[path] for path in too_slow)
    assert len(too_slow) >= (9 if signed_in else 1)


async def test_an_upload_to_a_signed_url_that_drips_is_ended_and_leaves_nothing(
    served: httpx2.AsyncClient, tmp_path: Path
) -> None:
    import_id, target = await announced(served, sizeBytes=ANNOUNCED_BYTES)
    received = await drip(str(served.base_url), f"PUT {target} HTTP/1.1\r\n")
    assert received.startswith("HTTP/1.1 408 ")
    assert "body_too_slow" in received
    assert files_below(tmp_path) == []
    sent = await served.put(target, content=b"1" * ANNOUNCED_BYTES)
    assert sent.status_code == 204
    assert (await served.get(f"/imports/{import_id}")).json()["state"] == "awaiting_upload"


async def receive_all(chunk: bytes, chunks: int) -> list[ReceiveMessage]:
    """A body in chunks, for each of which the server waits as long as the clock steps."""
    left = count(chunks - 1, -1)

    async def receive() -> ReceiveMessage:
        await asyncio.sleep(0)
        return HTTPRequestEvent(type="http.request", body=chunk, more_body=next(left) > 0)

    body = BodyReceiver(receive, BodyTimeout(timeout_seconds=30, bytes_per_second=1000))
    messages = []
    while not body.ended:
        messages.append(await body.receive())
    return messages


async def test_a_body_may_take_any_time_at_a_pace_that_is_high_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.http.request_body_timeout.monotonic", count(0.0, 2.0).__next__)
    assert len(await receive_all(b"1" * 2000, 1000)) == 1000
    with pytest.raises(BodyTooSlowError):
        await receive_all(b"1" * 1800, 1000)


async def test_however_much_came_before_no_pause_is_longer_than_the_timeout() -> None:
    timeout = BodyTimeout(timeout_seconds=30, bytes_per_second=1000)
    assert timeout.seconds_left(0, 0) == 30
    assert timeout.seconds_left(10**9, 0) == 30
    assert timeout.seconds_left(1000, 21) == 10
    assert timeout.seconds_left(0, 31) < 0
