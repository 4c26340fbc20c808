"""The provider goes away, comes back, and comes back with other keys."""

from pathlib import Path

import pytest

from tests.auth.own_provider import Ports, person_at_own_site
from tests.auth.person import TEST_USER, password_login, person_at
from tests.auth.session_stores import SessionsAtRest


async def test_a_provider_that_was_never_there_is_told_as_unavailable(
    migrated_url: str, ports: Ports, store: SessionsAtRest, tmp_path: Path
) -> None:
    async with person_at_own_site(migrated_url, ports, tmp_path, session=store.settings) as person:
        for answer in (
            await person.http.get("/auth/login"),
            await password_login(person.http, *TEST_USER),
        ):
            assert answer.status_code == 503
            assert answer.json()["code"] == "identity_provider_unavailable"
            assert answer.headers["retry-after"]


async def test_sessions_outlive_the_provider_as_long_as_their_tokens(
    migrated_url: str, ports: Ports, store: SessionsAtRest, tmp_path: Path
) -> None:
    async with person_at_own_site(migrated_url, ports, tmp_path, session=store.settings) as person:
        with ports.start_provider(tmp_path):
            await password_login(person.http, *TEST_USER)
        assert (await person.http.get("/auth/me")).status_code == 200
        await store.let_refresh_be_due()
        assert (await person.http.get("/auth/me")).status_code == 200
        await store.let_tokens_run_out()
        answer = await person.http.get("/auth/me")
        assert (answer.status_code, answer.json()["code"]) == (503, "identity_provider_unavailable")
        assert await store.count() == 1
        for _ in range(12):
            failed = await password_login(person.http, *TEST_USER)
            assert failed.status_code == 503, "an outage is no failed attempt"
        out = await person.http.post("/auth/logout")
        assert (out.status_code, out.json()["message"]) == (200, "Logout successful")
        assert await store.count() == 0


async def test_a_provider_with_rotated_keys_is_believed_and_old_tokens_too(
    migrated_url: str,
    ports: Ports,
    store: SessionsAtRest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.auth.jwks.COOLDOWN_SECONDS", 0.0)
    async with (
        person_at_own_site(migrated_url, ports, tmp_path, session=store.settings) as person,
        person_at(f"http://127.0.0.1:{ports.api}") as later,
    ):
        with ports.start_provider(tmp_path):
            await person.sign_in(*TEST_USER)
        with ports.start_provider(tmp_path, rotate_keys=True):
            assert (await later.sign_in(*TEST_USER)).status_code == 303
            for everyone in (person, later):
                assert (await everyone.http.get("/auth/me")).status_code == 200


async def test_a_provider_that_forgot_its_grants_ends_the_session_at_the_next_refresh(
    migrated_url: str, ports: Ports, store: SessionsAtRest, tmp_path: Path
) -> None:
    async with person_at_own_site(migrated_url, ports, tmp_path, session=store.settings) as person:
        with ports.start_provider(tmp_path):
            await password_login(person.http, *TEST_USER)
        with ports.start_provider(tmp_path):
            await store.let_refresh_be_due()
            answer = await person.http.get("/auth/me")
            assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")


async def test_a_sign_in_survives_a_restart_of_the_provider_only_as_a_clear_refusal(
    migrated_url: str, ports: Ports, store: SessionsAtRest, tmp_path: Path
) -> None:
    async with person_at_own_site(migrated_url, ports, tmp_path, session=store.settings) as person:
        with ports.start_provider(tmp_path):
            url = await person.callback_url(*TEST_USER)
        with ports.start_provider(tmp_path):
            answer = await person.http.get(url)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_sign_in")
