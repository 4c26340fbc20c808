"""An upload to a signed URL: created, sent, completed. The rejected requests come first."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx2
import pytest
from pydantic import SecretStr

from api.imports.upload_urls import LIFETIME, UploadUrls
from core.database import Pool
from core.settings import ApiSettings, StorageSettings
from core.storage import Storage
from core.time import utc_now
from tests.api.imports.test_imports import UNKNOWN
from tests.api.imports.test_uploads import CSV, files_below, nothing_is_stored
from tests.api.serving import UPLOAD_SECRET, server_settings, serving
from tests.support.stub_provider import StubProvider

CHECKSUM = sha256(CSV).hexdigest()


@pytest.fixture(autouse=True)
def _empty_storage(storage_folder: Path) -> None:
    for path in files_below(storage_folder):
        path.unlink()


async def create(client: httpx2.AsyncClient, **changes: Any) -> httpx2.Response:
    upload = {"fileName": "january.csv", "sizeBytes": len(CSV), **changes}
    return await client.post("/imports", json=upload)


async def announced(client: httpx2.AsyncClient, **changes: Any) -> tuple[str, str]:
    """The id of an import that awaits its file, and the path and query of its URL."""
    response = await create(client, **changes)
    assert response.status_code == 201
    return response.json()["importId"], path_of(response.json()["uploadUrl"])


def path_of(url: str) -> str:
    """Path and query, since the port of the test server is not in its settings."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def assert_problem(response: httpx2.Response, status: int, code: str) -> str:
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code)
    message: str = problem["message"]
    return message


async def in_chunks(content: bytes = CSV) -> AsyncIterator[bytes]:
    """A body without Content-Length."""
    for byte in content:
        yield bytes([byte])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"fileName": "a.ods"}, (400, "not_csv", "CSV")),
        ({"fileName": 1}, (400, "validation_error", "fileName")),
        ({"fileName": "x" * 5000}, (400, "validation_error", "fileName")),
        ({"sizeBytes": 0}, (400, "validation_error", "sizeBytes")),
        ({"sizeBytes": "many"}, (400, "validation_error", "sizeBytes")),
        ({"sizeBytes": 10**30}, (413, "body_too_large", "allowed")),
        ({"sha256": "abc"}, (400, "validation_error", "sha256")),
        ({"sha256": CHECKSUM + "\n"}, (400, "validation_error", "sha256")),
        ({"extra": True}, (400, "validation_error", "extra")),
        ({"options": {"decimal": "!"}}, (400, "validation_error", "decimal")),
    ],
)
async def test_an_invalid_request_is_rejected_and_names_what_is_invalid(
    client: httpx2.AsyncClient,
    pool: Pool,
    storage_folder: Path,
    changes: dict[str, Any],
    expected: tuple[int, str, str],
) -> None:
    status, code, named = expected
    assert named in assert_problem(await create(client, **changes), status, code)
    assert await nothing_is_stored(pool, storage_folder)


async def test_without_a_secret_no_url_is_issued_and_none_is_accepted(
    migrated_url: str, stub_provider: StubProvider, tmp_path: Path, pool: Pool
) -> None:
    headers = {"Authorization": f"Bearer {stub_provider.token()}"}
    async with (
        serving(server_settings(migrated_url, stub_provider.issuer, tmp_path)) as url,
        httpx2.AsyncClient(base_url=url, headers=headers) as client,
    ):
        message = assert_problem(await create(client), 403, "upload_urls_off")
        unsigned = await client.put(f"/imports/{UNKNOWN}/content", content=CSV)
    assert "SENSORFLOW_API_UPLOAD_SECRET" in message
    assert_problem(unsigned, 403, "bad_signature")
    assert await nothing_is_stored(pool, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.partition("?")[0],
        lambda path: path.partition("&")[0],
        lambda path: path[:-1],
        lambda path: path[:-1] + ("0" if path[-1] != "0" else "1"),
        lambda path: path.replace("expires=", "expires=1"),
        lambda path: path.replace("expires=", "expires=%00%FF"),
        lambda path: path.replace("signature=", "signature=%C3%A9"),
        lambda path: path.replace(path.split("/")[2], UNKNOWN),
    ],
)
async def test_a_url_that_was_changed_is_rejected(
    client: httpx2.AsyncClient, anonymous: httpx2.AsyncClient, storage_folder: Path, change: Any
) -> None:
    _, path = await announced(client)
    assert_problem(await anonymous.put(change(path), content=CSV), 403, "bad_signature")
    assert files_below(storage_folder) == []


async def test_a_url_signed_with_another_secret_is_rejected(
    client: httpx2.AsyncClient, anonymous: httpx2.AsyncClient, tmp_path: Path
) -> None:
    import_id, _ = await announced(client)
    other = urls_of_server(tmp_path, UPLOAD_SECRET.upper())
    url = (await other.issue(UUID(import_id), "k")).upload_url
    assert_problem(await anonymous.put(path_of(url), content=CSV), 403, "bad_signature")


async def test_a_url_expires_after_an_hour(
    client: httpx2.AsyncClient,
    anonymous: httpx2.AsyncClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    response = await create(client)
    expires_at = datetime.fromisoformat(response.json()["expiresAt"])
    assert timedelta() < utc_now() + LIFETIME - expires_at < timedelta(minutes=1)
    query = parse_qs(urlsplit(response.json()["uploadUrl"]).query)
    assert int(query["expires"][0]) == expires_at.replace(tzinfo=UTC).timestamp()

    import_id, urls = UUID(response.json()["importId"]), urls_of_server(tmp_path, UPLOAD_SECRET)
    monkeypatch.setattr("api.imports.upload_urls.LIFETIME", timedelta(seconds=-2))
    expired = path_of((await urls.issue(import_id, "k")).upload_url)
    assert_problem(await anonymous.put(expired, content=CSV), 403, "upload_url_expired")


def urls_of_server(folder: Path, secret: str) -> UploadUrls:
    storage = Storage.open(StorageSettings(url=str(folder)))
    return UploadUrls(storage, ApiSettings(upload_secret=SecretStr(secret)))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (CSV + b"x", (413, "body_too_large")),
        (CSV[:-1], (400, "wrong_size")),
        (b"", (400, "wrong_size")),
        (CSV[::-1], (400, "wrong_checksum")),
    ],
)
async def test_another_file_than_was_announced_is_rejected_and_not_stored(
    client: httpx2.AsyncClient,
    anonymous: httpx2.AsyncClient,
    storage_folder: Path,
    content: bytes,
    expected: tuple[int, str],
) -> None:
    import_id, path = await announced(client, sha256=CHECKSUM)
    for body in (content, in_chunks(content)):
        assert_problem(await anonymous.put(path, content=body), *expected)
    assert files_below(storage_folder) == []
    assert_problem(await client.post(f"/imports/{import_id}/complete"), 409, "upload_missing")


async def test_a_truncated_body_leaves_nothing_and_can_be_sent_again(
    client: httpx2.AsyncClient, anonymous: httpx2.AsyncClient, storage_folder: Path
) -> None:
    size_bytes = 40_000_000
    _, path = await announced(client, sizeBytes=size_bytes)

    async def half() -> AsyncIterator[bytes]:
        yield b"1" * (size_bytes // 2)
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        await anonymous.put(path, content=half())
    async with asyncio.timeout(10):
        while files_below(storage_folder):  # noqa: ASYNC110  # there is no event
            await asyncio.sleep(0.02)
    assert (await anonymous.put(path, content=b"1" * size_bytes)).status_code == 204


async def test_of_a_file_that_is_sent_twice_the_last_counts_and_the_first_is_deleted(
    client: httpx2.AsyncClient, anonymous: httpx2.AsyncClient, storage_folder: Path
) -> None:
    _, path = await announced(client)
    last = CSV.replace(b"1.5", b"2.5")
    for content in (CSV, CSV, last):
        assert (await anonymous.put(path, content=content)).status_code == 204
    assert [stored.read_bytes() for stored in files_below(storage_folder)] == [last]


async def test_a_completed_import_is_queued_with_one_job_however_often_it_is_completed(
    client: httpx2.AsyncClient, anonymous: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    options = {"delimiter": ";", "columns": {"value": "reading"}}
    import_id, path = await announced(client, sha256=CHECKSUM, options=options)
    waiting = (await client.get(f"/imports/{import_id}")).json()
    assert (waiting["state"], waiting["uploadedAt"]) == ("awaiting_upload", None)
    assert waiting["options"].items() >= options.items()
    await anonymous.put(path, content=in_chunks())
    answers = await asyncio.gather(
        *(client.post(f"/imports/{import_id}/complete") for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["state"] for answer in answers} == {"queued"}
    assert answers[0].json()["uploadedAt"]
    assert await pool.fetchval("SELECT count(*) FROM queue.pgqueuer") == 1
    row = await pool.fetchrow("SELECT object_key, sha256, size_bytes FROM imports")
    assert row is not None
    assert (row["sha256"], row["size_bytes"]) == (bytes.fromhex(CHECKSUM), len(CSV))
    assert (storage_folder / row["object_key"]).read_bytes() == CSV


async def test_a_queued_import_accepts_no_other_file(
    client: httpx2.AsyncClient, anonymous: httpx2.AsyncClient, storage_folder: Path
) -> None:
    import_id, path = await announced(client)
    await anonymous.put(path, content=CSV)
    await client.post(f"/imports/{import_id}/complete")
    assert_problem(await anonymous.put(path, content=CSV[::-1]), 409, "import_state")
    assert [stored.read_bytes() for stored in files_below(storage_folder)] == [CSV]


async def test_a_file_that_arrives_while_the_import_is_completed_does_not_replace_the_first(
    client: httpx2.AsyncClient, anonymous: httpx2.AsyncClient, storage_folder: Path
) -> None:
    import_id, path = await announced(client)
    await anonymous.put(path, content=CSV)

    async def late() -> AsyncIterator[bytes]:
        yield CSV[::-1][:10]
        await client.post(f"/imports/{import_id}/complete")
        yield CSV[::-1][10:]

    assert_problem(await anonymous.put(path, content=late()), 409, "import_state")
    assert [stored.read_bytes() for stored in files_below(storage_folder)] == [CSV]


async def test_only_its_creator_completes_an_upload(
    client: httpx2.AsyncClient, anonymous: httpx2.AsyncClient, stub_provider: StubProvider
) -> None:
    import_id, path = await announced(client)
    await anonymous.put(path, content=CSV)
    other = {"Authorization": f"Bearer {stub_provider.token(sub='somebody else')}"}
    response = await anonymous.post(f"/imports/{import_id}/complete", headers=other)
    assert_problem(response, 403, "not_your_import")
    assert_problem(await client.post(f"/imports/{UNKNOWN}/complete"), 404, "import_not_found")


async def test_a_cancelled_upload_is_neither_sent_nor_completed_nor_retried(
    client: httpx2.AsyncClient, anonymous: httpx2.AsyncClient, storage_folder: Path
) -> None:
    import_id, path = await announced(client)
    await client.post(f"/imports/{import_id}/cancel")
    assert_problem(await anonymous.put(path, content=CSV), 409, "import_state")
    assert_problem(await client.post(f"/imports/{import_id}/complete"), 409, "import_state")
    message = assert_problem(await client.post(f"/imports/{import_id}/retry"), 409, "import_state")
    assert "never arrived" in message
    assert files_below(storage_folder) == []


async def test_a_file_that_was_uploaded_before_is_named_as_duplicate(
    client: httpx2.AsyncClient, anonymous: httpx2.AsyncClient
) -> None:
    async def completed() -> dict[str, Any]:
        import_id, path = await announced(client)
        await anonymous.put(path, content=CSV)
        await announced(client, sha256=CHECKSUM)
        answer: dict[str, Any] = (await client.post(f"/imports/{import_id}/complete")).json()
        return answer

    first, second = await completed(), await completed()
    assert (first["duplicateOf"], second["duplicateOf"]) == (None, first["importId"])
