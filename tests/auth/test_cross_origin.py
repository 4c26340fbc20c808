"""CSRF and CORS: a foreign page cannot write with a cookie, nor read unless a setting names it."""

from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from tests.auth.servers import ApiServer, user_agent_at_second_server
from tests.auth.user_agent import TEST_USER, UserAgent, bearer_header, password_login

READING = {"equipmentId": "a", "timestamp": "2026-01-01T00:00:00Z", "value": 1}
FRIEND = "https://dashboard.example.org"


async def write(user: UserAgent, headers: dict[str, str]) -> httpx2.Response:
    return await user.http.post("/sensor-data", json=READING, headers=headers)


@pytest_asyncio.fixture
async def signed_in(user: UserAgent) -> UserAgent:
    await password_login(user.http, *TEST_USER)
    return user


FOREIGN_PAGES = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://127.0.0.1.evil.example"},
]


@pytest.mark.parametrize("headers", FOREIGN_PAGES)
async def test_a_foreign_page_signs_nobody_in(user: UserAgent, headers: dict[str, str]) -> None:
    response = await user.http.post("/auth/login", auth=TEST_USER, headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "cross_origin")
    assert user.session_cookie is None


async def test_a_page_of_ours_signs_in(user: UserAgent, api_server: ApiServer) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": api_server.url}
    response = await user.http.post("/auth/login", auth=TEST_USER, headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize("headers", FOREIGN_PAGES)
async def test_a_write_by_a_foreign_page_is_refused(
    signed_in: UserAgent, headers: dict[str, str]
) -> None:
    response = await write(signed_in, headers)
    assert (response.status_code, response.json()["code"]) == (403, "cross_origin")
    out = await signed_in.http.post("/auth/logout", headers=headers)
    assert out.json()["code"] == "cross_origin"
    assert (await signed_in.http.get("/auth/me")).status_code == 200


async def test_a_write_by_our_own_page_or_by_no_page_is_accepted(
    signed_in: UserAgent, api_server: ApiServer
) -> None:
    for headers in (
        {"Sec-Fetch-Site": "same-origin", "Origin": api_server.url},
        {"Sec-Fetch-Site": "none"},
        {"Origin": api_server.url},
        {},
    ):
        assert (await write(signed_in, headers)).status_code == 201


async def test_a_foreign_page_may_link_to_a_page_of_ours(signed_in: UserAgent) -> None:
    response = await signed_in.http.get("/auth/me", headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 200


async def test_a_bearer_token_is_accepted_from_any_page(signed_in: UserAgent) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", **bearer_header("no.good.token")}
    assert (await write(signed_in, headers)).json()["code"] == "invalid_token"


async def test_no_other_origin_may_read_by_default(signed_in: UserAgent) -> None:
    response = await signed_in.http.get("/auth/me", headers={"Origin": FRIEND})
    assert not [name for name in response.headers if name.startswith("access-control")]
    preflight = await signed_in.http.options(
        "/auth/me", headers={"Origin": FRIEND, "Access-Control-Request-Method": "GET"}
    )
    assert "access-control-allow-origin" not in preflight.headers


async def test_a_named_origin_may_read_and_write(api_server: ApiServer, tmp_path: Path) -> None:
    api = {"cors_origins": [FRIEND]}
    async with user_agent_at_second_server(api_server, tmp_path, api=api) as user:
        await password_login(user.http, *TEST_USER)
        response = await write(user, {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"})
        assert response.status_code == 201
        assert response.headers["access-control-allow-origin"] == FRIEND
        assert response.headers["access-control-allow-credentials"] == "true"
        other = await user.http.get("/auth/me", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


async def test_a_session_without_the_scope_is_forbidden_and_the_scope_named(
    api_server: ApiServer, tmp_path: Path
) -> None:
    auth = {"login_scopes": "openid profile readings:read"}
    async with user_agent_at_second_server(api_server, tmp_path, auth=auth) as user:
        await password_login(user.http, *TEST_USER)
        response = await write(user, {})
        assert (response.status_code, response.json()["code"]) == (403, "missing_scope")
        assert "readings:write" in response.json()["message"]
        assert 'scope="readings:write"' in response.headers["www-authenticate"]
