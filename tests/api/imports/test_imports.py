import asyncio
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import msgspec
import pytest

from api.http.pagination import encode_cursor
from api.imports.cursor import Cursor
from core.database import Pool
from core.imports import ImportOptions

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def new_import(pool: Pool, minutes_old: int = 0) -> UUID:
    import_id: UUID = await pool.fetchval(
        """
        INSERT INTO imports (
            id, file_name, object_key, size_bytes, created_by, state, created_at
        )
        VALUES ($1, 'a.csv', 'k', 7, 'tester', 'queued', now() - make_interval(mins => $2))
        RETURNING id
        """,
        uuid4(),
        minutes_old,
    )
    return import_id


async def set_state(pool: Pool, import_id: UUID, state: str, error: str | None = None) -> None:
    await pool.execute(
        """
        UPDATE imports SET
            state = $2, error_code = $3, error_message = $3, attempt = 2, lines_done = 11,
            rows_read = 10, rows_inserted = 4, rows_replaced = 3, rows_unchanged = 2,
            rows_rejected = 1, first_ts = '2026-01-01Z', last_ts = '2026-01-02Z',
            started_at = now(), finished_at = now()
        WHERE id = $1
        """,
        import_id,
        state,
        error,
    )


async def test_an_unknown_import_is_not_found(client: httpx2.AsyncClient) -> None:
    for path in (UNKNOWN, f"{UNKNOWN}?wait=visible&timeout=10", f"{UNKNOWN}/rejects"):
        started = time.monotonic()
        response = await client.get(f"/imports/{path}")
        assert (response.status_code, response.json()["code"]) == (404, "import_not_found")
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("import_id", ["1", "none", UNKNOWN[:-1], "%00", "..%2F.."])
async def test_a_malformed_id_is_not_found(client: httpx2.AsyncClient, import_id: str) -> None:
    assert (await client.get(f"/imports/{import_id}")).status_code == 404


@pytest.mark.parametrize(
    "query", ["wait=done", "wait=visible&timeout=61", "wait=visible&timeout=-1", "timeout=nan"]
)
async def test_an_unsupported_wait_is_rejected(
    client: httpx2.AsyncClient, pool: Pool, query: str
) -> None:
    response = await client.get(f"/imports/{await new_import(pool)}?{query}")
    assert (response.status_code, response.json()["code"]) == (400, "validation_error")


async def test_an_import_is_returned_as_it_stands(client: httpx2.AsyncClient, pool: Pool) -> None:
    import_id = await new_import(pool)
    queued = (await client.get(f"/imports/{import_id}")).json()
    assert queued["state"] == "queued"
    assert queued["range"] is queued["error"] is queued["startedAt"] is queued["finishedAt"] is None
    await set_state(pool, import_id, "failed", "not_utf8")
    await pool.execute("UPDATE imports SET rows_read = 15, rows_skipped = 5")
    failed = (await client.get(f"/imports/{import_id}")).json()
    assert failed.pop("createdAt") == queued["createdAt"]
    assert failed.pop("uploadedAt") == queued["uploadedAt"] is not None
    assert failed.pop("startedAt") == failed.pop("finishedAt")
    assert failed == {
        "importId": str(import_id),
        "fileName": "a.csv",
        "state": "failed",
        "counts": {
            "read": 15,
            "inserted": 4,
            "replaced": 3,
            "unchanged": 2,
            "skipped": 5,
            "rejected": 1,
        },
        "progress": {
            "linesDone": 11,
            "bytesDone": 0,
            "bytesTotal": None,
            "rowsPerSecond": None,
            "estimatedLoadedAt": None,
        },
        "range": {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"},
        "error": {"code": "not_utf8", "message": "not_utf8"},
        "warnings": [],
        "sizeBytes": 7,
        "duplicateOf": None,
        "options": msgspec.to_builtins(ImportOptions()),
        "attempts": 2,
        "createdBy": "tester",
        "createdByName": None,
    }


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
async def test_waiting_ends_when_the_import_is_in_a_final_state(
    client: httpx2.AsyncClient, pool: Pool, state: str
) -> None:
    import_id = await new_import(pool)
    others = [await new_import(pool) for _ in range(3)]
    waiting = [
        asyncio.create_task(client.get(f"/imports/{import_id}?wait=visible&timeout=20"))
        for _ in range(20)
    ]
    bystanders = [
        asyncio.create_task(client.get(f"/imports/{other}?wait=visible&timeout=1.5"))
        for other in others
    ]
    done, _ = await asyncio.wait(waiting, timeout=0.5)
    assert done == set()
    await set_state(pool, import_id, state, "x" if state == "failed" else None)
    started = time.monotonic()
    answers = await asyncio.gather(*waiting)
    assert {answer.json()["state"] for answer in answers} == {state}
    assert time.monotonic() - started < 5
    assert {(await task).json()["state"] for task in bystanders} == {"queued"}


async def test_waiting_holds_no_database_connection(client: httpx2.AsyncClient, pool: Pool) -> None:
    import_id = await new_import(pool)
    waiting = [
        asyncio.create_task(client.get(f"/imports/{import_id}?wait=visible&timeout=20"))
        for _ in range(50)
    ]
    await asyncio.wait(waiting, timeout=0.5)
    started = time.monotonic()
    responses = await asyncio.gather(*(client.get("/imports") for _ in range(20)))
    assert {response.status_code for response in responses} == {200}
    assert time.monotonic() - started < 5
    await set_state(pool, import_id, "done")
    await asyncio.gather(*waiting)


async def test_waiting_ends_at_the_timeout_with_the_current_state(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    import_id = await new_import(pool)
    started = time.monotonic()
    response = await client.get(f"/imports/{import_id}?wait=visible&timeout=0.3")
    assert time.monotonic() - started >= 0.3
    assert response.json()["state"] == "queued"


async def pages(client: httpx2.AsyncClient, limit: int) -> list[list[dict[str, Any]]]:
    all_pages = []
    params: dict[str, str | int] = {"limit": limit}
    while True:
        page = (await client.get("/imports", params=params)).json()
        all_pages.append(page["items"])
        if page["nextCursor"] is None:
            return all_pages
        params["cursor"] = page["nextCursor"]


async def test_imports_are_listed_newest_first_each_on_one_page(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    ids = [await new_import(pool, minutes_old=age // 2) for age in range(7)]
    by_page = await pages(client, limit=3)
    assert [len(page) for page in by_page] == [3, 3, 1]
    listed = [item["importId"] for page in by_page for item in page]
    assert set(listed) == {str(import_id) for import_id in ids}
    created = [item["createdAt"] for page in by_page for item in page]
    assert created == sorted(created, reverse=True)


async def test_a_full_last_page_has_no_cursor(client: httpx2.AsyncClient, pool: Pool) -> None:
    assert await pages(client, limit=2) == [[]]
    for _ in range(4):
        await new_import(pool)
    assert [len(page) for page in await pages(client, limit=2)] == [2, 2]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "1e9", ""])
async def test_a_limit_out_of_bounds_is_rejected(client: httpx2.AsyncClient, limit: str) -> None:
    response = await client.get("/imports", params={"limit": limit})
    assert (response.status_code, response.json()["code"]) == (400, "validation_error")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!!!!",
        "é",
        "a" * 1000,
        encode_cursor(Cursor(datetime(2026, 1, 1), UUID(int=0))),  # noqa: DTZ001  # without a zone
    ],
)
async def test_an_invalid_cursor_is_rejected(client: httpx2.AsyncClient, cursor: str) -> None:
    response = await client.get("/imports", params={"cursor": cursor})
    assert (response.status_code, response.json()["code"]) == (400, "invalid_cursor")


async def test_rejects_are_the_parts_in_order_under_one_header(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    import_id = await new_import(pool)
    folder = storage_folder / "imports" / str(import_id) / "rejects"
    folder.mkdir(parents=True)
    parts = {"000000012.csv": b'12,bad_number,value,"a,b,""c"""\n', "000000003.csv": b"3,x,y,z\n"}
    for name, content in parts.items():
        (folder / name).write_bytes(content)
    response = await client.get(f"/imports/{import_id}/rejects")
    assert response.headers["content-type"].startswith("text/csv")
    assert "attachment" in response.headers["content-disposition"]
    assert response.content == b"".join(
        [b"line,code,column,row\n", parts["000000003.csv"], parts["000000012.csv"]]
    )


async def test_an_import_without_rejects_has_the_header_alone(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    response = await client.get(f"/imports/{await new_import(pool)}/rejects")
    assert response.content == b"line,code,column,row\n"


@pytest.mark.parametrize("action", ["cancel", "retry"])
async def test_an_unknown_import_is_neither_cancelled_nor_retried(
    client: httpx2.AsyncClient, action: str
) -> None:
    response = await client.post(f"/imports/{UNKNOWN}/{action}")
    assert (response.status_code, response.json()["code"]) == (404, "import_not_found")


@pytest.mark.parametrize("state", ["awaiting_upload", "queued", "loading", "cancelled"])
async def test_an_import_that_is_not_loaded_yet_can_be_cancelled(
    client: httpx2.AsyncClient, pool: Pool, state: str
) -> None:
    import_id = await new_import(pool)
    await set_state(pool, import_id, state)
    response = await client.post(f"/imports/{import_id}/cancel")
    assert (response.status_code, response.json()["state"]) == (200, "cancelled")
    assert response.json()["counts"]["inserted"] == 4


@pytest.mark.parametrize(
    ("action", "state"),
    [("cancel", "aggregating"), ("cancel", "done"), ("retry", "done"), ("retry", "queued")],
)
async def test_a_state_that_does_not_allow_the_transition_is_reported_and_unchanged(
    client: httpx2.AsyncClient, pool: Pool, action: str, state: str
) -> None:
    import_id = await new_import(pool)
    await set_state(pool, import_id, state)
    response = await client.post(f"/imports/{import_id}/{action}")
    assert (response.status_code, response.json()["code"]) == (409, "import_state")
    assert f"The import is {state}:" in response.json()["message"]
    assert (await client.get(f"/imports/{import_id}")).json()["state"] == state


@pytest.mark.parametrize(("state", "error"), [("failed", "why"), ("cancelled", None)])
async def test_a_retried_import_is_queued_with_a_job_and_retains_its_counts(
    client: httpx2.AsyncClient, pool: Pool, state: str, error: str | None
) -> None:
    import_id = await new_import(pool)
    await set_state(pool, import_id, state, error)
    retried = (await client.post(f"/imports/{import_id}/retry")).json()
    assert (retried["state"], retried["error"], retried["finishedAt"]) == ("queued", None, None)
    assert retried["counts"]["read"] == 10
    jobs = await pool.fetch("SELECT payload FROM queue.pgqueuer")
    assert [job["payload"].decode() for job in jobs] == [str(import_id)]
