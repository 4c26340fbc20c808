"""What keeps a session alive, and what does not."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from api.auth.token_encryption import digest, unseal
from core.database import Pool
from core.queries import queries
from tests.auth.person import TEST_USER, Person, holding, me, password_login, person_at
from tests.auth.session_stores import SessionsAtRest
from tests.auth.signing_in import Site, another_site


async def me_with(site: Site, cookie: str | None) -> httpx2.Response:
    return await me(site.url, holding(cookie))


@pytest.fixture(autouse=True)
async def _signed_in(person: Person) -> None:
    assert (await password_login(person.http, *TEST_USER)).status_code == 200


def altered(cookie: str) -> str:
    return ("B" if cookie[0] == "A" else "A") + cookie[1:]


async def test_an_altered_cookie_is_refused(person: Person, site: Site) -> None:
    cookie = str(person.session_cookie)
    for wrong in (altered(cookie), cookie[:-1], cookie + "A", cookie.swapcase(), "x"):
        answer = await me_with(site, wrong)
        assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")


async def test_an_empty_cookie_is_none(site: Site) -> None:
    assert (await me_with(site, "")).json()["code"] == "missing_token"


async def test_the_providers_own_cookie_opens_nothing(person: Person, site: Site) -> None:
    await person.sign_in(*TEST_USER)
    of_the_provider = person.http.cookies.get("_session")
    assert of_the_provider
    assert (await me_with(site, of_the_provider)).json()["code"] == "session_ended"


async def test_the_session_cookie_of_another_client_is_refused(
    person: Person, site: Site, tmp_path: Path
) -> None:
    changes = {"client_id": "another-application"}
    async with another_site(site, tmp_path, auth=changes) as other:
        answer = await me_with(other, person.session_cookie)
        assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")
    assert (await me_with(site, person.session_cookie)).status_code == 200


async def test_the_cookie_is_kept_from_scripts_and_foreign_pages(person: Person) -> None:
    header = (await password_login(person.http, *TEST_USER)).headers["set-cookie"]
    assert header.startswith("Authentication=")
    attributes = {part.strip().lower() for part in header.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/", "max-age=43200"} <= attributes
    assert "secure" not in attributes
    assert not any(attribute.startswith("domain") for attribute in attributes)


async def test_a_session_is_known_to_every_server(
    person: Person, site: Site, tmp_path: Path
) -> None:
    async with another_site(site, tmp_path) as twin:
        assert (await me_with(twin, person.session_cookie)).status_code == 200


async def test_the_store_alone_gives_neither_cookie_nor_tokens(
    person: Person, store: SessionsAtRest
) -> None:
    everything = await store.everything()
    assert TEST_USER[0] in everything
    assert str(person.session_cookie) not in everything
    assert "eyJhbGciOiJSUzI1NiI" not in everything  # {"alg":"RS256"


async def test_an_idle_session_ends(person: Person, site: Site, store: SessionsAtRest) -> None:
    idle = site.settings.session.idle_lifetime.total_seconds()
    await store.let_idle(idle - 5)
    assert (await person.http.get("/auth/me")).status_code == 200
    await store.let_idle(idle - 5)
    assert (await person.http.get("/auth/me")).status_code == 200
    await store.let_idle(idle + 1)
    answer = await person.http.get("/auth/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")


async def test_a_session_ends_however_busy_it_is(site: Site, tmp_path: Path) -> None:
    async with (
        another_site(site, tmp_path, session={"lifetime": 0.5}) as hasty,
        person_at(hasty.url) as person,
    ):
        await password_login(person.http, *TEST_USER)
        cookie = str(person.session_cookie)
        async with asyncio.timeout(10):
            while (answer := await me_with(hasty, cookie)).status_code == 200:
                pass
        assert answer.json()["code"] == "session_ended"


async def test_me_tells_until_when(person: Person) -> None:
    answer = (await person.http.get("/auth/me")).json()
    assert set(answer) == {"message", "sub", "username", "scopes", "expiresAt"}
    assert answer["message"] == "Authenticated"
    left = datetime.fromisoformat(answer["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=119) < left < timedelta(minutes=121)


async def test_tokens_about_to_expire_are_renewed_unseen(
    person: Person, store: SessionsAtRest, pool: Pool
) -> None:
    cookie = str(person.session_cookie)
    before = await store.sealed(cookie)
    await store.let_refresh_be_due()
    assert (await person.http.get("/auth/me")).status_code == 200
    after = await store.sealed(cookie)
    assert after != before
    former = digest(unseal(before, cookie).access_token)
    assert await pool.fetchval("SELECT token_hash FROM spent_tokens") == former
    assert (await person.http.get("/auth/me")).status_code == 200
    assert await store.sealed(cookie) == after, "renewed once"


async def test_many_requests_in_two_servers_cause_one_refresh(
    person: Person, site: Site, store: SessionsAtRest, pool: Pool, tmp_path: Path
) -> None:
    """The provider ends a grant whose refresh token is used twice, so a second use would show."""
    cookie = str(person.session_cookie)
    async with another_site(site, tmp_path) as twin:
        for _ in range(3):
            await store.let_tokens_run_out()
            answers = await asyncio.gather(
                *(me_with(server, cookie) for server in (site, twin) for _ in range(10))
            )
            assert {answer.status_code for answer in answers} == {200}
    assert await pool.fetchval("SELECT count(*) FROM spent_tokens") == 3


async def test_a_session_whose_grant_the_provider_ended_is_over(
    person: Person, store: SessionsAtRest
) -> None:
    await store.let_tokens_run_out()
    cookie = str(person.session_cookie)
    sealed = await store.sealed(cookie)
    assert (await person.http.get("/auth/me")).status_code == 200
    await store.put_sealed(cookie, sealed)  # used up by now
    await store.let_tokens_run_out()
    answer = await person.http.get("/auth/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")
    assert await store.count() == 0


@pytest.mark.parametrize("session_store", ["postgresql"], indirect=True)  # Valkey sweeps itself
async def test_what_is_past_is_swept_and_what_lives_stays(
    person: Person, store: SessionsAtRest, pool: Pool
) -> None:
    await person.begin()
    await pool.execute(
        "INSERT INTO sessions SELECT sha256('past'), issuer, client_id, subject, username, "
        "scopes, provider_session, sealed_tokens, access_token_hash, access_expires_at, "
        "refresh_due_at, NULL, created_at, last_seen_at, now() - INTERVAL '1 s' FROM sessions"
    )
    await queries().forget_past_sign_ins(pool)
    assert await store.count() == 1
    assert await pool.fetchval("SELECT count(*) FROM sign_ins") == 1
    await pool.execute("UPDATE sign_ins SET expires_at = now() - INTERVAL '1 s'")
    await queries().forget_past_sign_ins(pool)
    assert await pool.fetchval("SELECT count(*) FROM sign_ins") == 0
