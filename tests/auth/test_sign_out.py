"""After signing out, here or at the provider, cookie and tokens of the session are rejected."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from api.auth.token_encryption import Tokens, decrypt_tokens
from embedded.identity import IdentityProvider
from tests.auth.servers import ApiServer, running_server, second_server
from tests.auth.stored_sessions import StoredSessions
from tests.auth.test_id_tokens import logout_token
from tests.auth.user_agent import (
    TEST_USER,
    UserAgent,
    bearer_header,
    me,
    password_login,
    session_header,
)
from tests.embedded.identity.browser import Page
from tests.support.ports import free_port
from tests.support.stub_provider import StubProvider


async def tokens_of(user: UserAgent, store: StoredSessions) -> Tokens:
    """The tokens of a session, which only the server sees."""
    cookie = str(user.session_cookie)
    return decrypt_tokens(await store.encrypted_tokens(cookie), cookie)


async def test_without_a_session_there_is_nothing_to_end(user: UserAgent) -> None:
    response = await user.http.post("/auth/logout")
    assert (response.status_code, response.json()["code"]) == (401, "missing_token")


async def test_signing_out_by_a_link_does_not_work(user: UserAgent) -> None:
    await password_login(user.http, *TEST_USER)
    assert (await user.http.get("/auth/logout")).status_code == 405
    assert (await user.http.get("/auth/me")).status_code == 200


async def test_signing_out_ends_cookie_and_tokens_at_once(
    user: UserAgent, api_server: ApiServer, store: StoredSessions, tmp_path: Path
) -> None:
    await password_login(user.http, *TEST_USER)
    cookie = session_header(user.session_cookie)
    token = (await tokens_of(user, store)).access_token
    assert (await me(api_server.url, bearer_header(token))).status_code == 200
    response = await user.http.post("/auth/logout")
    assert (response.status_code, response.json()["message"]) == (200, "Logout successful")
    assert "Max-Age=0" in response.headers["set-cookie"]
    assert user.session_cookie is None
    async with second_server(api_server, tmp_path) as twin:
        for server in (api_server, twin):
            ended = await me(server.url, cookie)
            assert (ended.status_code, ended.json()["code"]) == (401, "session_ended")
            refused = await me(server.url, bearer_header(token))
            assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")
    again = await user.http.post("/auth/logout", headers=cookie)
    assert again.status_code == 401


async def test_the_refresh_token_is_revoked_at_the_provider(
    user: UserAgent, store: StoredSessions, identity_provider: IdentityProvider
) -> None:
    await password_login(user.http, *TEST_USER)
    refresh_token = (await tokens_of(user, store)).refresh_token
    await user.http.post("/auth/logout")
    async with httpx2.AsyncClient() as http:
        response = await http.post(
            f"{identity_provider.issuer}/token",
            data={
                "grant_type": "refresh_token",
                "client_id": "sensorflow",
                "refresh_token": str(refresh_token),
            },
        )
    assert response.json()["error"] == "invalid_grant"


async def test_other_sessions_of_the_user_stay(user: UserAgent, other_user: UserAgent) -> None:
    await password_login(user.http, *TEST_USER)
    await password_login(other_user.http, *TEST_USER)
    await user.http.post("/auth/logout")
    assert (await other_user.http.get("/auth/me")).status_code == 200


async def test_the_response_holds_the_end_session_url_and_no_more(
    user: UserAgent, api_server: ApiServer, identity_provider: IdentityProvider
) -> None:
    await user.sign_in(*TEST_USER)
    body = (await user.http.post("/auth/logout")).json()
    assert set(body) == {"message", "endSessionUrl"}
    url = urlsplit(body["endSessionUrl"])
    query = parse_qs(url.query)
    assert body["endSessionUrl"].startswith(f"{identity_provider.issuer}/")
    assert set(query) == {"client_id", "post_logout_redirect_uri", "id_token_hint"}
    assert query["post_logout_redirect_uri"] == [f"{api_server.url}/"]


async def sign_out_at_the_provider(user: UserAgent, url: str) -> httpx2.Response:
    page = await user.http.get(url)
    form = Page(page)  # type: ignore[arg-type]  # httpx2's response has what it reads
    action = str(form.all("form")[0]["action"])
    xsrf = str(form.all("input")[0]["value"])
    return await user.http.post(action, data={"xsrf": xsrf, "logout": "yes"})


async def test_signing_out_of_the_provider_redirects_back_and_requires_the_password_again(
    user: UserAgent, api_server: ApiServer
) -> None:
    await user.sign_in(*TEST_USER)
    url = (await user.http.post("/auth/logout")).json()["endSessionUrl"]
    response = await sign_out_at_the_provider(user, url)
    assert response.headers["location"] == f"{api_server.url}/"
    assert "Username" in (await user.begin()).text


async def test_signing_out_at_the_provider_ends_the_session_here(
    user: UserAgent,
    other_user: UserAgent,
    identity_provider: IdentityProvider,
    store: StoredSessions,
) -> None:
    await user.sign_in(*TEST_USER)
    await other_user.sign_in(*TEST_USER)
    token = (await tokens_of(user, store)).access_token
    await sign_out_at_the_provider(user, f"{identity_provider.issuer}/session/end")
    ended = await user.http.get("/auth/me")
    assert (ended.status_code, ended.json()["code"]) == (401, "session_ended")
    assert (await user.http.get("/auth/me", headers=bearer_header(token))).status_code == 401
    assert (await other_user.http.get("/auth/me")).status_code == 200


async def test_signing_out_needs_no_fresh_tokens(user: UserAgent, store: StoredSessions) -> None:
    await password_login(user.http, *TEST_USER)
    await store.expire_access_tokens()
    assert (await user.http.post("/auth/logout")).status_code == 200
    assert await store.count() == 0


@pytest.mark.parametrize("form", [{}, {"logout_token": ""}, {"logout_token": "a.b.c"}])
async def test_a_back_channel_logout_without_a_logout_token_is_refused(
    user: UserAgent, form: dict[str, str]
) -> None:
    response = await user.http.post("/auth/backchannel-logout", data=form)
    assert response.status_code == 400


async def test_a_logout_token_works_once(
    migrated_url: str, user: UserAgent, stub_provider: StubProvider, tmp_path: Path
) -> None:
    del user  # for its clean database
    async with (
        running_server(migrated_url, stub_provider.issuer, free_port(), tmp_path) as server,
        httpx2.AsyncClient(base_url=server.url) as http,
    ):
        form = {"logout_token": logout_token(stub_provider)}
        first = await http.post("/auth/backchannel-logout", data=form)
        second = await http.post("/auth/backchannel-logout", data=form)
    assert (first.status_code, first.content) == (200, b"")
    assert (second.status_code, second.json()["code"]) == (400, "invalid_logout_token")
