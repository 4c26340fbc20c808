"""The authorization code flow, step by step, with the development provider as peer."""

from urllib.parse import parse_qs, urlsplit

import pytest

from embedded.identity import IdentityProvider
from tests.auth.servers import ApiServer
from tests.auth.stored_sessions import StoredSessions
from tests.auth.user_agent import RADIX, TEST_USER, UserAgent, leads_to_callback, me, session_header

SUB = "6d1f5d0c-3b7e-4c52-9f0e-5a2a1f7c9b10"


def parameters(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


async def test_the_authorization_request_has_pkce_state_and_nonce(user: UserAgent) -> None:
    response = await user.http.get("/auth/login")
    assert response.status_code == 303
    request = parameters(response.headers["location"])
    assert request["code_challenge_method"] == "S256"
    assert min(len(request[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    assert request["response_type"] == "code"


async def test_two_sign_ins_share_neither_state_nor_nonce_nor_challenge(user: UserAgent) -> None:
    first, second = [
        parameters((await user.http.get("/auth/login")).headers["location"]) for _ in range(2)
    ]
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]


async def test_a_wrong_password_opens_no_session(user: UserAgent, store: StoredSessions) -> None:
    page = await user.log_in("test-user", "wrong")
    assert page.status_code == 401
    assert await store.count() == 0


async def test_denied_consent_is_reported_and_opens_no_session(
    user: UserAgent, store: StoredSessions
) -> None:
    consent = await user.log_in(*RADIX)
    denied = await user.submit(consent, action="cancel")
    response = await user.http.get(denied.headers["location"])
    assert (response.status_code, response.json()["code"]) == (403, "sign_in_denied")
    assert user.session_cookie is None
    assert await store.count() == 0


async def test_denied_consent_is_reported_to_a_browser_as_html(user: UserAgent) -> None:
    consent = await user.log_in(*RADIX)
    denied = await user.submit(consent, action="cancel")
    headers = {"Accept": "text/html"}
    page = await user.http.get(denied.headers["location"], headers=headers)
    assert page.status_code == 403
    assert page.headers["content-type"].startswith("text/html")
    assert 'href="/auth/login?next=/ui"' in page.text


async def test_a_sign_in_redirects_to_the_reference_with_a_session(
    user: UserAgent, api_server: ApiServer
) -> None:
    response = await user.sign_in(*TEST_USER)
    assert (response.status_code, response.headers["location"]) == (303, f"{api_server.url}/docs")
    assert response.headers["cache-control"] == "no-store"
    body = (await user.http.get("/auth/me")).json()
    assert (body["sub"], body["username"]) == (SUB, "test-user")
    assert body["scopes"] == ["imports:read", "imports:write", "readings:read", "readings:write"]


async def test_a_sign_in_redirects_to_its_target(user: UserAgent, api_server: ApiServer) -> None:
    response = await user.sign_in(*TEST_USER, path="/auth/login?next=/imports%3Flimit%3D5")
    assert response.headers["location"] == f"{api_server.url}/imports?limit=5"


async def test_a_replayed_state_is_refused(user: UserAgent) -> None:
    url = await user.callback_url(*TEST_USER)
    assert (await user.http.get(url)).status_code == 303
    user.http.cookies.delete("Authentication")
    response = await user.http.get(url)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_sign_in")
    assert user.session_cookie is None


async def test_a_reused_code_is_refused_under_a_fresh_state(user: UserAgent) -> None:
    used = await user.callback_url(*TEST_USER)
    await user.http.get(used)
    fresh = parameters(await user.callback_url(*TEST_USER))
    query = {**fresh, "code": parameters(used)["code"]}
    response = await user.http.get("/auth/callback", params=query)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_sign_in")


async def test_an_invented_state_is_refused(user: UserAgent) -> None:
    query = {**parameters(await user.callback_url(*TEST_USER)), "state": "x" * 43}
    response = await user.http.get("/auth/callback", params=query)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_sign_in")


@pytest.mark.parametrize(
    "query",
    ["", "?code=x", "?error=access_denied", "?state=&code=x", "?state=a&state=b", "?state=%ff%00"],
)
async def test_a_callback_without_a_pending_sign_in_is_refused(user: UserAgent, query: str) -> None:
    response = await user.http.get(f"/auth/callback{query}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_sign_in")


async def test_another_browser_cannot_finish_the_sign_in(
    user: UserAgent, other_user: UserAgent, store: StoredSessions
) -> None:
    url = await user.callback_url(*TEST_USER)
    response = await other_user.http.get(url)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_sign_in")
    assert await store.count() == 0


@pytest.mark.parametrize("change", [{"iss": "http://127.0.0.1:1"}, {"iss": ""}])
async def test_an_authorization_response_of_another_issuer_is_refused(
    user: UserAgent, change: dict[str, str]
) -> None:
    query = parameters(await user.callback_url(*TEST_USER)) | change
    response = await user.http.get("/auth/callback", params=query)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_sign_in")


async def test_two_tabs_may_sign_in_at_the_same_time(user: UserAgent) -> None:
    first_tab = await user.begin()
    second_tab = await user.begin()
    for tab in (first_tab, second_tab):
        page = await user.submit(tab, username="test-user", password="test-1234")
        while not leads_to_callback(page):
            page = await user.submit(page)
        assert (await user.http.get(page.headers["location"])).status_code == 303


async def test_a_new_sign_in_changes_the_id_and_ends_the_former_session(
    user: UserAgent, api_server: ApiServer, store: StoredSessions
) -> None:
    await user.sign_in(*TEST_USER)
    former = user.session_cookie
    await user.sign_in(*TEST_USER)
    assert user.session_cookie != former
    assert await store.count() == 1
    response = await me(api_server.url, session_header(former))
    assert (response.status_code, response.json()["code"]) == (401, "session_ended")


async def test_a_session_id_chosen_by_the_browser_is_not_adopted(user: UserAgent) -> None:
    user.http.cookies.set("Authentication", "chosen-by-somebody-else", domain="127.0.0.1")
    response = await user.sign_in(*TEST_USER)
    assert "chosen-by-somebody-else" not in response.headers["set-cookie"]
    assert response.cookies["Authentication"] != "chosen-by-somebody-else"


async def test_the_provider_redirects_to_no_other_uri(
    user: UserAgent, identity_provider: IdentityProvider
) -> None:
    request = parameters((await user.http.get("/auth/login")).headers["location"])
    changed = request | {"redirect_uri": "http://127.0.0.1:1/auth/callback"}
    response = await user.http.get(f"{identity_provider.issuer}/auth", params=changed)
    assert response.status_code == 400
