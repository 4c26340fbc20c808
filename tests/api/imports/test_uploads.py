import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx2
import pytest

from api.imports.uploads import EXTENSIONS
from core.database import Connection, Pool
from core.queue import enqueue_import
from core.settings import ApiSettings
from tests.api.serving import server_settings, serving
from tests.support.stub_provider import StubProvider

CSV = b"equipmentId,timestamp,value\npump-1,2026-01-01T00:00:00Z,1.5\n"


async def upload(client: httpx2.AsyncClient, name: str, content: bytes = CSV) -> httpx2.Response:
    return await client.post("/sensor-data/upload-csv", files={"file": (name, content)})


async def nothing_is_stored(pool: Pool, storage: Path) -> bool:
    rows = await pool.fetchval("SELECT count(*) FROM imports")
    jobs = await pool.fetchval("SELECT count(*) FROM queue.pgqueuer")
    return rows == jobs == 0 and not files_below(storage)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(autouse=True)
def _empty_storage(storage_folder: Path) -> None:
    for path in files_below(storage_folder):
        path.unlink()


async def test_a_form_without_a_file_is_rejected(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    url = "/sensor-data/upload-csv"
    for response in (
        await client.post(url),
        await client.post(url, content=CSV, headers={"Content-Type": "text/csv"}),
        await client.post(url, data={"file": "text"}),
        await client.post(url, files={"other": ("a.csv", CSV)}),
        await client.post(url, files={"file": ("", CSV)}),
        await client.post(url, files={"file": (None, CSV)}),
    ):
        assert (response.status_code, response.json()["code"]) == (400, "file_required")
        assert response.json()["message"] == "CSV File is required"
    assert await nothing_is_stored(pool, storage_folder)


@pytest.mark.parametrize("name", ["a.ods", "a.csv.exe", "csv", "a.gz", "a.csv.bz2", "a.csv/b"])
async def test_an_unsupported_extension_is_rejected(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path, name: str
) -> None:
    response = await upload(client, name)
    assert (response.status_code, response.json()["code"]) == (400, "not_csv")
    problem = response.json()
    assert problem["message"] == "Only CSV files are allowed"
    assert problem["detail"].startswith("Only CSV files are allowed: the name must end in .csv, ")
    assert all(f" {extension}" in problem["detail"] for extension in EXTENSIONS)
    assert await nothing_is_stored(pool, storage_folder)


async def test_an_empty_file_is_rejected(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    response = await upload(client, "a.csv", b"")
    assert (response.status_code, response.json()["code"]) == (400, "empty_file")
    assert await nothing_is_stored(pool, storage_folder)


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"no boundary at all",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nhalf',
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="\xff.csv"\r\n\r\n\r\n--x--',
        b"--x\r\nContent-Disposition\r\n\r\n\r\n--x--\r\n",
    ],
)
async def test_a_malformed_or_truncated_form_leaves_nothing(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path, form: bytes
) -> None:
    response = await client.post(
        "/sensor-data/upload-csv",
        content=form,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert (response.status_code, response.json()["code"]) == (400, "malformed_form")
    assert await nothing_is_stored(pool, storage_folder)


async def test_a_file_is_stored_recorded_and_queued(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    response = await upload(client, "january.csv")
    answer = response.json()
    assert response.status_code == 201
    assert answer.keys() == {"message", "fileName", "importId"}
    assert (answer["message"], answer["fileName"]) == ("File uploaded successfully", "january.csv")
    stored = storage_folder / "imports" / answer["importId"] / "source.csv"
    assert stored.read_bytes() == CSV
    row = await pool.fetchrow("SELECT * FROM imports")
    assert row is not None
    assert row["id"] == UUID(answer["importId"])
    assert (row["state"], row["size_bytes"], row["created_by"]) == ("queued", len(CSV), "tester")
    assert row["created_by_name"] == "tester"
    assert row["object_key"] == f"imports/{answer['importId']}/source.csv"
    job = await pool.fetchrow("SELECT entrypoint, payload FROM queue.pgqueuer")
    assert job is not None
    assert (job["entrypoint"], job["payload"]) == ("run_import", answer["importId"].encode())


async def test_the_import_and_its_job_are_of_one_transaction(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await upload(client, "a.csv")
    assert await pool.fetchval("SELECT imports.xmin = job.xmin FROM imports, queue.pgqueuer AS job")


async def test_a_failure_after_queueing_leaves_neither_import_nor_job_nor_object(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def queue_and_fail(
        connection: Connection, import_id: UUID, delay: timedelta | None
    ) -> None:
        await enqueue_import(connection, import_id, delay)
        raise LookupError

    monkeypatch.setattr("api.imports.upload_repository.enqueue_import", queue_and_fail)
    response = await upload(client, "a.csv")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert await nothing_is_stored(pool, storage_folder)


async def test_a_client_that_disconnects_during_the_upload_leaves_nothing(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        yield b"1" * 20_000_000
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        await client.post(
            "/sensor-data/upload-csv",
            content=half(),
            headers={"Content-Type": "multipart/form-data; boundary=x"},
        )
    async with asyncio.timeout(10):
        while not await nothing_is_stored(pool, storage_folder):  # noqa: ASYNC110  # there is no event
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\temp\\Log.CSV", "Log.CSV"),
        ("a/b.Csv.Gz", "b.Csv.Gz"),
        ("a\u202eb\x85.csv", "ab.csv"),
        ("日本語.csv", "日本語.csv"),
        ("x" * 5000 + ".csv", "x" * 196 + ".csv"),
        (".csv", ".csv"),
    ],
)
async def test_a_file_name_is_stored_without_folders_control_characters_and_excess(
    client: httpx2.AsyncClient, sent: str, stored: str
) -> None:
    if len(sent) > 4000:
        sent = sent[-4000:]
    response = await upload(client, sent)
    assert response.json()["fileName"] == stored


@pytest.mark.parametrize("name", ["a.csv.gz", "A.CSV.ZST", *(f"A{e.upper()}" for e in EXTENSIONS)])
async def test_a_file_is_stored_with_its_extension(
    client: httpx2.AsyncClient, storage_folder: Path, name: str
) -> None:
    response = await upload(client, name, b"\x00\xff")
    folder = storage_folder / "imports" / response.json()["importId"]
    stored = folder / f"source{name[1:].lower()}"
    assert stored.read_bytes() == b"\x00\xff"


async def test_a_file_above_the_limit_is_rejected_and_leaves_nothing(
    migrated_url: str, stub_provider: StubProvider, tmp_path: Path, pool: Pool
) -> None:
    settings = server_settings(
        migrated_url, stub_provider.issuer, tmp_path, ApiSettings(max_upload_bytes=1_000_000)
    )
    headers = {"Authorization": f"Bearer {stub_provider.token()}"}

    async def form() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        for _ in range(20):
            yield b"1" * 100_000

    async with (
        serving(settings) as url,
        httpx2.AsyncClient(base_url=url, headers=headers) as client,
    ):
        with_length = await upload(client, "a.csv", b"1" * 2_000_000)
        chunked = await client.post(
            "/sensor-data/upload-csv",
            content=form(),
            headers={"Content-Type": "multipart/form-data; boundary=x"},
        )
        within = await upload(client, "a.csv", b"1" * 1_000_000)
    for response in (with_length, chunked):
        assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert within.status_code == 201
    assert len(files_below(tmp_path)) == 1
    assert await pool.fetchval("SELECT count(*) FROM imports") == 1


async def test_without_a_token_the_body_is_not_stored(
    anonymous: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    response = await upload(anonymous, "a.csv", b"1" * 5_000_000)
    assert (response.status_code, response.json()["code"]) == (401, "missing_token")
    assert await nothing_is_stored(pool, storage_folder)


async def test_a_file_that_is_uploaded_again_names_the_first_import(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    async def uploaded(content: bytes = CSV) -> tuple[str, str | None]:
        import_id = (await upload(client, "a.csv", content)).json()["importId"]
        return import_id, (await client.get(f"/imports/{import_id}")).json()["duplicateOf"]

    first, none = await uploaded()
    _, again = await uploaded()
    _, third = await uploaded()
    assert (none, again, third) == (None, first, first)
    assert (await uploaded(CSV + b"\n"))[1] is None
    await pool.execute("UPDATE imports SET state = 'cancelled'")
    assert (await uploaded())[1] is None
