"""What is one's own and what everybody with the scope sees: the rule of docs/api.md."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from core.database import Pool
from core.scopes import Scope
from tests.api.imports.test_imports import new_import, set_state
from tests.api.imports.test_presigned_uploads import announced
from tests.api.imports.test_rejects_resubmission import HEADER, import_with_rejects, send
from tests.api.imports.test_uploads import CSV
from tests.support.stub_provider import StubProvider

READING = {"equipmentId": "a", "timestamp": "2026-01-01T00:00:00Z", "value": 1}
ANSWERS = "/sensor-data/aggregated?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&resolution=1h"


def sender(provider: StubProvider, *scopes: Scope, sub: str = "somebody else") -> dict[str, str]:
    return {"Authorization": f"Bearer {provider.token(sub=sub, scope=' '.join(scopes))}"}


@pytest_asyncio.fixture
async def other(
    client: httpx2.AsyncClient, stub_provider: StubProvider
) -> AsyncIterator[httpx2.AsyncClient]:
    """Another user than that of `client`, with every scope as well."""
    async with httpx2.AsyncClient(
        base_url=client.base_url, headers=sender(stub_provider, *Scope), timeout=20
    ) as other:
        yield other


async def test_imports_and_their_rejects_are_seen_by_whoever_may_read_imports(
    client: httpx2.AsyncClient, other: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    import_id = await import_with_rejects(pool, storage_folder)
    for path in ("/imports", f"/imports/{import_id}", f"/imports/{import_id}/rejects"):
        own, others = await client.get(path), await other.get(path)
        assert (others.status_code, others.text) == (own.status_code, own.text)
        assert own.status_code == 200


async def test_imports_are_cancelled_retried_and_corrected_by_whoever_may_write_imports(
    other: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    import_id = await new_import(pool)
    assert (await other.post(f"/imports/{import_id}/cancel")).json()["state"] == "cancelled"
    await set_state(pool, import_id, "failed", "storage_unavailable")
    assert (await other.post(f"/imports/{import_id}/retry")).json()["state"] == "queued"
    rejected = await import_with_rejects(pool, storage_folder)
    row = '3,x,value,"a,2026-01-01T00:00:00Z,1"\n'
    assert (await send(other, rejected, HEADER + row)).json()["state"] == "queued"


async def test_nobody_is_shown_the_url_or_the_creator_of_an_upload(
    client: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    import_id, path = await announced(client)
    signature = path.rpartition("=")[2]
    for asking in (client, other):
        for response in (
            await asking.get("/imports"),
            await asking.get(f"/imports/{import_id}"),
            await asking.get(f"/imports/{import_id}/rejects"),
            await asking.post(f"/imports/{import_id}/retry"),
            await asking.post(f"/imports/{import_id}/complete"),
        ):
            assert signature not in response.text
            assert "tester" not in response.text


async def test_a_url_opens_its_own_import_and_that_for_sending_only(
    client: httpx2.AsyncClient, other: httpx2.AsyncClient, anonymous: httpx2.AsyncClient
) -> None:
    import_id, path = await announced(client)
    _, path_of_other = await announced(other)
    query = path_of_other.partition("?")[2]
    crossed = await other.put(f"/imports/{import_id}/content?{query}", content=CSV)
    assert (crossed.status_code, crossed.json()["code"]) == (403, "bad_signature")
    assert (await anonymous.put(path, content=CSV)).status_code == 204
    for method in ("GET", "HEAD", "POST", "DELETE", "PATCH"):
        assert (await anonymous.request(method, path)).status_code == 405
    query = path.partition("?")[2]
    for of_import in ("", "/rejects", "/events"):
        response = await anonymous.get(f"/imports/{import_id}{of_import}?{query}")
        assert response.status_code == 401


async def write(
    client: httpx2.AsyncClient, headers: dict[str, str], value: float = 1
) -> httpx2.Response:
    readings = [READING | {"value": value}]
    headers = {"Idempotency-Key": "one-key", **headers}
    return await client.post("/sensor-data/batch", json=readings, headers=headers)


async def test_a_stored_response_goes_to_its_sender_only_and_only_with_the_scope(
    client: httpx2.AsyncClient, anonymous: httpx2.AsyncClient, stub_provider: StubProvider
) -> None:
    first = await write(client, {})
    assert first.json()["inserted"] == 1
    others = await write(anonymous, sender(stub_provider, Scope.READINGS_WRITE))
    assert others.json()["unchanged"] == 1
    different = await write(anonymous, sender(stub_provider, Scope.READINGS_WRITE, sub="third"), 2)
    assert different.json()["replaced"] == 1, "the key of others is not taken"
    assert (await write(client, {})).text == first.text
    no_scope = await write(anonymous, sender(stub_provider, Scope.READINGS_READ, sub="tester"))
    assert (no_scope.status_code, no_scope.json()["code"]) == (403, "missing_scope")
    assert (await write(anonymous, {})).status_code == 401


async def test_a_key_that_others_hold_is_not_in_use(
    client: httpx2.AsyncClient, other: httpx2.AsyncClient, pool: Pool
) -> None:
    """Nor do they learn that somebody has it."""
    del pool
    responses = await asyncio.gather(*(write(user, {}) for user in (client, other) * 5))
    assert {response.status_code for response in responses} <= {200, 409}
    assert {(await write(user, {})).status_code for user in (client, other)} == {200}
    counts: list[dict[str, Any]] = [(await write(user, {})).json() for user in (client, other)]
    assert sorted(count["inserted"] for count in counts) == [0, 1]


async def test_cached_answers_are_equal_for_all_who_may_read_and_hidden_from_others(
    client: httpx2.AsyncClient,
    other: httpx2.AsyncClient,
    anonymous: httpx2.AsyncClient,
    stub_provider: StubProvider,
) -> None:
    await client.post("/sensor-data", json=READING)
    answers = [await user.get(ANSWERS) for user in (client, client, other)]
    assert {answer.status_code for answer in answers} == {200}
    (tag,) = {answer.headers["etag"] for answer in answers}
    known = {"If-None-Match": tag}
    assert (await other.get(ANSWERS, headers=known)).status_code == 304
    for headers in ({}, known, {"If-None-Match": "*"}):
        for scopes in ([], [scope for scope in Scope if scope != Scope.READINGS_READ]):
            forbidden = await anonymous.get(
                ANSWERS, headers=headers | sender(stub_provider, *scopes)
            )
            assert (forbidden.status_code, forbidden.json()["code"]) == (403, "missing_scope")
            assert "etag" not in forbidden.headers
        unknown = await anonymous.get(ANSWERS, headers=headers)
        assert (unknown.status_code, "etag" in unknown.headers) == (401, False)


@pytest.mark.parametrize("path", [ANSWERS, "/sensor-data", "/imports", "/auth/me", "/equipment"])
async def test_no_shared_cache_may_store_an_answer(client: httpx2.AsyncClient, path: str) -> None:
    for response in (await client.get(path), await client.head(path)):
        directives = set(response.headers["cache-control"].split(", "))
        assert directives in ({"private", "no-cache"}, {"no-store"})
