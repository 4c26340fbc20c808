"""After signing out, here or at the provider, nothing of the session works any more."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from api.auth.token_encryption import Tokens, unseal
from embedded.identity import IdentityProvider
from tests.api.provider import Provider
from tests.auth.person import TEST_USER, Person, bearing, holding, me, password_login
from tests.auth.session_stores import SessionsAtRest
from tests.auth.signing_in import Site, another_site, running_site
from tests.auth.test_id_tokens import logout_token
from tests.embedded.identity.browser import Page
from tests.support.ports import free_port


async def tokens_of(person: Person, store: SessionsAtRest) -> Tokens:
    """What nobody but the server sees of a session."""
    cookie = str(person.session_cookie)
    return unseal(await store.sealed(cookie), cookie)


async def test_without_a_session_there_is_nothing_to_end(person: Person) -> None:
    answer = await person.http.post("/auth/logout")
    assert (answer.status_code, answer.json()["code"]) == (401, "missing_token")


async def test_signing_out_by_a_link_does_not_work(person: Person) -> None:
    await password_login(person.http, *TEST_USER)
    assert (await person.http.get("/auth/logout")).status_code == 405
    assert (await person.http.get("/auth/me")).status_code == 200


async def test_signing_out_ends_cookie_and_tokens_at_once(
    person: Person, site: Site, store: SessionsAtRest, tmp_path: Path
) -> None:
    await password_login(person.http, *TEST_USER)
    cookie = holding(person.session_cookie)
    token = (await tokens_of(person, store)).access_token
    assert (await me(site.url, bearing(token))).status_code == 200
    answer = await person.http.post("/auth/logout")
    assert (answer.status_code, answer.json()["message"]) == (200, "Logout successful")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert person.session_cookie is None
    async with another_site(site, tmp_path) as twin:
        for server in (site, twin):
            ended = await me(server.url, cookie)
            assert (ended.status_code, ended.json()["code"]) == (401, "session_ended")
            refused = await me(server.url, bearing(token))
            assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")
    again = await person.http.post("/auth/logout", headers=cookie)
    assert again.status_code == 401


async def test_the_refresh_token_is_revoked_at_the_provider(
    person: Person, store: SessionsAtRest, provider: IdentityProvider
) -> None:
    await password_login(person.http, *TEST_USER)
    refresh_token = (await tokens_of(person, store)).refresh_token
    await person.http.post("/auth/logout")
    async with httpx2.AsyncClient() as http:
        answer = await http.post(
            f"{provider.issuer}/token",
            data={
                "grant_type": "refresh_token",
                "client_id": "sensorflow",
                "refresh_token": str(refresh_token),
            },
        )
    assert answer.json()["error"] == "invalid_grant"


async def test_who_is_signed_in_elsewhere_stays_so(person: Person, stranger: Person) -> None:
    await password_login(person.http, *TEST_USER)
    await password_login(stranger.http, *TEST_USER)
    await person.http.post("/auth/logout")
    assert (await stranger.http.get("/auth/me")).status_code == 200


async def test_the_answer_leads_to_the_providers_sign_out_and_tells_no_more(
    person: Person, site: Site, provider: IdentityProvider
) -> None:
    await person.sign_in(*TEST_USER)
    answer = (await person.http.post("/auth/logout")).json()
    assert set(answer) == {"message", "endSessionUrl"}
    url = urlsplit(answer["endSessionUrl"])
    query = parse_qs(url.query)
    assert answer["endSessionUrl"].startswith(f"{provider.issuer}/")
    assert set(query) == {"client_id", "post_logout_redirect_uri", "id_token_hint"}
    assert query["post_logout_redirect_uri"] == [f"{site.url}/"]


async def sign_out_at_the_provider(person: Person, url: str) -> httpx2.Response:
    page = await person.http.get(url)
    form = Page(page)  # type: ignore[arg-type]  # httpx2's response has what it asks
    action = str(form.all("form")[0]["action"])
    xsrf = str(form.all("input")[0]["value"])
    return await person.http.post(action, data={"xsrf": xsrf, "logout": "yes"})


async def test_signing_out_of_the_provider_leads_back_and_asks_for_the_password_again(
    person: Person, site: Site
) -> None:
    await person.sign_in(*TEST_USER)
    url = (await person.http.post("/auth/logout")).json()["endSessionUrl"]
    answer = await sign_out_at_the_provider(person, url)
    assert answer.headers["location"] == f"{site.url}/"
    assert "Username" in (await person.begin()).text


async def test_signing_out_at_the_provider_ends_the_session_here(
    person: Person, stranger: Person, provider: IdentityProvider, store: SessionsAtRest
) -> None:
    await person.sign_in(*TEST_USER)
    await stranger.sign_in(*TEST_USER)
    token = (await tokens_of(person, store)).access_token
    await sign_out_at_the_provider(person, f"{provider.issuer}/session/end")
    ended = await person.http.get("/auth/me")
    assert (ended.status_code, ended.json()["code"]) == (401, "session_ended")
    assert (await person.http.get("/auth/me", headers=bearing(token))).status_code == 401
    assert (await stranger.http.get("/auth/me")).status_code == 200


async def test_signing_out_needs_no_fresh_tokens(person: Person, store: SessionsAtRest) -> None:
    await password_login(person.http, *TEST_USER)
    await store.let_tokens_run_out()
    assert (await person.http.post("/auth/logout")).status_code == 200
    assert await store.count() == 0


@pytest.mark.parametrize("form", [{}, {"logout_token": ""}, {"logout_token": "a.b.c"}])
async def test_a_notice_without_a_logout_token_is_refused(
    person: Person, form: dict[str, str]
) -> None:
    answer = await person.http.post("/auth/backchannel-logout", data=form)
    assert answer.status_code == 400


async def test_a_logout_token_works_once(migrated_url: str, person: Person, tmp_path: Path) -> None:
    del person  # for its clean database
    async with Provider().serving() as provider:
        port = free_port()
        async with (
            running_site(migrated_url, provider.issuer, port, tmp_path) as site,
            httpx2.AsyncClient(base_url=site.url) as http,
        ):
            form = {"logout_token": logout_token(provider)}
            first = await http.post("/auth/backchannel-logout", data=form)
            second = await http.post("/auth/backchannel-logout", data=form)
    assert (first.status_code, first.content) == (200, b"")
    assert (second.status_code, second.json()["code"]) == (400, "invalid_logout_token")
