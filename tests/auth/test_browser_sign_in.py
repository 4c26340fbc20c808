"""The authorization code flow, step by step, with the development provider as peer."""

from urllib.parse import parse_qs, urlsplit

import pytest

from embedded.identity import IdentityProvider
from tests.auth.person import RADIX, TEST_USER, Person, holding, leads_to_callback, me
from tests.auth.session_stores import SessionsAtRest
from tests.auth.signing_in import Site

SUB = "6d1f5d0c-3b7e-4c52-9f0e-5a2a1f7c9b10"


def parameters(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


async def test_the_provider_is_asked_with_pkce_state_and_nonce(person: Person) -> None:
    response = await person.http.get("/auth/login")
    assert response.status_code == 303
    asked = parameters(response.headers["location"])
    assert asked["code_challenge_method"] == "S256"
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    assert asked["response_type"] == "code"


async def test_two_sign_ins_share_neither_state_nor_nonce_nor_challenge(person: Person) -> None:
    first, second = [
        parameters((await person.http.get("/auth/login")).headers["location"]) for _ in range(2)
    ]
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]


async def test_a_wrong_password_opens_no_session(person: Person, store: SessionsAtRest) -> None:
    page = await person.log_in("test-user", "wrong")
    assert page.status_code == 401
    assert await store.count() == 0


async def test_denied_consent_is_told_and_opens_no_session(
    person: Person, store: SessionsAtRest
) -> None:
    consent = await person.log_in(*RADIX)
    denied = await person.submit(consent, action="cancel")
    answer = await person.http.get(denied.headers["location"])
    assert (answer.status_code, answer.json()["code"]) == (403, "sign_in_denied")
    assert person.session_cookie is None
    assert await store.count() == 0


async def test_a_browser_is_told_so_by_a_page(person: Person) -> None:
    consent = await person.log_in(*RADIX)
    denied = await person.submit(consent, action="cancel")
    headers = {"Accept": "text/html"}
    page = await person.http.get(denied.headers["location"], headers=headers)
    assert page.status_code == 403
    assert page.headers["content-type"].startswith("text/html")
    assert 'href="/auth/login"' in page.text


async def test_a_sign_in_ends_at_the_reference_with_a_session(person: Person, site: Site) -> None:
    answer = await person.sign_in(*TEST_USER)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{site.url}/docs")
    assert answer.headers["cache-control"] == "no-store"
    known = (await person.http.get("/auth/me")).json()
    assert (known["sub"], known["username"]) == (SUB, "test-user")
    assert known["scopes"] == ["imports:read", "imports:write", "readings:read", "readings:write"]


async def test_a_sign_in_ends_where_it_was_asked_for(person: Person, site: Site) -> None:
    answer = await person.sign_in(*TEST_USER, path="/auth/login?next=/imports%3Flimit%3D5")
    assert answer.headers["location"] == f"{site.url}/imports?limit=5"


async def test_a_replayed_state_is_refused(person: Person) -> None:
    url = await person.callback_url(*TEST_USER)
    assert (await person.http.get(url)).status_code == 303
    person.http.cookies.delete("Authentication")
    answer = await person.http.get(url)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_sign_in")
    assert person.session_cookie is None


async def test_a_reused_code_is_refused_under_a_fresh_state(person: Person) -> None:
    used = await person.callback_url(*TEST_USER)
    await person.http.get(used)
    fresh = parameters(await person.callback_url(*TEST_USER))
    query = {**fresh, "code": parameters(used)["code"]}
    answer = await person.http.get("/auth/callback", params=query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_sign_in")


async def test_an_invented_state_is_refused(person: Person) -> None:
    query = {**parameters(await person.callback_url(*TEST_USER)), "state": "x" * 43}
    answer = await person.http.get("/auth/callback", params=query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_sign_in")


@pytest.mark.parametrize(
    "query",
    ["", "?code=x", "?error=access_denied", "?state=&code=x", "?state=a&state=b", "?state=%ff%00"],
)
async def test_an_answer_to_nothing_is_refused(person: Person, query: str) -> None:
    answer = await person.http.get(f"/auth/callback{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_sign_in")


async def test_another_browser_cannot_finish_the_sign_in(
    person: Person, stranger: Person, store: SessionsAtRest
) -> None:
    url = await person.callback_url(*TEST_USER)
    answer = await stranger.http.get(url)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_sign_in")
    assert await store.count() == 0


@pytest.mark.parametrize("change", [{"iss": "http://127.0.0.1:1"}, {"iss": ""}])
async def test_an_answer_of_another_issuer_is_refused(
    person: Person, change: dict[str, str]
) -> None:
    query = parameters(await person.callback_url(*TEST_USER)) | change
    answer = await person.http.get("/auth/callback", params=query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_sign_in")


async def test_two_tabs_may_sign_in_at_the_same_time(person: Person) -> None:
    first_tab = await person.begin()
    second_tab = await person.begin()
    for tab in (first_tab, second_tab):
        page = await person.submit(tab, username="test-user", password="test-1234")
        while not leads_to_callback(page):
            page = await person.submit(page)
        assert (await person.http.get(page.headers["location"])).status_code == 303


async def test_a_new_sign_in_changes_the_id_and_ends_the_former_session(
    person: Person, site: Site, store: SessionsAtRest
) -> None:
    await person.sign_in(*TEST_USER)
    former = person.session_cookie
    await person.sign_in(*TEST_USER)
    assert person.session_cookie != former
    assert await store.count() == 1
    answer = await me(site.url, holding(former))
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")


async def test_a_session_id_that_a_browser_brings_is_not_taken_over(person: Person) -> None:
    person.http.cookies.set("Authentication", "chosen-by-somebody-else", domain="127.0.0.1")
    answer = await person.sign_in(*TEST_USER)
    assert "chosen-by-somebody-else" not in answer.headers["set-cookie"]
    assert answer.cookies["Authentication"] != "chosen-by-somebody-else"


async def test_the_provider_leads_back_to_no_other_address(
    person: Person, provider: IdentityProvider
) -> None:
    asked = parameters((await person.http.get("/auth/login")).headers["location"])
    changed = asked | {"redirect_uri": "http://127.0.0.1:1/auth/callback"}
    answer = await person.http.get(f"{provider.issuer}/auth", params=changed)
    assert answer.status_code == 400
