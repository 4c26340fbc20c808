"""Uploads straight into an S3-compatible bucket, past the API, to the end of the import."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from core.database import Pool
from core.errors import ObjectMissingError
from core.settings import DatabaseSettings, ReadingSettings, StorageSettings, WorkerSettings
from core.storage import Storage
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from jobs.maintenance.orphaned_objects import delete_orphaned_objects
from tests.api.serving import server_settings, serving
from tests.jobs.support import ImportCounts, Outcome, outcome_of, rows_of
from tests.s3.bucket import BUCKET, running_bucket
from tests.support.stub_provider import StubProvider

CSV = b"equipmentId,timestamp,value\na,2026-01-01T00:00:00Z,1.5\na,2026-01-01T01:00:00Z,x\n"
SETTINGS = StorageSettings(url=f"s3://{BUCKET}/some/folder")


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with (
        running_bucket(tmp_path_factory.mktemp("bucket")) as environment,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in environment.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def storage(bucket: None) -> Storage:
    del bucket
    return Storage.open(SETTINGS)


@pytest_asyncio.fixture(scope="module")
async def base_url(
    migrated_url: str, bucket: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[str, StubProvider]]:
    del bucket
    async with StubProvider().serving() as provider:
        folder = tmp_path_factory.mktemp("unused")
        settings = server_settings(migrated_url, provider.issuer, folder)
        async with serving(dataclasses.replace(settings, storage=SETTINGS)) as url:
            yield url, provider


@pytest_asyncio.fixture
async def client(
    base_url: tuple[str, StubProvider], pool: Pool
) -> AsyncIterator[httpx2.AsyncClient]:
    del pool
    url, provider = base_url
    headers = {"Authorization": f"Bearer {provider.token()}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture
def context(
    pool: Pool, application_pool: Pool, storage: Storage, migrated_url: str
) -> ImportContext:
    del pool
    return ImportContext(
        storage,
        DatabaseSettings(url=migrated_url),
        WorkerSettings(),
        ReadingSettings(),
        asyncio.Event(),
        1000,
        application_pool,
    )


async def announced(client: httpx2.AsyncClient, **changes: Any) -> Any:
    wanted = {"fileName": "a.csv", "sizeBytes": len(CSV), **changes}
    return (await client.post("/imports", json=wanted)).raise_for_status().json()


async def send(upload: Any, content: bytes = CSV) -> httpx2.Response:
    async with httpx2.AsyncClient() as anybody:
        return await anybody.request(
            upload["method"], upload["uploadUrl"], headers=upload["headers"], content=content
        )


async def completed(client: httpx2.AsyncClient, **changes: Any) -> Any:
    """An upload whose file is in the bucket, and whose import is queued."""
    upload = await announced(client, **changes)
    assert (await send(upload)).status_code == 200
    answer = await client.post(f"/imports/{upload['importId']}/complete")
    assert (answer.status_code, answer.json()["state"]) == (200, "queued")
    return upload


async def loaded(context: ImportContext, upload: Any) -> Outcome:
    await run_import_job(context, upload["importId"], 0)
    return await outcome_of(context.pool, upload["importId"])


@pytest.mark.parametrize("stated", [{}, {"sha256": sha256(CSV).hexdigest().upper()}])
async def test_a_file_sent_to_the_bucket_is_imported(
    client: httpx2.AsyncClient, context: ImportContext, stated: dict[str, str]
) -> None:
    upload = await completed(client, **stated)
    outcome = await loaded(context, upload)
    assert (outcome.state, outcome.counts) == ("done", ImportCounts(read=2, inserted=1, rejected=1))
    rejects = await client.get(f"/imports/{upload['importId']}/rejects")
    assert "bad_number" in rejects.text


async def test_an_import_is_not_completed_without_its_whole_file(
    client: httpx2.AsyncClient,
) -> None:
    upload = await announced(client)
    complete = f"/imports/{upload['importId']}/complete"
    codes = [(await client.post(complete)).json()["code"]]
    for content in (CSV[:-1], CSV + b"x"):
        await send(upload, content)
        codes.append((await client.post(complete)).json()["code"])
    assert codes == ["upload_missing", "wrong_size", "body_too_large"]
    await send(upload)
    assert (await client.post(complete)).status_code == 200


async def test_another_file_than_was_announced_is_not_loaded(
    client: httpx2.AsyncClient, context: ImportContext
) -> None:
    upload = await completed(client, sha256=sha256(CSV[::-1]).hexdigest())
    outcome = await loaded(context, upload)
    assert (outcome.state, outcome.error_code) == ("failed", "wrong_checksum")
    assert sha256(CSV).hexdigest() in outcome.error_message
    assert await rows_of(context.pool) == {}


async def test_a_file_that_is_sent_after_the_import_was_completed_is_not_loaded(
    client: httpx2.AsyncClient, context: ImportContext
) -> None:
    upload = await completed(client)
    assert (await send(upload, CSV.replace(b"1.5", b"2.5"))).status_code == 200
    outcome = await loaded(context, upload)
    assert (outcome.state, outcome.error_code) == ("failed", "source_replaced")
    assert await rows_of(context.pool) == {}


async def test_a_file_that_came_before_is_recognised_when_it_is_loaded(
    client: httpx2.AsyncClient, context: ImportContext
) -> None:
    wrong, first, second = [
        await completed(client, **stated)
        for stated in ({"sha256": sha256(CSV[::-1]).hexdigest()}, {}, {})
    ]
    for upload in (wrong, first, second):
        await loaded(context, upload)
    (await client.post(f"/imports/{wrong['importId']}/retry")).raise_for_status()
    in_a_form = await client.post("/sensor-data/upload-csv", files={"file": ("b.csv", CSV)})
    imports = (first, second, in_a_form.json())
    duplicates = [
        (await client.get(f"/imports/{each['importId']}")).json()["duplicateOf"] for each in imports
    ]
    assert duplicates == [None, first["importId"], first["importId"]]


async def test_the_checksum_of_a_large_object_is_taken_as_it_is_fetched(storage: Storage) -> None:
    content = bytes(range(256)) * 80_000  # several chunks
    await storage.put("large.bin", content)
    async with storage.as_file("large.bin") as stored:
        assert stored.path.read_bytes() == content
        assert stored.sha256 == sha256(content).digest()


async def test_the_url_expires(storage: Storage) -> None:
    url = await storage.signed_put_url("imports/a.csv", timedelta(seconds=1))
    assert url is not None
    await asyncio.sleep(2.1)  # the bucket counts whole seconds
    async with httpx2.AsyncClient() as anybody:
        response = await anybody.put(url, content=CSV)
    assert (response.status_code, "expired" in response.text) == (403, True)


async def test_an_object_that_is_not_there_is_reported_apart_from_a_bucket_that_fails(
    storage: Storage,
) -> None:
    assert await storage.head("imports/none.csv") is None
    with pytest.raises(ObjectMissingError):
        async with storage.as_file("imports/none.csv"):
            pass


async def test_the_bucket_is_swept_like_a_folder(
    pool: Pool, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan = "imports/00000000-0000-4000-8000-000000000000/source.csv"
    await storage.put(orphan, CSV)
    await delete_orphaned_objects(pool, storage)
    assert orphan in await storage.keys("imports")
    monkeypatch.setattr("jobs.maintenance.orphaned_objects.GRACE_PERIOD", timedelta(seconds=-5))
    await delete_orphaned_objects(pool, storage)
    assert orphan not in await storage.keys("imports")
