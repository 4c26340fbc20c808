"""Lifetime, refresh and cookie of a session."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from api.auth.token_encryption import decrypt_tokens, digest
from core.database import Pool
from core.queries import queries
from tests.auth.servers import ApiServer, second_server
from tests.auth.stored_sessions import StoredSessions
from tests.auth.user_agent import (
    TEST_USER,
    UserAgent,
    me,
    password_login,
    session_header,
    user_agent_at,
)


async def me_with(api_server: ApiServer, cookie: str | None) -> httpx2.Response:
    return await me(api_server.url, session_header(cookie))


@pytest.fixture(autouse=True)
async def _signed_in(user: UserAgent) -> None:
    assert (await password_login(user.http, *TEST_USER)).status_code == 200


def altered(cookie: str) -> str:
    return ("B" if cookie[0] == "A" else "A") + cookie[1:]


async def test_an_altered_cookie_is_refused(user: UserAgent, api_server: ApiServer) -> None:
    cookie = str(user.session_cookie)
    for wrong in (altered(cookie), cookie[:-1], cookie + "A", cookie.swapcase(), "x"):
        response = await me_with(api_server, wrong)
        assert (response.status_code, response.json()["code"]) == (401, "session_ended")


async def test_an_empty_cookie_is_none(api_server: ApiServer) -> None:
    assert (await me_with(api_server, "")).json()["code"] == "missing_token"


async def test_the_providers_own_cookie_is_refused(user: UserAgent, api_server: ApiServer) -> None:
    await user.sign_in(*TEST_USER)
    provider_cookie = user.http.cookies.get("_session")
    assert provider_cookie
    assert (await me_with(api_server, provider_cookie)).json()["code"] == "session_ended"


async def test_the_session_cookie_of_another_client_is_refused(
    user: UserAgent, api_server: ApiServer, tmp_path: Path
) -> None:
    changes = {"client_id": "another-application"}
    async with second_server(api_server, tmp_path, auth=changes) as other:
        response = await me_with(other, user.session_cookie)
        assert (response.status_code, response.json()["code"]) == (401, "session_ended")
    assert (await me_with(api_server, user.session_cookie)).status_code == 200


async def test_the_cookie_is_hidden_from_scripts_and_foreign_pages(user: UserAgent) -> None:
    header = (await password_login(user.http, *TEST_USER)).headers["set-cookie"]
    assert header.startswith("Authentication=")
    attributes = {part.strip().lower() for part in header.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/", "max-age=43200"} <= attributes
    assert "secure" not in attributes
    assert not any(attribute.startswith("domain") for attribute in attributes)


async def test_a_session_is_known_to_every_server(
    user: UserAgent, api_server: ApiServer, tmp_path: Path
) -> None:
    async with second_server(api_server, tmp_path) as twin:
        assert (await me_with(twin, user.session_cookie)).status_code == 200


async def test_the_store_alone_reveals_neither_cookie_nor_tokens(
    user: UserAgent, store: StoredSessions
) -> None:
    dump = await store.dump()
    assert TEST_USER[0] in dump
    assert str(user.session_cookie) not in dump
    assert "eyJhbGciOiJSUzI1NiI" not in dump  # {"alg":"RS256"


async def test_an_idle_session_ends(
    user: UserAgent, api_server: ApiServer, store: StoredSessions
) -> None:
    idle = api_server.settings.session.idle_lifetime.total_seconds()
    await store.advance_idle_time(idle - 5)
    assert (await user.http.get("/auth/me")).status_code == 200
    await store.advance_idle_time(idle - 5)
    assert (await user.http.get("/auth/me")).status_code == 200
    await store.advance_idle_time(idle + 1)
    response = await user.http.get("/auth/me")
    assert (response.status_code, response.json()["code"]) == (401, "session_ended")


async def test_a_session_ends_however_busy_it_is(api_server: ApiServer, tmp_path: Path) -> None:
    async with (
        second_server(api_server, tmp_path, session={"lifetime": 0.5}) as short_lived,
        user_agent_at(short_lived.url) as user,
    ):
        await password_login(user.http, *TEST_USER)
        cookie = str(user.session_cookie)
        async with asyncio.timeout(10):
            while (response := await me_with(short_lived, cookie)).status_code == 200:
                pass
        assert response.json()["code"] == "session_ended"


async def test_me_reports_the_expiry(user: UserAgent) -> None:
    body = (await user.http.get("/auth/me")).json()
    assert set(body) == {"message", "sub", "username", "scopes", "expiresAt"}
    assert body["message"] == "Authenticated"
    left = datetime.fromisoformat(body["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=119) < left < timedelta(minutes=121)


async def test_tokens_about_to_expire_are_refreshed(
    user: UserAgent, store: StoredSessions, pool: Pool
) -> None:
    cookie = str(user.session_cookie)
    before = await store.encrypted_tokens(cookie)
    await store.make_refresh_due()
    assert (await user.http.get("/auth/me")).status_code == 200
    after = await store.encrypted_tokens(cookie)
    assert after != before
    former = digest(decrypt_tokens(before, cookie).access_token)
    assert await pool.fetchval("SELECT token_hash FROM spent_tokens") == former
    assert (await user.http.get("/auth/me")).status_code == 200
    assert await store.encrypted_tokens(cookie) == after, "refreshed once"


async def test_many_requests_in_two_servers_cause_one_refresh(
    user: UserAgent, api_server: ApiServer, store: StoredSessions, pool: Pool, tmp_path: Path
) -> None:
    """The provider ends a grant whose refresh token is used twice, so a second use would show."""
    cookie = str(user.session_cookie)
    async with second_server(api_server, tmp_path) as twin:
        for _ in range(3):
            await store.expire_access_tokens()
            responses = await asyncio.gather(
                *(me_with(server, cookie) for server in (api_server, twin) for _ in range(10))
            )
            assert {response.status_code for response in responses} == {200}
    assert await pool.fetchval("SELECT count(*) FROM spent_tokens") == 3


async def test_a_session_whose_grant_the_provider_revoked_is_ended(
    user: UserAgent, store: StoredSessions
) -> None:
    await store.expire_access_tokens()
    cookie = str(user.session_cookie)
    encrypted = await store.encrypted_tokens(cookie)
    assert (await user.http.get("/auth/me")).status_code == 200
    await store.set_encrypted_tokens(cookie, encrypted)  # its refresh token was used by now
    await store.expire_access_tokens()
    response = await user.http.get("/auth/me")
    assert (response.status_code, response.json()["code"]) == (401, "session_ended")
    assert await store.count() == 0


@pytest.mark.parametrize(
    "session_store", ["postgresql"], indirect=True
)  # Valkey expires keys itself
async def test_expired_sessions_and_sign_ins_are_deleted_and_live_ones_stay(
    user: UserAgent, store: StoredSessions, pool: Pool
) -> None:
    await user.begin()
    await pool.execute(
        "INSERT INTO sessions SELECT sha256('past'), issuer, client_id, subject, username, "
        "scopes, provider_session, sealed_tokens, access_token_hash, access_expires_at, "
        "refresh_due_at, NULL, created_at, last_seen_at, now() - INTERVAL '1 s' FROM sessions"
    )
    await queries().delete_expired_sessions(pool)
    assert await store.count() == 1
    assert await pool.fetchval("SELECT count(*) FROM sign_ins") == 1
    await pool.execute("UPDATE sign_ins SET expires_at = now() - INTERVAL '1 s'")
    await queries().delete_expired_sessions(pool)
    assert await pool.fetchval("SELECT count(*) FROM sign_ins") == 0
