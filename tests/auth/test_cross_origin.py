"""A foreign page cannot write with somebody's cookie, nor read unless a setting names it."""

from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from tests.auth.person import TEST_USER, Person, bearing, password_login
from tests.auth.signing_in import Site, person_at_another

READING = {"equipmentId": "a", "timestamp": "2026-01-01T00:00:00Z", "value": 1}
FRIEND = "https://dashboard.example.org"


async def write(person: Person, headers: dict[str, str]) -> httpx2.Response:
    return await person.http.post("/sensor-data", json=READING, headers=headers)


@pytest_asyncio.fixture
async def signed_in(person: Person) -> Person:
    await password_login(person.http, *TEST_USER)
    return person


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://127.0.0.1.evil.example"},
    ],
)
async def test_a_write_by_a_foreign_page_is_refused(
    signed_in: Person, headers: dict[str, str]
) -> None:
    answer = await write(signed_in, headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
    out = await signed_in.http.post("/auth/logout", headers=headers)
    assert out.json()["code"] == "cross_origin"
    assert (await signed_in.http.get("/auth/me")).status_code == 200


async def test_a_write_by_our_own_page_or_by_no_page_is_done(signed_in: Person, site: Site) -> None:
    for headers in (
        {"Sec-Fetch-Site": "same-origin", "Origin": site.url},
        {"Sec-Fetch-Site": "none"},
        {"Origin": site.url},
        {},
    ):
        assert (await write(signed_in, headers)).status_code == 201


async def test_a_foreign_page_may_lead_to_a_page_of_ours(signed_in: Person) -> None:
    answer = await signed_in.http.get("/auth/me", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200


async def test_a_bearer_token_is_not_bound_to_a_page(signed_in: Person) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", **bearing("no.good.token")}
    assert (await write(signed_in, headers)).json()["code"] == "invalid_token"


async def test_no_other_origin_may_read_by_default(signed_in: Person) -> None:
    answer = await signed_in.http.get("/auth/me", headers={"Origin": FRIEND})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = await signed_in.http.options(
        "/auth/me", headers={"Origin": FRIEND, "Access-Control-Request-Method": "GET"}
    )
    assert "access-control-allow-origin" not in preflight.headers


async def test_a_named_origin_may_read_and_write(site: Site, tmp_path: Path) -> None:
    api = {"cors_origins": [FRIEND]}
    async with person_at_another(site, tmp_path, api=api) as person:
        await password_login(person.http, *TEST_USER)
        answer = await write(person, {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 201
        assert answer.headers["access-control-allow-origin"] == FRIEND
        assert answer.headers["access-control-allow-credentials"] == "true"
        other = await person.http.get("/auth/me", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


async def test_a_session_without_the_scope_is_told_which_one(site: Site, tmp_path: Path) -> None:
    auth = {"login_scopes": "openid profile readings:read"}
    async with person_at_another(site, tmp_path, auth=auth) as person:
        await password_login(person.http, *TEST_USER)
        answer = await write(person, {})
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
        assert "readings:write" in answer.json()["message"]
        assert 'scope="readings:write"' in answer.headers["www-authenticate"]
